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
 * which is five times as fast.
 */
final class MessagePosition {
    private static final String IDS_WITH_GETTERS = "org.apache.pulsar.client.api.MessageIdAdv";

    private Class<?> known;
    private MethodHandle ledgerGetter;
    private MethodHandle entryGetter;
    private MethodHandle batchIndexGetter;

    private long ledger;
    private long entry;
    private int batchIndex;

    void read(MessageId id) {
        if (id.getClass() != known) {
            known = id.getClass();
            findGetters();
        }
        if (ledgerGetter == null) {
            parse(id.toByteArray());
            return;
        }
        try {
            ledger = (long) ledgerGetter.invokeExact(id);
            entry = (long) entryGetter.invokeExact(id);
            batchIndex = Math.max(0, (int) batchIndexGetter.invokeExact(id));
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

    private void findGetters() {
        ledgerGetter = null;
        try {
            Class<?> getters = Class.forName(IDS_WITH_GETTERS, false, known.getClassLoader());
            if (getters.isAssignableFrom(known)) {
                MethodHandle ledgerHandle = getter(getters, "getLedgerId", long.class);
                entryGetter = getter(getters, "getEntryId", long.class);
                batchIndexGetter = getter(getters, "getBatchIndex", int.class);
                ledgerGetter = ledgerHandle;
            }
        } catch (ReflectiveOperationException | LinkageError e) {
            // The bytes have the same numbers
        }
    }

    private static MethodHandle getter(Class<?> owner, String name, Class<?> type)
            throws ReflectiveOperationException {
        return MethodHandles.publicLookup()
                .findVirtual(owner, name, MethodType.methodType(type))
                .asType(MethodType.methodType(type, MessageId.class));
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
