//! `hdfs-csv-stack`: starts the services around the sink, tells where they are, and stops them.

mod arguments;
mod commands;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(stack) => commands::up(&stack),
        Command::Down(name) => commands::down(&name),
        Command::Run { stack, for_up } => commands::run(&stack, for_up),
        Command::Status(name) => commands::status(&name),
        Command::Dfs(tool) => commands::dfs(&tool),
        Command::Hive(hive) => commands::hive(&hive),
        Command::PulsarAdmin(tool) => commands::pulsar_admin(&tool),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hdfs-csv-stack: {error}");
            ExitCode::FAILURE
        }
    }
}
