package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.apache.pulsar.common.io.SinkConfig;
import org.junit.jupiter.api.Test;

class DeadLetterTopicsTest {
    private static SinkConfig pattern(String pattern) {
        return SinkConfig.builder().topicsPattern(pattern).build();
    }

    private static SinkConfig inputs(String... topics) {
        return SinkConfig.builder().inputs(List.of(topics)).build();
    }

    private static void refused(Map<String, Object> configs, SinkConfig config) {
        HdfsCsvException refusal =
                assertThrows(HdfsCsvException.class, () -> DeadLetterTopics.of(configs, config));
        assertTrue(refusal.getMessage().contains("its own dead letters"), refusal.getMessage());
    }

    @Test
    void partitionsShareATopicBesideTheirs() {
        DeadLetterTopics topics = DeadLetterTopics.of(Map.of(), inputs("persistent://t/n/a"));
        assertEquals(
                "persistent://t/n/a-hdfs-csv-dlq",
                topics.destination("persistent://t/n/a-partition-3"));
    }

    @Test
    void aPatternThatTakesAnyNameIsRefusedAtOpen() {
        refused(Map.of(), pattern("persistent://t/n/.*"));
        refused(Map.of("onBadRecord", "deadLetter"), pattern("t/n/.*"));
    }

    @Test
    void aPatternThatTakesTheDeadLettersOfOneTopicIsRefusedWhenThatTopicIsSeen() {
        DeadLetterTopics topics =
                DeadLetterTopics.of(Map.of(), pattern("persistent://t/n/visits.*"));
        assertThrows(HdfsCsvException.class, () -> topics.check("persistent://t/n/visits"));
    }

    @Test
    void aConfiguredTopicThatIsReadIsRefused() {
        refused(
                Map.of("deadLetterTopic", "persistent://t/n/b"),
                inputs("persistent://t/n/a", "persistent://t/n/b"));
    }

    @Test
    void whatIsNotReadBackIsTaken() {
        DeadLetterTopics.of(Map.of("onBadRecord", "skip"), pattern("persistent://t/n/.*"));
        DeadLetterTopics.of(Map.of(), pattern("persistent://t/n/(?!.*-hdfs-csv-dlq).*"));
        DeadLetterTopics.of(
                Map.of("deadLetterTopic", "persistent://t/bad/all"),
                pattern("persistent://t/n/.*"));
        DeadLetterTopics.of(Map.of(), pattern("persistent://t/n/(visits|orders)"))
                .check("persistent://t/n/visits-partition-1");
    }
}
