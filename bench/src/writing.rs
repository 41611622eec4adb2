//! The same bytes into HDFS: as the sink stages them, by the HDFS client alone, and by Hadoop's own command.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use hdfs_csv_tests::{Services, processor_time};
use hdfs_native::WriteOptions;
use pulsar_io_hdfs_csv::protocol::stage::StagedFile;
use serde_json::{Value, json};

use crate::load::Load;
use crate::median_and_spread;

/// A file of the sink's default size.
const FILE: usize = 128 << 20;
const FILES: usize = 4;
/// The sink streams its rows in pieces of this size.
const PIECE: usize = 256 << 10;

/// Measures them in turn.
pub fn run(services: &Services, rounds: u32) -> Result<Value> {
    let rows = Load::searching()?;
    let mut text = Vec::with_capacity(FILE + 1_024);
    for message in rows.messages.iter().cycle() {
        text.extend_from_slice(message.row.as_bytes());
        text.push(b'\n');
        if text.len() >= FILE {
            text.truncate(FILE);
            break;
        }
    }
    let local = services.scratch("rows.csv");
    std::fs::write(&local, &text).with_context(|| format!("{}", local.display()))?;
    let text = Bytes::from(text);
    let hdfs = services.hdfs()?;
    let client = hdfs_native::ClientBuilder::new().with_config_dir(services.hadoop_conf()?).build()?;
    let pieces = || (0..FILE).step_by(PIECE).map(|at| text.slice(at..(at + PIECE).min(FILE)));
    let (mut staged, mut native, mut shell) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        let folder = format!("/writing/{round}");
        staged.push(measured(|| {
            services.wait_for(async {
                for number in 0..FILES {
                    let mut file = StagedFile::create(&hdfs, format!("{folder}/staged-{number}")).await?;
                    for piece in pieces() {
                        file.append(piece).await?;
                    }
                    file.finish(&hdfs).await?;
                }
                Ok(())
            })
        })?);
        native.push(measured(|| {
            services.wait_for(async {
                for number in 0..FILES {
                    let path = format!("{folder}/native-{number}");
                    let mut file = client.create(&path, WriteOptions::default()).await?;
                    for piece in pieces() {
                        file.write_bytes(piece).await?;
                    }
                    file.close().await?;
                }
                Ok(())
            })
        })?);
        let began = Instant::now();
        for number in 0..FILES {
            let local = local.to_string_lossy();
            services.stack().fs_shell(&["-put", &local, &format!("{folder}/put-{number}")])?;
        }
        shell.push(began.elapsed());
    }
    // What the command takes when there is nothing to do: a JVM's start.
    let began = Instant::now();
    services.stack().fs_shell(&["-test", "-e", "/writing"])?;
    let start = began.elapsed();
    let gigabytes = (FILE * FILES) as f64 / 1e9;
    let median = |figures: Vec<f64>| median_and_spread(figures).map(|(median, _)| median).context("no rounds");
    let rate = |times: &[Duration]| median(times.iter().map(|time| gigabytes * 1e3 / time.as_secs_f64()).collect());
    let elapsed = |all: &[Measured]| all.iter().map(|one| one.elapsed).collect::<Vec<_>>();
    let cost = |all: &[Measured]| median(all.iter().map(|one| one.processor.as_secs_f64() / gigabytes).collect());
    let (staged_cost, native_cost) = (cost(&staged)?, cost(&native)?);
    let without_start: Vec<_> = shell.iter().map(|time| time.saturating_sub(start * FILES as u32)).collect();
    let figures = json!({
        "bytes": FILE * FILES,
        "staged_mb_per_s": rate(&elapsed(&staged))?,
        "hdfs_native_mb_per_s": rate(&elapsed(&native))?,
        "fs_shell_put_mb_per_s": rate(&shell)?,
        "fs_shell_put_without_start_mb_per_s": rate(&without_start)?,
        "staged_cpu_s_per_gb": staged_cost,
        "hdfs_native_cpu_s_per_gb": native_cost,
        "staged_of_hdfs_native_cpu": staged_cost / native_cost,
    });
    println!("writing: {figures}");
    Ok(figures)
}

struct Measured {
    elapsed: Duration,
    processor: Duration,
}

/// This process does nothing else meanwhile.
fn measured(what: impl FnOnce() -> Result<()>) -> Result<Measured> {
    let (began, before) = (Instant::now(), processor_time(std::process::id())?);
    what()?;
    Ok(Measured { elapsed: began.elapsed(), processor: processor_time(std::process::id())? - before })
}
