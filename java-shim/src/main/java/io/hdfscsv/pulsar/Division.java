package io.hdfscsv.pulsar;

/**
 * Where a hand-over begins: what precedes it is acknowledged without what comes at or behind it.
 */
record Division(long ledger, long entry) {}
