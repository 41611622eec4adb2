package io.hdfscsv.pulsar;

import org.apache.pulsar.client.api.MessageId;

/**
 * Ledger, entry and batch index of the message read last. One for each sink, used by one thread.
 *
 * <p>Where the client's ids have getters for them, those are called, which saves making an id's
 * bytes and reading them; the bytes have the same numbers.
 */
final class MessagePosition {
    private Class<?> known;
    private boolean hasGetters;

    private long ledger;
    private long entry;
    private int batchIndex;

    void read(MessageId id) {
        if (id.getClass() != known) {
            known = id.getClass();
            hasGetters = hasGetters(id);
        }
        if (!hasGetters) {
            parse(id.toByteArray());
            return;
        }
        try {
            ledger = (long) ClientGetters.Ids.LEDGER.invokeExact(id);
            entry = (long) ClientGetters.Ids.ENTRY.invokeExact(id);
            int index = (int) ClientGetters.Ids.BATCH_INDEX.invokeExact(id);
            batchIndex = Math.max(0, index);
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

    private static boolean hasGetters(MessageId first) {
        ClientGetters.findBy(first);
        return ClientGetters.Ids.LEDGER != null
                && ClientGetters.Ids.ENTRY != null
                && ClientGetters.Ids.BATCH_INDEX != null
                && ClientGetters.Ids.OWNER.isInstance(first);
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
