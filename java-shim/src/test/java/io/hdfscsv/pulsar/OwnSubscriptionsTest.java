package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class OwnSubscriptionsTest {
    @Test
    void given_a_role_prefix_when_named_then_every_subscription_begins_with_it() {
        OwnSubscriptions plain = OwnSubscriptions.of(Map.of());
        assertEquals("hdfs-csv-replay", plain.ofReplay());
        assertTrue(plain.ofReader().startsWith("hdfs-csv-"), plain.ofReader());
        assertNotEquals(plain.ofReader(), plain.ofReader());
        OwnSubscriptions ofRole = OwnSubscriptions.of(Map.of("subscriptionRolePrefix", "etl"));
        assertEquals("etl-hdfs-csv-replay", ofRole.ofReplay());
        assertTrue(ofRole.ofReader().startsWith("etl-hdfs-csv-"), ofRole.ofReader());
    }
}
