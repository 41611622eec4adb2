package io.hdfscsv.pulsar;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.apache.pulsar.client.api.MessageId;

/**
 * Ledger, entry and batch index of the message read last. One for each sink, used by one thread.
 *
 * <p>The public API gives these numbers only as bytes. The client's own ids have getters for them,
 * on an interface that a connector cannot name; where they are there, they are called by handle,
 * which saves making those bytes and reading them.
 */
final class MessagePosition {
    /** The class of the first id of all: its loader knows the client's classes. */
    private static Class<?> first;

    /**
     * Constants, because the JIT compiles only such handles into their callers; made when the first
     * id has come. Null where the client has no such interface or getter: the bytes have the same
     * numbers.
     */
    private static final class Getters {
        private static final String IDS = "org.apache.pulsar.client.api.MessageIdAdv";

        static final Class<?> OWNER = owner();

        static final MethodHandle LEDGER = getter("getLedgerId", long.class);
        static final MethodHandle ENTRY = getter("getEntryId", long.class);
        static final MethodHandle BATCH_INDEX = getter("getBatchIndex", int.class);

        private static Class<?> owner() {
            try {
                return Class.forName(IDS, false, first.getClassLoader());
            } catch (ClassNotFoundException | LinkageError e) {
                return null;
            }
        }

        private static MethodHandle getter(String name, Class<?> type) {
            if (OWNER == null) {
                return null;
            }
            try {
                return MethodHandles.publicLookup()
                        .findVirtual(OWNER, name, MethodType.methodType(type))
                        .asType(MethodType.methodType(type, MessageId.class));
            } catch (ReflectiveOperationException e) {
                return null;
            }
        }
    }

    private Class<?> known;
    private boolean hasGetters;

    private long ledger;
    private long entry;
    private int batchIndex;

    void read(MessageId id) {
        if (id.getClass() != known) {
            known = id.getClass();
            hasGetters = hasGetters(known);
        }
        if (!hasGetters) {
            parse(id.toByteArray());
            return;
        }
        try {
            ledger = (long) Getters.LEDGER.invokeExact(id);
            entry = (long) Getters.ENTRY.invokeExact(id);
            batchIndex = Math.max(0, (int) Getters.BATCH_INDEX.invokeExact(id));
        } catch (Throwable e) {
            throw new HdfsCsvException("bug", "No position in message id " + id + ": " + e, e);
        }
    }

    long ledger() {
        return ledger;
    }

    long entry() {
        return entry;
    }

    /** 0 for a message that was not batched. */
    int batchIndex() {
        return batchIndex;
    }

    private static synchronized boolean hasGetters(Class<?> ids) {
        if (first == null) {
            first = ids;
        }
        return Getters.LEDGER != null
                && Getters.ENTRY != null
                && Getters.BATCH_INDEX != null
                && Getters.OWNER.isAssignableFrom(ids);
    }

    /**
     * Reads Pulsar's protobuf {@code MessageIdData}: 1 ledger, 2 entry, 4 batch index, all varints.
     */
    void parse(byte[] data) {
        ledger = 0;
        entry = 0;
        batchIndex = 0;
        int at = 0;
        while (at < data.length) {
            long tag = varint(data, at);
            at += varintLength(data, at);
            switch ((int) (tag & 7)) {
                case 0 -> {
                    setField((int) (tag >>> 3), varint(data, at));
                    at += varintLength(data, at);
                }
                case 1 -> at += 8;
                case 2 -> at += varintLength(data, at) + (int) varint(data, at);
                case 5 -> at += 4;
                default ->
                        throw new HdfsCsvException(
                                "bug", "Not a message id: wire type " + (tag & 7));
            }
        }
    }

    private void setField(int field, long value) {
        switch (field) {
            case 1 -> ledger = value;
            case 2 -> entry = value;
            case 4 -> batchIndex = Math.max(0, (int) value);
            default -> {
                // Partition, batch size: not a part of the position
            }
        }
    }

    private static long varint(byte[] data, int at) {
        long value = 0;
        int length = varintLength(data, at);
        for (int i = 0; i < length; i++) {
            value |= (long) (data[at + i] & 0x7f) << (7 * i);
        }
        return value;
    }

    private static int varintLength(byte[] data, int at) {
        for (int length = 1; length <= 10 && at + length <= data.length; length++) {
            if (data[at + length - 1] >= 0) {
                return length;
            }
        }
        throw new HdfsCsvException("bug", "Not a message id: a number without end");
    }
}
