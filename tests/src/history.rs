//! A source partition with a long history, written as the sink would have, but faster.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::SourcePartitionLayout;
use pulsar_io_hdfs_csv::protocol::load::load;
use pulsar_io_hdfs_csv::protocol::manifest::{Content, FORMAT_VERSION, FileEntry, Manifest, OpenFile, SinkIdentity};
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::storage::hdfs::Hdfs;
use pulsar_io_hdfs_csv::storage::write_whole;

/// For each file that is being written the NameNode keeps the space of a whole block: 8 GiB for all of these.
const WRITES_AT_ONCE: usize = 64;
const LOADS: usize = 5;

fn identity() -> SinkIdentity {
    SinkIdentity {
        sink: "t/n/cold".to_owned(),
        subscription: "cold".to_owned(),
        topic: "visits".to_owned(),
        cluster: None,
    }
}

/// A source partition whose one file has grown by a row with each commit.
pub async fn write(hdfs: &Hdfs, layout: &SourcePartitionLayout, manifests: u64) -> Result<()> {
    let row = b"0,1,2\n";
    let rows = row.repeat(usize::try_from(manifests)?);
    let name = layout.published("dt=2026-11-24", 1, "csv");
    write_whole(hdfs, &layout.table.path(&name), rows.clone().into()).await?;
    let content = |sequence: u64| Content {
        length: sequence * row.len() as u64,
        rows: sequence,
        checksum: format!("{:08x}", crc32fast::hash(&rows[..sequence as usize * row.len()])),
        format: FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None }.into(),
    };
    let at = |entry| Position { ledger: 1, entry, batch_index: 0 };
    let manifest = |sequence: u64| Manifest {
        format_version: FORMAT_VERSION,
        sequence,
        nonce: sequence.to_string(),
        source_partition: layout.name.clone(),
        ordered: true,
        sink: identity(),
        predecessor_last: (sequence > 1).then(|| at(sequence - 1)),
        first: Some(at(sequence)),
        last: Some(at(sequence)),
        largest_publish_time: 0,
        rows: 1,
        dropped: 0,
        total_rows: sequence,
        total_dropped: 0,
        schema_version: 1,
        files: vec![FileEntry {
            staged: layout.staged(sequence, "0", "csv"),
            name: name.clone(),
            content: content(sequence),
            replaces: (sequence > 1).then(|| content(sequence - 1)),
        }],
        open_files: vec![OpenFile {
            directory: "dt=2026-11-24".to_owned(),
            name: name.clone(),
            content: content(sequence),
        }],
        open_files_since: None,
    };
    let began = Instant::now();
    let writes = (1..=manifests).map(|sequence| {
        let json = manifest(sequence).to_json();
        async move {
            write_whole(hdfs, &layout.manifest(sequence), json?.into()).await?;
            anyhow::Ok(())
        }
    });
    let written: Vec<Result<()>> = stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).collect().await;
    written.into_iter().collect::<Result<()>>()?;
    println!("{manifests} manifests written in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// The median of several loads: the machine does other things too.
pub async fn median_load(hdfs: &Hdfs, layout: &SourcePartitionLayout, manifests: u64) -> Result<Duration> {
    let mut loads = Vec::new();
    for _ in 0..LOADS {
        let began = Instant::now();
        let manifest = load(hdfs, layout, &identity()).await?.context("there is no manifest")?;
        loads.push(began.elapsed());
        ensure!(manifest.sequence == manifests, "loaded {}", manifest.sequence);
    }
    loads.sort();
    Ok(loads[LOADS / 2])
}
