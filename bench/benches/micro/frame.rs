//! The hand-over's buffer, on the side of Rust.

use anyhow::Result;
use criterion::{Criterion, Throughput};
use hdfs_csv_bench::payloads::{COUNT, Payloads, records};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::frame::{Records, pack};

pub fn measure(criterion: &mut Criterion) -> Result<()> {
    let payloads = Payloads::new(&Catalogue::load()?, EventKind::Searching)?;
    let records = records(&payloads.avro);
    let mut buffer = Vec::new();
    records.iter().for_each(|record| pack(&mut buffer, record));

    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            for record in Records::from(&buffer, 0) {
                bytes += std::hint::black_box(&record?).payload.len();
            }
            Ok::<_, pulsar_io_hdfs_csv::frame::MalformedFrame>(bytes)
        });
    });
    group.bench_function("pack", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            records.iter().for_each(|record| pack(&mut buffer, record));
        });
    });
    group.finish();
    Ok(())
}
