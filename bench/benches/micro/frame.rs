//! The hand-over's buffer, on the side of Rust.

use anyhow::Result;
use criterion::{Criterion, Throughput};
use hdfs_csv_bench::payloads::{COUNT, Payloads, records};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::hand_over::frame::{RecordOffset, Records, pack};

pub fn measure(criterion: &mut Criterion) -> Result<()> {
    let payloads = Payloads::new(&Catalogue::load()?, EventKind::Searching)?;
    let records = records(&payloads.avro);
    let buffer = pack(records.iter().copied());

    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let mut records = Records::from(&buffer, RecordOffset::default());
            // By reference, as the owner of a source partition reads them.
            while let Some(record) = &records.next() {
                bytes += std::hint::black_box(record.as_ref().map_err(|error| *error)?).payload.len();
            }
            Ok::<_, pulsar_io_hdfs_csv::hand_over::frame::MalformedFrame>(bytes)
        });
    });
    group.finish();
    Ok(())
}
