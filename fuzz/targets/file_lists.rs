//! Lists of pruned files of any bytes, under names of any text: what was read is still read when manifests are pruned beside them,
//! and what is no list is an error that names it.

#![no_main]

use futures_util::FutureExt;
use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::protocol::failure::Failure;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::pruning::{prune, read};
use pulsar_io_hdfs_csv::storage::memory::Memory;

/// A manifest of a file in the directory `dt=1`.
const MANIFEST: &str = r#"{"formatVersion":1,"sequence":SEQUENCE,"nonce":"n","sourcePartition":"p","ordered":true,
    "sink":{"sink":"s","subscription":"s","topic":"t"},"predecessorLast":null,"first":null,"last":"1:2:3",
    "largestPublishTime":5,"rows":1,"dropped":0,"totalRows":1,"totalDropped":0,"schemaVersion":1,"files":[{"staged":"_staging/p/x",
    "name":"dt=1/p-SEQUENCE.csv","content":{"length":1,"rows":1,"checksum":"00000000","format":null},"replaces":null}],
    "openFiles":[]}"#;

fuzz_target!(|data: &[u8]| {
    let table = TableLayout::new("/t", "t").expect("the name is one");
    let layout = SourcePartitionLayout::new(table, "p", None).expect("the name is one");
    let memory = Memory::new();
    let folder = layout.rolled_up_lists();
    let mut choices = Choices(data);
    let manifests = choices.byte() % 4;
    let put = |name: &str, bytes: &[u8]| memory.put(&format!("{folder}/{name}"), bytes);
    // A name that is a list's, and one that may be none.
    put("dt=1-0123456789abcdef.json", choices.some());
    let name = choices.text();
    if !name.is_empty() && !name.contains('/') {
        put(&name, choices.some());
    }
    put("table-0.json", choices.0);
    let read = || read(&memory, &layout).now_or_never().expect("memory does not wait");
    let before = match within((64 << 10) + 256 * data.len(), read) {
        Ok(before) => before,
        Err(Failure::Fatal(error)) => return assert!(error.message.contains(&folder), "{}", error.message),
        Err(failure) => panic!("bytes that do not change are to be read again: {failure:?}"),
    };
    for sequence in 1..=manifests {
        let text = MANIFEST.replace("SEQUENCE", &sequence.to_string());
        memory.put(&layout.manifest(sequence.into()), text.as_bytes());
    }
    let pruned = prune(&memory, &layout, 1).now_or_never().expect("memory does not wait");
    assert!(pruned.is_ok(), "{pruned:?}");
    let after = read().expect("what was read can be read again");
    assert_eq!(after.through, before.through.max(u64::from(manifests.saturating_sub(1))));
    for (name, listed) in &before.files {
        assert!(after.files.get(name).is_some_and(|now| now.sequence >= listed.sequence), "{name}");
    }
    let again = prune(&memory, &layout, 1).now_or_never().expect("memory does not wait");
    assert!(matches!(again, Ok(0)), "{again:?}");
});
