//! The `hdfs-csv` command.

use std::process::ExitCode;

use clap::Parser;
use hdfs_csv_tool::command::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hdfs-csv: {error:#}");
            ExitCode::FAILURE
        }
    }
}
