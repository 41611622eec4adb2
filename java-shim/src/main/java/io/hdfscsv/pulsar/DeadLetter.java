package io.hdfscsv.pulsar;

import java.util.Map;

/**
 * A record that cannot be written.
 *
 * @param eventTime milliseconds since 1970; 0 for none
 * @param keyIsBytes whether the producer gave the key as bytes and not as text
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
        long eventTime,
        boolean keyIsBytes,
        String reason,
        byte[] key,
        Map<String, String> properties,
        byte[] payload) {}
