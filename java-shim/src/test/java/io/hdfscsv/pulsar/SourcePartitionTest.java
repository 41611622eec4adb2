package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SourcePartitionTest {
    @Test
    void a_partition_is_counted_as_pulsar_counts_it() {
        for (String partition : new String[] {"0", "12", "2147483647"}) {
            assertEquals("t/n/x", SourcePartition.wholeTopic("t/n/x-partition-" + partition));
        }
        for (String own : new String[] {"01", "", "-1", "+1", "2147483648", "99999999999"}) {
            String topic = "t/n/x-partition-" + own;
            assertEquals(topic, SourcePartition.wholeTopic(topic));
        }
        assertEquals("t/n/x", SourcePartition.wholeTopic("t/n/x"));
    }
}
