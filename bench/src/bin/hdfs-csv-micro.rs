//! `hdfs-csv-micro [HADOOP_CONF_DIR]`: measures the hot path and writes `target/bench/micro.json`. The crossing from Java needs an
//! HDFS: the one that the folder tells of, or else one that is started for it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use hdfs_csv_bench::micro;
use hdfs_csv_stack::Stack;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hdfs-csv-micro: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let measured = match std::env::args_os().nth(1) {
        Some(hadoop_conf_dir) => micro::measure(Path::new(&hadoop_conf_dir))?,
        None => {
            let stack = Stack::builder().name("micro").peak_speed(true).start()?;
            micro::measure(stack.hadoop_conf_dir()?)?
        }
    };
    println!("{}", serde_json::to_string_pretty(&measured)?);
    Ok(())
}
