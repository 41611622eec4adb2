//! The keys: their one definition, for the parser, the errors and the documentation.

/// A configuration key: the one definition that the parser, the errors and the documentation share.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the sink's `configs`.
    pub name: &'static str,
    /// The value when it is not given; none for a key that may be absent, or must be given.
    pub default: Option<&'static str>,
    /// What is allowed, in words.
    pub allowed: &'static str,
    /// A value that would do.
    pub example: &'static str,
    /// What it is for.
    pub help: &'static str,
}

impl Key {
    /// Whether it may be given as a list, which Pulsar's check of a sink's configuration must let pass.
    pub fn is_list(&self) -> bool {
        matches!(self.name, "metadataColumns" | "hiveMetastoreUris")
    }

    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.name == "directory"
    }
}

const fn key(
    name: &'static str,
    default: Option<&'static str>,
    allowed: &'static str,
    example: &'static str,
    help: &'static str,
) -> Key {
    Key { name, default, allowed, example, help }
}

const A_DURATION: &str = "a duration such as 500ms, 10s, 5m, 2h, 7d";

/// Every key.
pub const KEYS: &[Key] = &[
    key(
        "directory",
        None,
        "an absolute path on HDFS, or hdfs://host:port/path",
        "/events",
        "The directory that the tables are in, one directory per topic. Required.",
    ),
    key(
        "hdfsConfigDir",
        None,
        "a local folder with core-site.xml and hdfs-site.xml",
        "/etc/hadoop/conf",
        "Where the Hadoop client's settings are (address, HA, Kerberos, replication); HADOOP_CONF_DIR when absent.",
    ),
    key(
        "kerberosPrincipal",
        None,
        "a principal of letters, digits and . - _ $ /, with or without @REALM; _HOST for the machine's name",
        "etl/_HOST@EXAMPLE.COM",
        "Who the sink is to an HDFS with Kerberos. Without kerberosKeytab it needs a ticket in the ticket cache of the process, and without this key the cache's owner writes.",
    ),
    key(
        "kerberosKeytab",
        None,
        "the absolute path of a local file",
        "/etc/security/keytabs/etl.keytab",
        "The keytab with the key of kerberosPrincipal, on each worker. The sink gets and renews its tickets with it.",
    ),
    key(
        "hdfsUser",
        None,
        "a name of letters, digits and . - _ $",
        "etl",
        "Who the sink is to an HDFS without Kerberos; HADOOP_USER_NAME, or the user of the process, when absent.",
    ),
    key(
        "fileMode",
        None,
        "octal permissions in which the owner may read and write",
        "640",
        "The permissions of new files. When absent they are those that fs.permissions.umask-mode leaves, as with `hdfs dfs -put`.",
    ),
    key(
        "directoryMode",
        None,
        "octal permissions in which the owner may read, write and enter",
        "750",
        "The permissions of new directories. When absent they are those that fs.permissions.umask-mode leaves.",
    ),
    key(
        "tableNamePattern",
        Some("{topic}"),
        "text with {topic}, {namespace} or {tenant} in it",
        "{namespace}_{topic}",
        "The table's directory name. Two topics must not get the same one.",
    ),
    key(
        "deliveryGuarantee",
        Some("exactly-once"),
        "exactly-once or at-least-once",
        "exactly-once",
        "What is promised of each record. exactly-once needs the sink's processingGuarantees: EFFECTIVELY_ONCE; at-least-once needs ATLEAST_ONCE: nothing is lost, and a record can be in the table twice.",
    ),
    key(
        "dialect",
        Some("hive"),
        "hive or rfc4180",
        "rfc4180",
        "How rows are written: hive is read by Hive's default text format, rfc4180 is quoted CSV for other tools.",
    ),
    key(
        "delimiter",
        Some(","),
        "one ASCII character that is no letter, digit, quote, backslash, LF or CR, and for the dialect hive none of + - . : / = and blank; \\t for a tabulator",
        "\\t",
        "What stands between fields.",
    ),
    key(
        "header",
        Some("false"),
        "true or false; true only for the dialect rfc4180",
        "false",
        "Whether a file begins with the columns' names. Then every commit begins a new file, however small.",
    ),
    key(
        "compression",
        Some("none"),
        "none or gzip",
        "gzip",
        "How files are compressed. Each commit is a gzip member of its own.",
    ),
    key(
        "metadataColumns",
        Some("none"),
        "none, all, or a list of _ledger_id, _entry_id, _batch_index, _publish_time, _event_time, _key, _topic",
        "_ledger_id,_entry_id,_batch_index",
        "Columns that say where a row comes from.",
    ),
    key(
        "partitionBy",
        Some("none"),
        "none, day or hour",
        "day",
        "Whether a table has a partition per day or hour (UTC).",
    ),
    key(
        "partitionTime",
        Some("publishTime"),
        "publishTime, eventTime or field:NAME",
        "field:timestamp",
        "Which time of a record decides on its partition.",
    ),
    key("partitionColumn", Some("dt"), "a name of letters, digits and _", "dt", "The partition column's name."),
    key(
        "partitionPastLimit",
        Some("3650d"),
        A_DURATION,
        "30d",
        "Times further before the publish time go to Hive's default partition: a broken clock must not make thousands of directories.",
    ),
    key(
        "partitionFutureLimit",
        Some("7d"),
        A_DURATION,
        "1d",
        "Times further after the publish time go to Hive's default partition.",
    ),
    key(
        "commitInterval",
        Some("60s"),
        "a duration from 1s to 1d",
        "60s",
        "The longest that a record waits for its commit, also when no other follows.",
    ),
    key(
        "chunkedMessageTimeout",
        Some("2m"),
        "a duration from 1s to 1h",
        "10m",
        "The longest that a producer may take to send one message in chunks. Behind an entry that has not come, which may be such a chunk, what is committed is acknowledged this and commitInterval later, so that the broker sends the chunk again after a crash. Only exactly-once needs it.",
    ),
    key("maxBatchRows", Some("10000000"), "1 to 1000000000", "1000000", "A batch is committed at this many rows."),
    key(
        "maxFileSize",
        Some("128MB"),
        "a size from 1MB to 1TB",
        "256MB",
        "A batch is committed when one of its files has this size.",
    ),
    key(
        "maxInFlightRecords",
        Some("20000"),
        "1 to 1000000",
        "20000",
        "Under at-least-once, a batch is committed at this many records. Twice as many can be unacknowledged: the broker's maxUnackedMessagesPerConsumer (50000) must be above that.",
    ),
    key(
        "foldBelow",
        Some("8MB"),
        "0, or a size up to 64MB",
        "8MB",
        "A file below this size grows: the next batch is put behind its rows, so that a quiet topic has one file a day. 0 begins a new file with every commit.",
    ),
    key(
        "maxMemory",
        Some("64MB"),
        "a size from 8MB to 64GB",
        "128MB",
        "The bound on what the sink holds in native memory: records, rows, dead letters, and files that grow; at the bound it takes no records until some are written.",
    ),
    key(
        "onBadRecord",
        Some("deadLetter"),
        "deadLetter, skip or fail",
        "skip",
        "What happens to a record that cannot be written. fail ends the sink after what precedes it is committed.",
    ),
    key(
        "onNullValue",
        Some("skip"),
        "skip, deadLetter or row",
        "row",
        "What becomes of a message without a value (a tombstone): it is counted, goes to the dead-letter topic, or is a row of NULLs with its key in the metadata columns. Pulsar ends the instance at each that comes while the sink runs, and the next instance passes it.",
    ),
    key(
        "deadLetterTopic",
        None,
        "a topic that the sink does not read",
        "persistent://marketplace/bad/events",
        "Where bad records go; TOPIC-hdfs-csv-dlq when absent.",
    ),
    key(
        "subscriptionRolePrefix",
        None,
        "text of letters, digits and - _ . @ : = , +",
        "etl",
        "What the names of the subscriptions begin with that the sink makes for itself (hdfs-csv-…): a namespace whose subscription authentication mode is Prefix takes only names that begin with the role. sourceSubscriptionName has to begin with it, too.",
    ),
    key(
        "hiveMetastoreUris",
        None,
        "thrift://host:port, or several with commas between",
        "thrift://metastore:9083",
        "Hive metastores of one Hive, tried in turn, that are told of new tables, columns and partitions; none when absent.",
    ),
    key(
        "hiveMetastoreTls",
        Some("none"),
        "none, system, or the absolute path of a PEM file with certificates of authorities",
        "/etc/hive/authorities.pem",
        "Whether the metastores want TLS, and whose certificates are believed: those of authorities that the system believes, or of these.",
    ),
    key(
        "hiveMetastorePrincipal",
        None,
        "a principal as service/host@REALM; _HOST for the host of hiveMetastoreUris",
        "hive/_HOST@EXAMPLE.COM",
        "Who a metastore with Kerberos is: its hive.metastore.kerberos.principal. The sink proves who it is with the JVM's own Kerberos; none when absent.",
    ),
    key(
        "hiveDatabase",
        Some("default"),
        "a name of letters, digits and _",
        "marketplace",
        "The Hive database that the tables are created in. It must exist.",
    ),
    key("operationTimeout", Some("30s"), "a duration from 1s to 1h", "30s", "The bound on one HDFS call."),
    key(
        "openTimeout",
        Some("60s"),
        "a duration from 1s to 1h",
        "60s",
        "The bound on starting: reaching HDFS and trying the directory.",
    ),
    key(
        "logLevel",
        Some("info"),
        "error, warn, info or debug",
        "debug",
        "How much the native library writes to the function's log.",
    ),
];
