//! Buffers of any bytes as a hand-over: dealt out by source partition nothing is lost, changed or out of order, reading goes on
//! anywhere, and records that were read come back when they are packed.

#![no_main]

use hdfs_csv_fuzz::bounds::within;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::{offset, split};
use pulsar_io_hdfs_csv::hand_over::frame::{MalformedFrame, RecordOffset, Records, pack};
use pulsar_io_hdfs_csv::record::Record;

/// Bytes of the header that the records of an entry share, and of a record's own.
const ENTRY: usize = 40;
const RECORD: usize = 8;

fuzz_target!(|data: &[u8]| {
    let (records, error) = read(data);
    assert!(records.len() * RECORD <= data.len());
    let packed = pack(records.iter().copied());
    assert_eq!(read(&packed), (records.clone(), None));
    let dealt = within(8 * data.len() + 1_024, || split(data));
    let Ok((parts, _)) = dealt else {
        assert!(error.is_some() || data.is_empty(), "a buffer whose records can be read cannot be dealt out");
        return;
    };
    assert_eq!(parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), data.len());
    assert!(parts.len() * (ENTRY + 1) <= data.len());
    let mut found = 0;
    for (source_partition, bytes) in &parts {
        let (own, own_error) = read(bytes);
        assert!(own.iter().all(|record| record.source_partition == *source_partition));
        if error.is_none() {
            assert_eq!(own_error, None);
            assert!(own.iter().eq(records.iter().filter(|record| record.source_partition == *source_partition)));
        }
        found += own.len();
    }
    assert!(found >= records.len());
});

/// The records up to the first that is malformed, read in one go and read anew from behind each.
fn read(buffer: &[u8]) -> (Vec<Record<'_>>, Option<MalformedFrame>) {
    let mut records = Vec::new();
    let mut reading = Records::from(buffer, RecordOffset::default());
    while let Some(read) = reading.next() {
        match read {
            Ok(record) => records.push(record),
            Err(error) => {
                assert!(reading.next().is_none(), "nothing is read behind what is malformed");
                return (records, Some(error));
            }
        }
        let again = Records::from(buffer, offset(&reading)).next();
        assert_eq!(again, reading.clone().next());
    }
    (records, None)
}
