package io.hdfscsv.pulsar;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.pulsar.common.functions.ConsumerConfig;
import org.apache.pulsar.common.io.SinkConfig;

/**
 * Refuses settings under which Pulsar's source gives the sink other bytes than were sent, or not
 * all messages: rows would be missing or wrong, and nobody would be told.
 */
final class SourceSettings {
    /**
     * Fields of the consumer's configuration: with these it leaves messages out, moves them away or
     * begins elsewhere. The sink's own settings have words for most of them.
     */
    private static final Set<String> REFUSED_OF_CONSUMERS =
            Set.of(
                    "ackTimeoutMillis",
                    "autoAckOldestChunkedMessageOnQueueFull",
                    "deadLetterPolicy",
                    "payloadProcessor",
                    "poolMessages",
                    "readCompacted",
                    "regexSubscriptionMode",
                    "resetIncludeHead",
                    "retryEnable",
                    "startPaused",
                    "subscriptionInitialPosition",
                    "subscriptionMode",
                    "subscriptionName",
                    "subscriptionType",
                    "topicNames",
                    "topicsPattern");

    private SourceSettings() {}

    static void check(SinkConfig config) {
        if (config.getTransformFunction() != null
                || config.getTransformFunctionClassName() != null) {
            throw refused(
                    "transformFunction is set, and the sink would get what the function makes of the"
                            + " messages. Remove it, and let a Pulsar function write to a topic that the"
                            + " sink reads.");
        }
        if (config.getMaxMessageRetries() != null && config.getMaxMessageRetries() > 0) {
            throw refused(
                    "maxMessageRetries is "
                            + config.getMaxMessageRetries()
                            + ", and Pulsar would take away messages that came so often, good ones too."
                            + " Remove it: the sink has its own dead letters (onBadRecord).");
        }
        if (config.getInputSpecs() != null) {
            config.getInputSpecs().forEach(SourceSettings::check);
        }
    }

    private static void check(String topic, ConsumerConfig spec) {
        if (isSet(spec.getSerdeClassName())) {
            throw refused("serdeClassName", spec.getSerdeClassName(), topic);
        }
        String schemaType = spec.getSchemaType();
        if (isSet(schemaType) && !schemaType.equalsIgnoreCase("bytes")) {
            throw refused("schemaType", schemaType, topic);
        }
        if (spec.isPoolMessages()) {
            throw refused(
                    "inputSpecs: poolMessages is true for "
                            + topic
                            + ", which would never free the messages' memory. Set"
                            + " poolMessages: false.");
        }
        Map<String, String> properties = spec.getConsumerProperties();
        Set<String> refused = new TreeSet<>(properties == null ? Set.of() : properties.keySet());
        refused.retainAll(REFUSED_OF_CONSUMERS);
        if (!refused.isEmpty()) {
            throw refused(
                    "inputSpecs: consumerProperties of "
                            + topic
                            + " set "
                            + String.join(", ", refused)
                            + ", which changes which messages the sink gets. Remove it.");
        }
    }

    private static HdfsCsvException refused(String setting, String value, String topic) {
        return refused(
                "inputSpecs: "
                        + setting
                        + " is "
                        + value
                        + " for "
                        + topic
                        + ", and the sink would not get the bytes that were sent. Remove it: the sink reads"
                        + " each record by the schema that it was sent with.");
    }

    private static HdfsCsvException refused(String what) {
        return new HdfsCsvException("config", what);
    }

    private static boolean isSet(String text) {
        return text != null && !text.isBlank();
    }
}
