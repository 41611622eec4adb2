package io.hdfscsv.pulsar;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.pulsar.common.io.SinkConfig;

/** Where dead letters go, and that the sink does not read them back. */
final class DeadLetterTopics {
    private static final Pattern DOMAIN = Pattern.compile("^[a-z-]+://");
    private static final String SUFFIX = "-hdfs-csv-dlq";

    private final String configured;
    private final Collection<String> inputs;
    private final Pattern pattern;

    /**
     * @param configured where all go; null for a topic beside each source topic
     * @param inputs the topics that the sink reads by name
     * @param topicsPattern of the topics that it reads besides; null for none
     */
    DeadLetterTopics(String configured, Collection<String> inputs, String topicsPattern) {
        this.configured = configured;
        this.inputs = inputs.stream().map(DeadLetterTopics::withoutDomain).toList();
        // Pulsar compares names without their domain, too
        pattern = topicsPattern == null ? null : Pattern.compile(withoutDomain(topicsPattern));
    }

    /** As configured; checks what can be known before the first record comes. */
    static DeadLetterTopics of(Map<String, Object> configs, SinkConfig config) {
        Object topic = configs.get("deadLetterTopic");
        String configured = topic == null || topic.toString().isBlank() ? null : topic.toString();
        Object onBadRecord = configs.get("onBadRecord");
        if (onBadRecord != null && !onBadRecord.equals("deadLetter")) {
            return new DeadLetterTopics(configured, List.of(), null);
        }
        String topicsPattern = Settings.topicsPattern(config);
        DeadLetterTopics topics =
                new DeadLetterTopics(configured, Settings.inputs(config), topicsPattern);
        topics.inputs.forEach(topics::check);
        if (topicsPattern != null) {
            // A pattern that takes any name takes this one
            topics.check(topicsPattern.substring(0, topicsPattern.lastIndexOf('/') + 1) + "x");
        }
        return topics;
    }

    /** The topic for the dead letters of a topic; its partitions share one. */
    String destination(String topic) {
        return configured != null ? configured : SourcePartition.wholeTopic(topic) + SUFFIX;
    }

    /** Refuses a sink that would read the dead letters of this topic. */
    void check(String topic) {
        String destination = withoutDomain(destination(topic));
        if (inputs.contains(destination)
                || (pattern != null && pattern.matcher(destination).matches())) {
            throw new HdfsCsvException(
                    "config",
                    "The sink would read its own dead letters: its inputs take in "
                            + destination
                            + ". Name another deadLetterTopic, narrow topicsPattern (for example"
                            + " persistent://tenant/namespace/(?!.*-hdfs-csv-dlq).*), or set"
                            + " onBadRecord: skip.");
        }
    }

    private static String withoutDomain(String topic) {
        return DOMAIN.matcher(topic).replaceFirst("");
    }
}
