package io.hdfscsv.pulsar;

import java.util.Map;

/**
 * A record that cannot be written.
 *
 * @param key null for none
 * @param properties the message's own; empty for none
 */
record DeadLetter(
        int sourcePartition,
        int schema,
        long number,
        long ledger,
        long entry,
        int batchIndex,
        String reason,
        byte[] key,
        Map<String, String> properties,
        byte[] payload) {}
