package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import org.apache.pulsar.client.api.Message;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WriterSchemasTest {
    private final FakeNative library = new FakeNative();
    private final SchemaReader reader = mock(SchemaReader.class);
    private final WriterSchemas schemas = new WriterSchemas(library, reader);
    private final SourcePartition a = new SourcePartition(1, "a", new Acknowledger(true));
    private final SourcePartition b = new SourcePartition(2, "b", new Acknowledger(true));

    @BeforeEach
    void answer() throws InterruptedException {
        when(reader.read(anyString(), any(), any())).thenAnswer(call -> "{}".getBytes());
    }

    @Test
    void given_versions_by_turns_when_asked_then_each_is_fetched_once_per_source_partition()
            throws Exception {
        for (int i = 0; i < 3; i++) {
            assertEquals(201, schemas.idOf(a, message(0)));
            assertEquals(202, schemas.idOf(b, message(0)));
            assertEquals(203, schemas.idOf(a, message(1)));
        }
        verify(reader, times(3)).read(anyString(), any(), any());
        assertEquals("0001", a.schemaVersions.get(203));
        assertEquals("0000", b.schemaVersions.get(202));
    }

    @Test
    void given_a_message_without_a_version_when_asked_then_it_has_no_schema() throws Exception {
        assertEquals(FrameWriter.NO_SCHEMA, schemas.idOf(a, message(-1)));
        assertEquals(0, library.schemas.size());
    }

    @SuppressWarnings("unchecked")
    private static Message<byte[]> message(int version) {
        Message<byte[]> message = mock(Message.class);
        when(message.getSchemaVersion())
                .thenAnswer(call -> version < 0 ? null : new byte[] {0, (byte) version});
        return message;
    }
}
