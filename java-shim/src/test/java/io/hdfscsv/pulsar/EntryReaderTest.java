package io.hdfscsv.pulsar;

import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import org.apache.pulsar.client.api.Consumer;
import org.junit.jupiter.api.Test;
import org.mockito.InOrder;

@SuppressWarnings("unchecked")
class EntryReaderTest {
    private final Consumer<byte[]> consumer = mock(Consumer.class);

    @Test
    void given_a_reader_that_connects_anew_when_closed_then_it_is_closed_once_it_is_connected() {
        when(consumer.isConnected()).thenReturn(false, false, true);
        new EntryReader<>(consumer).close();
        verify(consumer, never()).closeAsync();
        verify(consumer, timeout(5_000)).closeAsync();
        InOrder order = inOrder(consumer);
        order.verify(consumer, times(3)).isConnected();
        order.verify(consumer).closeAsync();
    }

    @Test
    void given_a_connected_reader_when_closed_then_it_is_closed_at_once() {
        when(consumer.isConnected()).thenReturn(true);
        new EntryReader<>(consumer).close();
        verify(consumer).closeAsync();
    }
}
