package io.hdfscsv.pulsar;

import org.apache.pulsar.io.core.annotations.FieldDoc;

/**
 * The keys of the sink's {@code configs}, for Pulsar's own lists of them. The native library reads
 * and checks the values; nothing reads them from here.
 */
public class HdfsCsvSinkConfig {
    /** directory: an absolute path on HDFS, or hdfs://host:port/path. */
    @FieldDoc(
            required = true,
            defaultValue = "",
            help =
                    "The directory that the tables are in, one directory per topic. Required. Allowed: an absolute path on HDFS, or hdfs://host:port/path.")
    public String directory;

    /** hdfsConfigDir: a local folder with core-site.xml and hdfs-site.xml. */
    @FieldDoc(
            required = false,
            defaultValue = "",
            help =
                    "Where the Hadoop client's settings are (address, HA, Kerberos, replication); HADOOP_CONF_DIR when absent. Allowed: a local folder with core-site.xml and hdfs-site.xml.")
    public String hdfsConfigDir;

    /** tableNamePattern: text with {topic}, {namespace} or {tenant} in it. */
    @FieldDoc(
            required = false,
            defaultValue = "{topic}",
            help =
                    "The table's directory name. Two topics must not get the same one. Allowed: text with {topic}, {namespace} or {tenant} in it.")
    public String tableNamePattern;

    /** deliveryGuarantee: exactly-once. */
    @FieldDoc(
            required = false,
            defaultValue = "exactly-once",
            help =
                    "What is promised of each record. exactly-once needs the sink's processingGuarantees: EFFECTIVELY_ONCE. Allowed: exactly-once.")
    public String deliveryGuarantee;

    /** dialect: hive. */
    @FieldDoc(
            required = false,
            defaultValue = "hive",
            help =
                    "How rows are written: hive is read by Hive's default text format. Allowed: hive.")
    public String dialect;

    /**
     * delimiter: one ASCII character that is no letter, digit, backslash, LF or CR; \t for a
     * tabulator.
     */
    @FieldDoc(
            required = false,
            defaultValue = ",",
            help =
                    "What stands between fields. Allowed: one ASCII character that is no letter, digit, backslash, LF or CR; \\t for a tabulator.")
    public String delimiter;

    /**
     * metadataColumns: none, all, or a list of _ledger_id, _entry_id, _batch_index, _publish_time,
     * _event_time, _key, _topic.
     */
    @FieldDoc(
            required = false,
            defaultValue = "none",
            help =
                    "Columns that say where a row comes from. Allowed: none, all, or a list of _ledger_id, _entry_id, _batch_index, _publish_time, _event_time, _key, _topic.")
    public String metadataColumns;

    /** partitionBy: none, day or hour. */
    @FieldDoc(
            required = false,
            defaultValue = "none",
            help =
                    "Whether a table has a partition per day or hour (UTC). Allowed: none, day or hour.")
    public String partitionBy;

    /** partitionTime: publishTime, eventTime or field:NAME. */
    @FieldDoc(
            required = false,
            defaultValue = "publishTime",
            help =
                    "Which time of a record decides on its partition. Allowed: publishTime, eventTime or field:NAME.")
    public String partitionTime;

    /** partitionColumn: a name of letters, digits and _. */
    @FieldDoc(
            required = false,
            defaultValue = "dt",
            help = "The partition column's name. Allowed: a name of letters, digits and _.")
    public String partitionColumn;

    /** partitionPastLimit: a duration such as 500ms, 10s, 5m, 2h, 7d. */
    @FieldDoc(
            required = false,
            defaultValue = "3650d",
            help =
                    "Times further before the publish time go to Hive's default partition: a broken clock must not make thousands of directories. Allowed: a duration such as 500ms, 10s, 5m, 2h, 7d.")
    public String partitionPastLimit;

    /** partitionFutureLimit: a duration such as 500ms, 10s, 5m, 2h, 7d. */
    @FieldDoc(
            required = false,
            defaultValue = "7d",
            help =
                    "Times further after the publish time go to Hive's default partition. Allowed: a duration such as 500ms, 10s, 5m, 2h, 7d.")
    public String partitionFutureLimit;

    /** commitInterval: a duration from 1s to 1d. */
    @FieldDoc(
            required = false,
            defaultValue = "60s",
            help =
                    "The longest that a record waits for its commit, also when no other follows. Allowed: a duration from 1s to 1d.")
    public String commitInterval;

    /** maxBatchRows: 1 to 1000000000. */
    @FieldDoc(
            required = false,
            defaultValue = "10000000",
            help = "A batch is committed at this many rows. Allowed: 1 to 1000000000.")
    public Long maxBatchRows;

    /** maxFileSize: a size from 1MB to 1TB. */
    @FieldDoc(
            required = false,
            defaultValue = "128MB",
            help =
                    "A batch is committed when one of its files has this size. Allowed: a size from 1MB to 1TB.")
    public String maxFileSize;

    /** maxMemory: a size from 8MB to 64GB. */
    @FieldDoc(
            required = false,
            defaultValue = "64MB",
            help =
                    "The bound on records and rows in native memory; at the bound the sink stops taking records until some are written. Allowed: a size from 8MB to 64GB.")
    public String maxMemory;

    /** onBadRecord: deadLetter, skip or fail. */
    @FieldDoc(
            required = false,
            defaultValue = "deadLetter",
            help =
                    "What happens to a record that cannot be written. fail ends the sink after what precedes it is committed. Allowed: deadLetter, skip or fail.")
    public String onBadRecord;

    /** deadLetterTopic: a topic that the sink does not read. */
    @FieldDoc(
            required = false,
            defaultValue = "",
            help =
                    "Where bad records go; TOPIC-hdfs-csv-dlq when absent. Allowed: a topic that the sink does not read.")
    public String deadLetterTopic;

    /** operationTimeout: a duration from 1s to 1h. */
    @FieldDoc(
            required = false,
            defaultValue = "30s",
            help = "The bound on one HDFS call. Allowed: a duration from 1s to 1h.")
    public String operationTimeout;

    /** openTimeout: a duration from 1s to 1h. */
    @FieldDoc(
            required = false,
            defaultValue = "60s",
            help =
                    "The bound on starting: reaching HDFS and trying the directory. Allowed: a duration from 1s to 1h.")
    public String openTimeout;

    /** logLevel: error, warn, info or debug. */
    @FieldDoc(
            required = false,
            defaultValue = "info",
            help =
                    "How much the native library writes to the function's log. Allowed: error, warn, info or debug.")
    public String logLevel;
}
