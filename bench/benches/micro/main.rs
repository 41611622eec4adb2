//! What a record costs, step by step. Each measurement goes through [`payloads::COUNT`] records in turn.
//!
//! [`payloads::COUNT`]: hdfs_csv_bench::payloads::COUNT

mod decode;
mod escape;
mod frame;

use std::time::Duration;

use criterion::Criterion;

fn main() -> anyhow::Result<()> {
    // All together take a minute or two. The median is what is used of it, not the plots and the comparisons.
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .sample_size(20)
        .nresamples(1_000)
        .configure_from_args();
    decode::measure(&mut criterion)?;
    frame::measure(&mut criterion)?;
    escape::measure(&mut criterion);
    criterion.final_summary();
    Ok(())
}
