package io.hdfscsv.pulsar;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.pulsar.common.io.SinkConfig;

/** Where dead letters go, and which topics are theirs: the sink does not read them back. */
final class DeadLetterTopics {
    private static final Pattern DOMAIN = Pattern.compile("^[a-z-]+://");
    private static final String DEFAULT_DOMAIN = "persistent://";
    private static final String DEFAULT_NAMESPACE = "public/default/";
    private static final String SUFFIX = "-hdfs-csv-dlq";

    private final String configured;
    private final Collection<String> inputs;

    /**
     * @param configured where all go; null for a topic beside each source topic
     * @param inputs the topics that the sink reads by name
     */
    DeadLetterTopics(String configured, Collection<String> inputs) {
        this.configured = configured == null ? null : fullName(configured);
        this.inputs =
                inputs.stream()
                        .map(DeadLetterTopics::fullName)
                        .map(DeadLetterTopics::withoutDomain)
                        .toList();
    }

    /** As configured; refuses a sink that is told by name to read its own dead letters. */
    static DeadLetterTopics of(Map<String, Object> configs, SinkConfig config) {
        Object topic = configs.get("deadLetterTopic");
        String configured = topic == null || topic.toString().isBlank() ? null : topic.toString();
        Object onBadRecord = configs.get("onBadRecord");
        if (onBadRecord != null && !onBadRecord.equals("deadLetter")) {
            return new DeadLetterTopics(null, List.of());
        }
        DeadLetterTopics topics = new DeadLetterTopics(configured, Settings.inputs(config));
        topics.inputs.forEach(topics::check);
        return topics;
    }

    /**
     * Where dead letters of the topics that the sink reads by name go; none where it sends none.
     */
    Collection<String> ofInputs() {
        if (configured != null) {
            return List.of(configured);
        }
        return inputs.stream()
                .map(input -> destination(DEFAULT_DOMAIN + input))
                .distinct()
                .toList();
    }

    /** The topic for the dead letters of a topic; its partitions share one. */
    String destination(String topic) {
        return configured != null ? configured : SourcePartition.wholeTopic(topic) + SUFFIX;
    }

    /**
     * Whether a topic that a pattern takes in is one of dead letters, which are not read back. One
     * that the sink is told by name to read is read.
     */
    boolean isOne(String topic) {
        String name = withoutDomain(SourcePartition.wholeTopic(topic));
        boolean isOne =
                configured != null ? name.equals(withoutDomain(configured)) : name.endsWith(SUFFIX);
        return isOne && !inputs.contains(name);
    }

    private void check(String input) {
        String destination = withoutDomain(destination(input));
        if (inputs.contains(destination)) {
            throw new HdfsCsvException(
                    "config",
                    "The sink would read its own dead letters: its inputs take in "
                            + destination
                            + ". Name another deadLetterTopic, or set onBadRecord: skip.");
        }
    }

    /** As Pulsar completes short names. */
    static String fullName(String topic) {
        if (topic.contains("://")) {
            return topic;
        }
        return DEFAULT_DOMAIN + (topic.contains("/") ? topic : DEFAULT_NAMESPACE + topic);
    }

    private static String withoutDomain(String topic) {
        return DOMAIN.matcher(topic).replaceFirst("");
    }
}
