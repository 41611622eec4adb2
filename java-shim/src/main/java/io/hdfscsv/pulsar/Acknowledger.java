package io.hdfscsv.pulsar;

import org.apache.pulsar.functions.api.Record;

/** The records of one source partition that a later commit acknowledges. Used under one lock. */
interface Acknowledger {
    /**
     * Notes a record that goes with the hand-over of that number.
     *
     * @param position the record's, read last
     */
    void remember(long handOver, Record<byte[]> record, MessagePosition position);

    /** Divides what comes from now on; null for not any more. */
    void divideAt(Division division);

    /** Whether a record must not go with the same hand-over as the one before. */
    boolean isDivided(MessagePosition position);

    /** All that went with the hand-overs up to this one is committed. */
    void committed(long handOver);

    /** Acknowledges what had to wait and need not any more. */
    void acknowledgeDue();

    /** None of its records are seen meanwhile, or they are again. */
    void pause(boolean paused);

    /** Whether all records that were noted are committed. */
    boolean isCommitted();

    /** How many records are kept. */
    int size();
}
