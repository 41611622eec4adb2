package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The source partitions that this instance has seen: by topic for a record, by id for an answer.
 */
final class SourcePartitions {
    private final NativeSink sink;
    private final DeadLetterTopics deadLetterTopics;
    private final Function<String, Acknowledger> acknowledgers;
    private final Consumer<String> warn;
    private final Map<String, SourcePartition> byTopic = new ConcurrentHashMap<>();
    private final Map<Integer, SourcePartition> byId = new ConcurrentHashMap<>();

    private SourcePartition last;

    /**
     * @param acknowledgers makes the one of a topic
     */
    SourcePartitions(
            NativeSink sink,
            DeadLetterTopics deadLetterTopics,
            Function<String, Acknowledger> acknowledgers,
            Consumer<String> warn) {
        this.sink = sink;
        this.deadLetterTopics = deadLetterTopics;
        this.acknowledgers = acknowledgers;
        this.warn = warn;
    }

    void acknowledgeDue() {
        byId.values().forEach(each -> each.acknowledger.acknowledgeDue());
    }

    Collection<SourcePartition> all() {
        return byId.values();
    }

    /** For the thread that writes. */
    SourcePartition ofTopic(String topic) {
        // The client gives the same string object to all messages of a consumer
        if (last == null || last.topic != topic) {
            SourcePartition known = byTopic.get(topic);
            last = known != null ? known : register(topic);
        }
        return last;
    }

    SourcePartition ofId(int id) {
        SourcePartition known = byId.get(id);
        if (known == null) {
            throw new HdfsCsvException(
                    "bug",
                    "An answer names source partition " + id + ", which was never registered");
        }
        return known;
    }

    private SourcePartition register(String topic) {
        if (deadLetterTopics.isOne(topic)) {
            SourcePartition leftOut = SourcePartition.leftOut(topic);
            byTopic.put(topic, leftOut);
            warn.accept(
                    topic
                            + " is a topic of dead letters that the sink's topicsPattern takes in: it is"
                            + " left out");
            return leftOut;
        }
        int id;
        try {
            id = sink.sourcePartition(topic.getBytes(StandardCharsets.UTF_8));
        } catch (HdfsCsvException e) {
            if (!e.kind().equals("config")) {
                throw e;
            }
            // Its own name is the reason, and it is in the log: the others go on
            SourcePartition stopped = SourcePartition.stopped(topic);
            byTopic.put(topic, stopped);
            return stopped;
        }
        SourcePartition added = new SourcePartition(id, topic, acknowledgers.apply(topic));
        byTopic.put(topic, added);
        byId.put(id, added);
        return added;
    }
}
