//! From a payload to a row, for every event.

use anyhow::Result;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use hdfs_csv_bench::decoders::{ApacheAvro, Decoder, Ours, SerdeAvroFast, SerdeAvroFastDirect, SerdeJson, rows};
use hdfs_csv_bench::payloads::{COUNT, Payloads, records};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::record::Record;

pub fn measure(criterion: &mut Criterion) -> Result<()> {
    let catalogue = Catalogue::load()?;
    for &kind in EventKind::ALL {
        let payloads = Payloads::new(&catalogue, kind)?;
        let (avro, json) = (records(&payloads.avro), records(&payloads.json));
        let ours = Ours::new("AVRO", kind)?;
        let expected = rows(&ours, &avro)?;

        let mut group = criterion.benchmark_group("decode");
        group.throughput(Throughput::Elements(COUNT as u64));
        compare(&mut group, kind, ours, &avro, &expected)?;
        compare(&mut group, kind, ApacheAvro::new(&catalogue, kind)?, &avro, &expected)?;
        compare(&mut group, kind, SerdeAvroFast::new(&catalogue, kind)?, &avro, &expected)?;
        compare(&mut group, kind, SerdeAvroFastDirect::new(&catalogue, kind)?, &avro, &expected)?;
        group.finish();

        let mut group = criterion.benchmark_group("json");
        group.throughput(Throughput::Elements(COUNT as u64));
        compare(&mut group, kind, Ours::new("JSON", kind)?, &json, &expected)?;
        compare(&mut group, kind, SerdeJson::new(&catalogue, kind)?, &json, &expected)?;
        group.finish();
    }
    Ok(())
}

/// Measures a decoder that gives the expected rows.
fn compare<D: Decoder>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    kind: EventKind,
    decoder: D,
    records: &[Record<'_>],
    expected: &[u8],
) -> Result<()> {
    anyhow::ensure!(rows(&decoder, records)? == expected, "{} writes other rows of {}", D::NAME, kind.name());
    let mut out = Vec::with_capacity(expected.len());
    group.bench_function(BenchmarkId::new(D::NAME, kind.name()), |bencher| {
        bencher.iter(|| {
            out.clear();
            records.iter().try_for_each(|record| decoder.append_row(record, &mut out))
        });
    });
    Ok(())
}
