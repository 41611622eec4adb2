//! The demo: starts Pulsar and HDFS, creates topics and the sink, produces events, waits until they are committed, reads
//! the files back from HDFS and compares. It leaves the services up when all is well, and nothing otherwise.

mod commits;
mod read_back;
mod report;
mod services;
mod steps;
mod topics;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use hdfs_csv_stack::State;
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::produce::{Target, produce};
use hdfs_csv_tool::pulsar_client::connect;
use hdfs_csv_tool::record::Report as Produced;
use hdfs_csv_tool::traffic::Plan;
use tokio::signal::unix::{SignalKind, signal};

use crate::report::Report;
use crate::steps::Steps;

/// The events begin on 2026-11-01 (UTC) and span a week, whenever the demo runs: the same seed gives the same files.
const FIRST_DAY: i64 = 1_793_491_200_000;
const WEEK: i64 = 7 * 86_400_000;
const BATCH: u32 = 1_000;

const TENANT: &str = "marketplace";
const NAMESPACE: &str = "events";
const SINK: &str = "cold";
const SUBSCRIPTION: &str = "hdfs-csv-cold";
/// The directory of the tables on HDFS.
const DIRECTORY: &str = "/events";
const COMMIT_INTERVAL: &str = "5s";

/// Events through Pulsar into CSV on HDFS, on real services.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// What to run: Pulsar, the sink and HDFS.
    #[arg(long, value_enum, default_value_t = Layers::Cold)]
    layers: Layers,
    /// The connector (NAR).
    #[arg(long, value_name = "NAR")]
    connector: PathBuf,
    /// How many events in all.
    #[arg(long, default_value_t = 200_000)]
    count: u64,
    /// Decides everything about the events that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for the report and for what was read back.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layers {
    Cold,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let steps = Steps::new();
    let outcome = tokio::select! {
        outcome = demo(&args, &steps) => outcome,
        interrupted = interruption() => Err(interrupted),
    };
    match outcome {
        Ok(report) if report.ok => return ExitCode::SUCCESS,
        Ok(_) => eprintln!("What was produced and what is on HDFS differ."),
        Err(error) => eprintln!("The demo failed: {error:#}"),
    }
    match services::down().await {
        Ok(()) => eprintln!("Nothing is left running; logs are in {}", services::folder().join("logs").display()),
        Err(error) => eprintln!("The services could not be stopped: {error:#}"),
    }
    ExitCode::FAILURE
}

async fn demo(args: &Args, steps: &Steps) -> Result<Report> {
    let Layers::Cold = args.layers;
    // In full: pulsar-admin works in a folder of its own.
    let out = &std::path::absolute(&args.out)?;
    prepare(out)?;
    if services::are_up() {
        steps.run("Stop the demo that is up", services::down()).await?;
    }
    let stack = services::up(&args.connector, steps).await?;
    steps.run("Create tenant, namespace and 21 topics", topics::create(&stack)).await?;
    steps.run("Create the sink with pulsar-admin", topics::create_sink(&stack, out)).await?;
    let (produced, commits) = produce_and_commit(args, &stack, steps).await?;
    let tables = out.join("tables");
    let found = steps.run("Read the files back with FsShell", read_back::read_back(&stack, &tables)).await?;

    let report = Report::new(&produced, &found, &commits);
    report.write(&out.join(report::FILE))?;
    println!("{report}");
    if report.ok {
        println!("Every event that was produced is on HDFS once.\n");
        print_next(&stack, args);
    }
    Ok(report)
}

/// What an earlier run left must not be taken for this run's.
fn prepare(out: &Path) -> Result<()> {
    let made = std::fs::create_dir_all(out).and_then(|()| match std::fs::remove_file(out.join(report::FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    });
    made.with_context(|| format!("cannot use the folder {}", out.display()))
}

/// Produces, and watches the commits from the beginning.
async fn produce_and_commit(args: &Args, stack: &State, steps: &Steps) -> Result<(Produced, commits::Commits)> {
    let client = connect(&stack.service_url).await?;
    let plan = Plan {
        seed: args.seed,
        count: args.count,
        kinds: EventKind::ALL.to_vec(),
        start: FIRST_DAY,
        end: FIRST_DAY + WEEK,
    };
    let target = Target { tenant: TENANT.to_owned(), namespace: NAMESPACE.to_owned(), batch_size: BATCH, rate: 0.0 };
    let watch = commits::Watch::new(stack)?;
    let producing = async {
        let step = steps.begin_counted("Produce events", args.count);
        let produced = produce(&client, &plan, &target, None, |confirmed| step.set(confirmed)).await?;
        watch.produced(&produced.events);
        step.done();
        Ok(produced)
    };
    tokio::try_join!(producing, watch.run(steps, args.count))
}

fn print_next(stack: &State, args: &Args) {
    let command = |name: &str| {
        let here = std::env::current_exe().unwrap_or_default().with_file_name(name);
        relative(&here).display().to_string()
    };
    let (stacks, tool) = (command("hdfs-csv-stack"), command("hdfs-csv"));
    let conf = relative(stack.hadoop_conf_dir.as_deref().unwrap_or(Path::new("")));
    println!(
        "The services stay up until `make down`:
  Pulsar        {}
  Pulsar REST   {}
  HDFS          {}
  HDFS conf     {}
  sink's log    {}
  report        {}

Look around:
  {stacks} dfs --name {name} -ls {DIRECTORY}/searching/dt=2026-11-01
  {stacks} dfs --name {name} -cat '{DIRECTORY}/searching/dt=2026-11-01/*' | head -3
  {tool} verify --directory {DIRECTORY} --hdfs-config-dir {}
  {tool} produce --service-url {} --count 50000 --seed 2
  {stacks} pulsar-admin --name {name} sinks status --tenant {TENANT} --namespace {NAMESPACE} --name {SINK}
  make down",
        stack.service_url,
        stack.admin_url,
        stack.hdfs_url.as_deref().unwrap_or_default(),
        conf.display(),
        relative(&topics::sink_log(stack)).display(),
        args.out.join(report::FILE).display(),
        conf.display(),
        stack.service_url,
        name = services::NAME,
    );
}

/// The path as one would type it here.
fn relative(path: &Path) -> &Path {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path)
}

async fn interruption() -> anyhow::Error {
    let listen = || Ok::<_, std::io::Error>((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
    match listen() {
        Ok((mut interrupt, mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            anyhow!("it was interrupted")
        }
        Err(error) => anyhow!(error).context("signals cannot be listened to"),
    }
}
