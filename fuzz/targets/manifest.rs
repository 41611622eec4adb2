//! Manifests of any bytes: read, they are what they say by their names, come back from what is stored, and are loaded from a table
//! that they are in; what is none is an error that names it.

#![no_main]

use futures_util::FutureExt;
use hdfs_csv_fuzz::bounds::within;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::load::load;
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::storage::memory::Memory;

fuzz_target!(|data: &[u8]| {
    let table = TableLayout::new("/t", "t").expect("the name is one");
    let layout = SourcePartitionLayout::new(table, "p", None).expect("the name is one");
    let path = layout.manifest(7);
    // A map of JSON with one member takes several hundred bytes.
    let manifest = match within((16 << 10) + 256 * data.len(), || Manifest::from_json(data, &path, 7)) {
        Ok(manifest) => manifest,
        Err(error) => {
            assert!(error.message.contains(&path), "{}", error.message);
            return;
        }
    };
    assert_eq!(manifest.sequence, 7);
    for file in &manifest.files {
        assert!(file.new_rows() <= file.content.rows);
        let _ = FileFormat::try_from(&file.content.format);
    }
    let stored = manifest.to_json().expect("what was read can be written");
    assert_eq!(Manifest::from_json(&stored, &path, 7).expect("what was written can be read"), manifest);
    let memory = Memory::new();
    memory.put(&path, data);
    let loaded = load(&memory, &layout, &manifest.sink).now_or_never().expect("memory does not wait");
    if let Ok(loaded) = loaded {
        assert_eq!(loaded, Some(manifest));
    }
});
