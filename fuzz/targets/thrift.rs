//! Answers of a metastore of any bytes: what was read is written as it was read, no more memory is taken than there is a bound, and a
//! table that lacks columns is as wanted once it has them.

#![no_main]

use hdfs_csv_fuzz::bounds::within;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::{MOST_BYTES, metastore_answer, metastore_table_can_be_altered};

/// Where a call's number of its kind stands: 1 for a call, 2 for a reply.
const KIND: usize = 3;

fuzz_target!(|data: &[u8]| {
    // Maps' nodes can be half empty, and what was read is written again.
    if let Ok(Ok(written)) = within(2 * MOST_BYTES + 8 * data.len(), || metastore_answer(data)) {
        assert!(written.len() <= data.len() + 1, "{} bytes were read, and {} are written", data.len(), written.len());
        let mut again = written.clone();
        again[KIND] = 2;
        assert_eq!(metastore_answer(&again), Ok(Ok(written)));
    }
    assert!(metastore_table_can_be_altered(data));
});
