package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.ArgumentMatchers.startsWith;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WriterSchemasTest {
    private static final int SOON = 10_000;

    private final FakeNative library = new FakeNative();
    private final SchemaReader reader = mock(SchemaReader.class);
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> warnings = new LinkedBlockingQueue<>();
    private final WriterSchemas schemas =
            new WriterSchemas(library, reader, failures::add, warnings::add);
    private final SourcePartition a = new SourcePartition(1, "a", new IndividualAcknowledger());
    private final SourcePartition b = new SourcePartition(2, "b", new IndividualAcknowledger());

    @BeforeEach
    void answer() throws InterruptedException {
        when(reader.read(anyString(), any(), any()))
                .thenAnswer(call -> ("schema of " + call.getArgument(0)).getBytes());
    }

    @AfterEach
    void close() {
        schemas.close();
    }

    @Test
    void given_versions_by_turns_when_asked_then_each_is_read_once() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertEquals(201, idOf(a, 0));
            assertEquals(202, idOf(b, 0));
            assertEquals(203, idOf(a, 1));
        }
        verify(reader, timeout(SOON).times(3)).read(anyString(), any(), any());
        assertEquals("0001", a.schemaVersions.get(203));
        assertEquals("0000", b.schemaVersions.get(202));
        awaitSchemas(3);
        assertEquals("schema of b", library.schemas.get(202));
    }

    @Test
    void given_a_version_in_another_ledger_when_asked_then_it_is_read_anew() throws Exception {
        assertEquals(201, idOf(a, 1, 0));
        assertEquals(202, idOf(a, 2, 0));
        assertEquals(202, idOf(a, 2, 0));
        // Sent again
        assertEquals(203, idOf(a, 1, 0));
        assertEquals("0000", a.schemaVersions.get(202));
        verify(reader, timeout(SOON).times(3)).read("a", null, new byte[] {0, 0});
    }

    @Test
    void given_a_broker_that_does_not_answer_when_asked_then_no_record_waits() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        when(reader.read(anyString(), any(), any()))
                .thenAnswer(
                        call -> {
                            answered.await();
                            return "{}".getBytes();
                        });
        assertEquals(201, idOf(a, 0));
        assertEquals(202, idOf(b, 0));
        assertTrue(library.schemas.isEmpty());
        answered.countDown();
        awaitSchemas(2);
    }

    @Test
    void given_schemas_that_cannot_be_read_when_asked_then_others_are_and_they_are_tried_again()
            throws Exception {
        AtomicBoolean away = new AtomicBoolean(true);
        when(reader.read(startsWith("a"), any(), any()))
                .thenAnswer(
                        call -> {
                            if (away.get()) {
                                throw new HdfsCsvException(SchemaReader.NOT_NOW, "away.");
                            }
                            return "found".getBytes();
                        });
        // More than are read at once
        for (int i = 0; i < 20; i++) {
            idOf(a, i);
        }
        int id = idOf(b, 0);
        awaitSchemas(1);
        assertEquals("schema of b", library.schemas.get(id));
        assertTrue(warnings.poll(SOON, TimeUnit.MILLISECONDS).startsWith("away. It is tried"));
        away.set(false);
        awaitSchemas(21);
        assertTrue(failures.isEmpty());
    }

    @Test
    void given_a_schema_that_the_library_refuses_when_asked_then_the_failure_is_told()
            throws Exception {
        HdfsCsvException failure = new HdfsCsvException("bug", "given twice");
        when(reader.read(anyString(), any(), any())).thenThrow(failure);
        idOf(a, 0);
        assertSame(failure, failures.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_a_schema_being_read_when_closed_then_it_is_given_up_and_no_failure()
            throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        when(reader.read(anyString(), any(), any()))
                .thenAnswer(
                        call -> {
                            begun.countDown();
                            try {
                                new CountDownLatch(1).await();
                            } catch (InterruptedException e) {
                                interrupted.countDown();
                                throw e;
                            }
                            return null;
                        });
        idOf(a, 0);
        assertTrue(begun.await(SOON, TimeUnit.MILLISECONDS));
        schemas.close();
        assertTrue(interrupted.await(SOON, TimeUnit.MILLISECONDS));
        assertTrue(failures.isEmpty());
    }

    @Test
    void given_a_message_without_a_version_when_asked_then_it_has_no_schema() throws Exception {
        assertEquals(FrameWriter.NO_SCHEMA, idOf(a, -1));
        verify(reader, never()).read(anyString(), any(), any());
        assertEquals(0, library.announced.get());
    }

    private int idOf(SourcePartition source, int version) {
        return idOf(source, 1, version);
    }

    private int idOf(SourcePartition source, long ledger, int version) {
        MessagePosition position = new MessagePosition();
        position.read(new MessageIdImpl(ledger, 0, -1));
        return schemas.idOf(source, position, message(version));
    }

    private void awaitSchemas(int count) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SOON);
        while (library.schemas.size() < count && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        assertEquals(count, library.schemas.size());
    }

    @SuppressWarnings("unchecked")
    private static Message<byte[]> message(int version) {
        Message<byte[]> message = mock(Message.class);
        when(message.getSchemaVersion())
                .thenAnswer(call -> version < 0 ? null : new byte[] {0, (byte) version});
        return message;
    }
}
