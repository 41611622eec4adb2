//! How often a row allocates, once its buffer is as large as it needs to be. Prints one line: [`Allocations`] as JSON. (A target
//! of its own, because counting takes time too.)

use std::collections::BTreeMap;

use anyhow::Result;
use hdfs_csv_bench::decoders::{ApacheAvro, Decoder, Ours, SerdeAvroFast, SerdeAvroFastDirect, SerdeJson, rows};
use hdfs_csv_bench::micro::Allocations;
use hdfs_csv_bench::payloads::{COUNT, Payloads};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;

fn main() -> Result<()> {
    let catalogue = Catalogue::load()?;
    let mut all = Allocations::default();
    for &kind in EventKind::ALL {
        let payloads = Payloads::new(&catalogue, kind)?;
        let decode = all.decode.entry(kind.name().to_owned()).or_default();
        count(decode, Ours::new("AVRO", kind)?, &payloads.avro)?;
        count(decode, ApacheAvro::new(&catalogue, kind)?, &payloads.avro)?;
        count(decode, SerdeAvroFast::new(&catalogue, kind)?, &payloads.avro)?;
        count(decode, SerdeAvroFastDirect::new(&catalogue, kind)?, &payloads.avro)?;
        let json = all.json.entry(kind.name().to_owned()).or_default();
        count(json, Ours::new("JSON", kind)?, &payloads.json)?;
        count(json, SerdeJson::new(&catalogue, kind)?, &payloads.json)?;
    }
    println!("{}", serde_json::to_string(&all)?);
    Ok(())
}

/// Notes how many allocations a row takes, in the mean.
fn count<D: Decoder>(counts: &mut BTreeMap<String, f64>, decoder: D, payloads: &[Vec<u8>]) -> Result<()> {
    let mut out = Vec::with_capacity(rows(&decoder, payloads)?.len());
    let mut done = Ok(());
    let info = allocation_counter::measure(|| {
        done = payloads.iter().try_for_each(|payload| decoder.append_row(payload, &mut out));
    });
    counts.insert(D::NAME.to_owned(), info.count_total as f64 / COUNT as f64);
    done
}
