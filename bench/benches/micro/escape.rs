//! Texts that need no escaping, and texts that do, in each dialect.

use criterion::{BenchmarkId, Criterion, Throughput};
use hdfs_csv_bench::decoders::DIALECT;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::rfc4180::Rfc4180;
use pulsar_io_hdfs_csv::value::Value;

/// Each of about 100 bytes. The first two are plain in both dialects; then one byte is to be escaped, then every fourth.
const TEXTS: [(&str, &str); 4] = [
    ("plain", "wireless headphones with a long battery life and a microphone that does not hiss in the wind outside"),
    ("plain_cyrillic", "беспроводные наушники с хорошим микрофоном и долгой работой"),
    (
        "dirty_once",
        "wireless headphones with a long battery life, and a microphone that does not hiss in the wind outside",
    ),
    (
        "dirty",
        "a,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\na,\"b\\c\n",
    ),
];

pub fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("escape");
    let dialects = [("hive", DIALECT), ("rfc4180", Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false }))];
    for (name, dialect) in dialects {
        for (kind, text) in TEXTS {
            let value = Value::Text(text.into());
            let mut out = Vec::with_capacity(4 * text.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    dialect.append(&mut out, std::hint::black_box(&value))
                });
            });
        }
    }
    group.finish();
}
