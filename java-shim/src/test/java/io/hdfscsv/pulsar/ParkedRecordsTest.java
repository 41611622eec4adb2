package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.pulsar.functions.api.Record;
import org.junit.jupiter.api.Test;

class ParkedRecordsTest {
    private final ParkedRecords parked = new ParkedRecords();
    private final List<Record<byte[]>> gone = new ArrayList<>();

    @Test
    void given_no_pause_when_parked_then_a_record_goes_on() {
        assertFalse(parked.park(FakeMessages.record(1, new byte[1])));
        assertTrue(parked.isOpen());
    }

    @Test
    void given_parked_records_when_there_is_no_room_then_later_ones_wait_behind_them() {
        List<Record<byte[]>> records = new ArrayList<>();
        parked.pause(true);
        for (int i = 0; i < 3; i++) {
            records.add(FakeMessages.record(i, new byte[10]));
            assertTrue(parked.park(records.get(i)));
        }
        assertEquals(3 * 660, parked.bytes());
        parked.pause(false);
        assertFalse(parked.letGo(record -> gone.isEmpty() && gone.add(record)));
        assertFalse(parked.isOpen());
        records.add(FakeMessages.record(3, new byte[10]));
        assertTrue(parked.park(records.get(3)));
        assertTrue(parked.letGo(gone::add));
        assertEquals(records, gone);
        assertTrue(parked.isOpen());
        assertEquals(0, parked.bytes());
    }

    @Test
    void given_a_pause_that_comes_while_records_go_when_they_go_then_the_rest_waits() {
        parked.pause(true);
        parked.park(FakeMessages.record(1, new byte[1]));
        parked.park(FakeMessages.record(2, new byte[1]));
        parked.pause(false);
        assertTrue(
                parked.letGo(
                        record -> {
                            parked.pause(true);
                            return gone.add(record);
                        }));
        assertEquals(1, gone.size());
        assertFalse(parked.isOpen());
        parked.pause(false);
        assertTrue(parked.letGo(gone::add));
        assertEquals(2, gone.size());
        assertTrue(parked.isOpen());
    }
}
