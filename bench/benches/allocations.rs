//! How often a row allocates, once its buffer is as large as it needs to be. Prints one line: [`Allocations`] as JSON. (A target
//! of its own, because counting takes time too.)

use std::collections::BTreeMap;

use anyhow::Result;
use hdfs_csv_bench::decoders::{ApacheAvro, Decoder, Ours, SerdeAvroFast, SerdeAvroFastDirect, SerdeJson, rows};
use hdfs_csv_bench::micro::Allocations;
use hdfs_csv_bench::payloads::{Payloads, records};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::record::Record;

fn main() -> Result<()> {
    let catalogue = Catalogue::load()?;
    let mut all = Allocations::default();
    for &kind in EventKind::ALL {
        let payloads = Payloads::new(&catalogue, kind)?;
        let (avro, json) = (records(&payloads.avro), records(&payloads.json));
        let decode = all.decode.entry(kind.name().to_owned()).or_default();
        count(decode, Ours::new("AVRO", kind)?, &avro)?;
        count(decode, ApacheAvro::new(&catalogue, kind)?, &avro)?;
        count(decode, SerdeAvroFast::new(&catalogue, kind)?, &avro)?;
        count(decode, SerdeAvroFastDirect::new(&catalogue, kind)?, &avro)?;
        let of_json = all.json.entry(kind.name().to_owned()).or_default();
        count(of_json, Ours::new("JSON", kind)?, &json)?;
        count(of_json, SerdeJson::new(&catalogue, kind)?, &json)?;
    }
    println!("{}", serde_json::to_string(&all)?);
    Ok(())
}

/// Notes how many allocations a row takes, in the mean.
fn count<D: Decoder>(counts: &mut BTreeMap<String, f64>, decoder: D, records: &[Record<'_>]) -> Result<()> {
    let mut out = Vec::with_capacity(rows(&decoder, records)?.len());
    let mut done = Ok(());
    let info = allocation_counter::measure(|| {
        done = records.iter().try_for_each(|record| decoder.append_row(record, &mut out));
    });
    counts.insert(D::NAME.to_owned(), info.count_total as f64 / records.len() as f64);
    done
}
