//! `_sink.json` of any bytes, and the columns of `_schema/`: read, they come back from what is stored; what is none is an error that
//! names it.

#![no_main]

use futures_util::FutureExt;
use hdfs_csv_fuzz::bounds::within;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::protocol::failure::Failure;
use pulsar_io_hdfs_csv::protocol::identity::read_identity;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::load::load;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::storage::memory::Memory;

fuzz_target!(|data: &[u8]| {
    let table = TableLayout::new("/t", "t").expect("the name is one");
    let layout = SourcePartitionLayout::new(table.clone(), "p", None).expect("the name is one");
    let (path, memory) = (table.identity(), Memory::new());
    memory.put(&path, data);
    let read = || read_identity(&memory, &path).now_or_never().expect("memory does not wait");
    match within((16 << 10) + 64 * data.len(), read) {
        Ok(identity) => {
            let identity = identity.expect("the file is there");
            let stored = serde_json::to_vec(&identity).expect("what was read can be written");
            memory.put(&path, &stored);
            assert_eq!(read().ok().flatten().as_ref(), Some(&identity));
            let loaded = load(&memory, &layout, &identity).now_or_never().expect("memory does not wait");
            assert!(matches!(loaded, Ok(None)), "its own sink is refused: {loaded:?}");
        }
        Err(Failure::Fatal(error)) => assert!(error.message.contains(&path), "{}", error.message),
        Err(failure) => panic!("bytes that do not change are to be read again: {failure:?}"),
    }
    if let Ok(columns) = within((16 << 10) + 256 * data.len(), || serde_json::from_slice::<TableColumns>(data)) {
        let stored = serde_json::to_vec(&columns).expect("what was read can be written");
        assert_eq!(serde_json::from_slice::<TableColumns>(&stored).expect("what was written can be read"), columns);
    }
});
