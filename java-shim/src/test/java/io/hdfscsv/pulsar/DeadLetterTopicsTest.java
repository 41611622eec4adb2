package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
    void whatAPatternTakesInOfTheSinksOwnDeadLettersIsKnown() {
        DeadLetterTopics beside = DeadLetterTopics.of(Map.of(), pattern("persistent://t/n/.*"));
        assertTrue(beside.isOne("persistent://t/n/visits-hdfs-csv-dlq"));
        assertTrue(beside.isOne("persistent://t/n/visits-hdfs-csv-dlq-partition-2"));
        assertFalse(beside.isOne("persistent://t/n/visits-partition-2"));
        DeadLetterTopics one =
                DeadLetterTopics.of(
                        Map.of("deadLetterTopic", "t/n/bad"), pattern("persistent://t/n/.*"));
        assertTrue(one.isOne("persistent://t/n/bad"));
        assertFalse(one.isOne("persistent://t/n/visits-hdfs-csv-dlq"));
        DeadLetterTopics none =
                DeadLetterTopics.of(Map.of("onBadRecord", "skip"), pattern("persistent://t/n/.*"));
        assertFalse(none.isOne("persistent://t/n/visits"));
    }

    @Test
    void aTopicOfDeadLettersThatIsReadByNameIsRead() {
        DeadLetterTopics topics =
                DeadLetterTopics.of(Map.of(), inputs("persistent://t/n/a-hdfs-csv-dlq"));
        assertFalse(topics.isOne("persistent://t/n/a-hdfs-csv-dlq"));
    }

    @Test
    void aConfiguredTopicThatIsReadUnderAShortNameIsRefused() {
        for (String name :
                List.of("bad", "public/default/bad", "persistent://public/default/bad")) {
            for (String input : List.of("bad", "persistent://public/default/bad")) {
                assertThrows(
                        HdfsCsvException.class,
                        () -> DeadLetterTopics.of(Map.of("deadLetterTopic", name), inputs(input)));
            }
        }
    }

    @Test
    void aConfiguredTopicThatIsReadIsRefused() {
        refused(
                Map.of("deadLetterTopic", "persistent://t/n/b"),
                inputs("persistent://t/n/a", "persistent://t/n/b"));
    }
}
