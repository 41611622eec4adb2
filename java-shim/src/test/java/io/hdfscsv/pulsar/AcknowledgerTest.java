package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.pulsar.functions.api.Record;
import org.junit.jupiter.api.Test;

class AcknowledgerTest {
    private final List<String> acknowledged = new ArrayList<>();

    @Test
    void
            given_a_cumulative_acknowledgement_when_committed_then_only_the_last_record_is_acknowledged() {
        Acknowledger acknowledger = new Acknowledger(true);
        acknowledger.remember(1, record("a"));
        acknowledger.remember(1, record("b"));
        acknowledger.remember(2, record("c"));
        acknowledger.remember(4, record("d"));
        acknowledger.remember(4, record("e"));
        assertEquals(3, acknowledger.size());

        acknowledger.committed(3);
        assertEquals(List.of("c"), acknowledged);
        acknowledger.committed(3);
        assertEquals(List.of("c"), acknowledged);
        acknowledger.committed(4);
        assertEquals(List.of("c", "e"), acknowledged);
        assertEquals(0, acknowledger.size());
    }

    @Test
    void
            given_individual_acknowledgement_when_committed_then_each_record_is_acknowledged_in_order() {
        Acknowledger acknowledger = new Acknowledger(false);
        acknowledger.remember(1, record("a"));
        acknowledger.remember(1, record("b"));
        acknowledger.remember(2, record("c"));

        acknowledger.committed(1);
        assertEquals(List.of("a", "b"), acknowledged);
        assertEquals(1, acknowledger.size());
        acknowledger.committed(9);
        assertEquals(List.of("a", "b", "c"), acknowledged);
    }

    @Test
    void given_nothing_pending_when_committed_then_nothing_is_acknowledged() {
        new Acknowledger(true).committed(5);
        Acknowledger later = new Acknowledger(true);
        later.remember(6, record("a"));
        later.committed(5);
        assertEquals(List.of(), acknowledged);
    }

    private Record<byte[]> record(String name) {
        return new Record<>() {
            @Override
            public byte[] getValue() {
                return new byte[0];
            }

            @Override
            public void ack() {
                acknowledged.add(name);
            }
        };
    }
}
