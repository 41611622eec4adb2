package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The source partitions that this instance has seen: by topic for a record, by id for an answer.
 */
final class SourcePartitions {
    private final NativeSink sink;
    private final DeadLetterTopics deadLetterTopics;
    private final boolean cumulative;
    private final Map<String, SourcePartition> byTopic = new ConcurrentHashMap<>();
    private final Map<Integer, SourcePartition> byId = new ConcurrentHashMap<>();

    private SourcePartition last;

    SourcePartitions(NativeSink sink, DeadLetterTopics deadLetterTopics, boolean cumulative) {
        this.sink = sink;
        this.deadLetterTopics = deadLetterTopics;
        this.cumulative = cumulative;
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
        deadLetterTopics.check(topic);
        int id = sink.sourcePartition(topic.getBytes(StandardCharsets.UTF_8));
        SourcePartition added = new SourcePartition(id, topic, new Acknowledger(cumulative));
        byTopic.put(topic, added);
        byId.put(id, added);
        return added;
    }
}
