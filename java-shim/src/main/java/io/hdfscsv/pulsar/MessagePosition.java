package io.hdfscsv.pulsar;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;

/**
 * Ledger, entry and batch index of the message read last. One for each sink, used by one thread.
 *
 * <p>Where the client's ids have getters for them, those are called, which saves making an id's
 * bytes and reading them; the bytes have the same numbers.
 */
final class MessagePosition {
    // Fields of MessageIdData
    private static final int LEDGER = 1;
    private static final int ENTRY = 2;
    private static final int BATCH_INDEX = 4;
    private static final int FIRST_CHUNK = 7;

    private Class<?> known;
    private boolean hasGetters;

    private long ledger;
    private long entry;
    private int batchIndex;

    // Of a message in chunks, whose own entry is the last one's
    private int chunks;
    private long firstLedger;
    private long firstEntry;

    void read(MessageId id) {
        chunks = 0;
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

    /**
     * Reads which chunks the message came in whose id was read last: no message of a batch, so once
     * for an entry is enough.
     */
    void readChunks(Message<?> message) {
        if (hasGetters) {
            try {
                MessageId id = message.getMessageId();
                MessageId first = (MessageId) ClientGetters.Ids.FIRST_CHUNK.invokeExact(id);
                if (first == null) {
                    return;
                }
                firstLedger = (long) ClientGetters.Ids.LEDGER.invokeExact(first);
                firstEntry = (long) ClientGetters.Ids.ENTRY.invokeExact(first);
            } catch (Throwable e) {
                throw new HdfsCsvException("bug", "No chunks in message " + message + ": " + e, e);
            }
        } else if (chunks == 0) {
            return;
        }
        chunks = ClientGetters.Messages.chunks(message);
    }

    /** Whether it came in chunks; if {@link #readChunks} was asked. */
    boolean isChunked() {
        return chunks > 0;
    }

    /** In how many chunks it came: 0 if in none, the largest number if the client does not say. */
    int chunks() {
        return chunks;
    }

    /** Of the first chunk. */
    long firstLedger() {
        return firstLedger;
    }

    /** Of the first chunk. */
    long firstEntry() {
        return firstEntry;
    }

    /** Whether its entry comes later in the source partition than this one. */
    boolean isBehind(long otherLedger, long otherEntry) {
        return ledger > otherLedger || ledger == otherLedger && entry > otherEntry;
    }

    /** Whether its entry is this one or comes later. */
    boolean isAtOrBehind(long otherLedger, long otherEntry) {
        return ledger > otherLedger || ledger == otherLedger && entry >= otherEntry;
    }

    /** The id of an entry. */
    static MessageId id(long ledger, long entry) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        data.write(LEDGER << 3);
        writeVarint(data, ledger);
        data.write(ENTRY << 3);
        writeVarint(data, entry);
        try {
            return MessageId.fromByteArray(data.toByteArray());
        } catch (IOException e) {
            throw new HdfsCsvException("bug", "No message id " + ledger + ":" + entry, e);
        }
    }

    private static boolean hasGetters(MessageId first) {
        ClientGetters.findBy(first);
        return ClientGetters.Ids.LEDGER != null
                && ClientGetters.Ids.ENTRY != null
                && ClientGetters.Ids.BATCH_INDEX != null
                && ClientGetters.Ids.FIRST_CHUNK != null
                && ClientGetters.Ids.OWNER.isInstance(first);
    }

    /**
     * Reads Pulsar's protobuf {@code MessageIdData}: 1 ledger, 2 entry, 4 batch index, all varints,
     * and 7, such an id of the first chunk.
     */
    void parse(byte[] data) {
        chunks = 0;
        parse(data, 0, data.length);
    }

    private void parse(byte[] data, int from, int end) {
        ledger = 0;
        entry = 0;
        batchIndex = 0;
        int at = from;
        while (at < end) {
            long tag = varint(data, at);
            at += varintLength(data, at);
            switch ((int) (tag & 7)) {
                case 0 -> {
                    setField((int) (tag >>> 3), varint(data, at));
                    at += varintLength(data, at);
                }
                case 1 -> at += 8;
                case 2 -> {
                    int length = (int) varint(data, at);
                    at += varintLength(data, at);
                    if (tag >>> 3 == FIRST_CHUNK) {
                        parseFirstChunk(data, at, Math.min(data.length, at + length));
                    }
                    at += length;
                }
                case 5 -> at += 4;
                default ->
                        throw new HdfsCsvException(
                                "bug", "Not a message id: wire type " + (tag & 7));
            }
        }
    }

    private void parseFirstChunk(byte[] data, int from, int end) {
        long ownLedger = ledger;
        long ownEntry = entry;
        int ownBatchIndex = batchIndex;
        parse(data, from, end);
        firstLedger = ledger;
        firstEntry = entry;
        chunks = Integer.MAX_VALUE;
        ledger = ownLedger;
        entry = ownEntry;
        batchIndex = ownBatchIndex;
    }

    private void setField(int field, long value) {
        switch (field) {
            case LEDGER -> ledger = value;
            case ENTRY -> entry = value;
            case BATCH_INDEX -> batchIndex = Math.max(0, (int) value);
            default -> {
                // Partition, batch size: not a part of the position
            }
        }
    }

    private static void writeVarint(ByteArrayOutputStream data, long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            data.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        data.write((int) rest);
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
