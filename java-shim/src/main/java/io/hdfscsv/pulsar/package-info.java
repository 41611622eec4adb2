/**
 * The Java side of the {@code hdfs-csv} sink: it packs records for the native library, and does for
 * it what only a Pulsar client can do: acknowledge, fetch schemas, publish dead letters. {@code
 * docs/understand/hand-over.md} is the contract between the two.
 */
package io.hdfscsv.pulsar;
