//! The demo: starts the services, creates topics and sinks, produces events, waits until they are everywhere, reads the
//! files back from HDFS and compares; in all layers, it counts in ClickHouse and Hive too, and draws the dashboards. It leaves the services up when all is well, and nothing otherwise.

mod arguments;
mod cold;
mod commits;
mod dashboards;
mod hot;
mod names;
mod next;
mod read_back;
mod report;
mod services;
mod steps;
mod topics;
mod week;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use hdfs_csv_stack::{Browser, State, artifacts};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::produce::{Target, produce};
use hdfs_csv_tool::pulsar_client::connect;
use hdfs_csv_tool::record::Report as Produced;
use hdfs_csv_tool::traffic::Plan;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::arguments::{Args, Layers};
use crate::names::{NAMESPACE, TENANT};
use crate::report::{Report, Served};
use crate::steps::Steps;

const BATCH: u32 = 1_000;

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
        Ok(_) => eprintln!("What was produced and what arrived differ."),
        Err(error) => eprintln!("The demo failed: {error:#}"),
    }
    match services::down().await {
        Ok(()) => eprintln!("Nothing is left running; logs are in {}", services::folder().join("logs").display()),
        Err(error) => eprintln!("The services could not be stopped: {error:#}"),
    }
    ExitCode::FAILURE
}

async fn demo(args: &Args, steps: &Steps) -> Result<Report> {
    // In full: pulsar-admin works in a folder of its own.
    let out = &std::path::absolute(&args.out)?;
    prepare(out)?;
    if services::are_up() {
        steps.run("Stop the demo that is up", services::down()).await?;
    }
    let full = args.layers == Layers::Full;
    let (connectors, browser) = steps.run("Fetch what is not there yet", fetch(args)).await?;
    let stack = services::up(args.layers, &connectors, steps).await?;
    let week = week::Week::of(args.layers);
    steps.run("Create tenant, namespace and 21 topics", topics::create(&stack)).await?;
    if full {
        steps.run("Create ClickHouse's tables", hot::create_tables(&stack)).await?;
        steps.run("Create 21 JDBC sinks", hot::create_sinks(&stack)).await?;
    }
    steps.run("Create the sink with pulsar-admin", topics::create_sink(&stack, out)).await?;
    let (produced, commits) = produce_and_commit(args, week, &stack, steps).await?;
    let tables = out.join("tables");
    let found = steps.run("Read the files back with FsShell", read_back::read_back(&stack, &tables)).await?;
    let served = if full { Some(serve(&stack, steps, &produced).await?) } else { None };

    let report = Report::new(&produced, &found, served.as_ref(), &commits);
    report.write(&out.join(report::FILE))?;
    println!("{report}");
    if report.ok {
        let places = if full { "on HDFS once, in ClickHouse and in Hive" } else { "on HDFS once" };
        println!("Every event that was produced is {places}.\n");
        if full {
            show(&stack, browser.as_ref(), out, steps).await?;
        }
        next::print(&stack, args, week);
    }
    Ok(report)
}

/// The connectors, and a browser if one is to be had.
async fn fetch(args: &Args) -> Result<(Vec<PathBuf>, Option<Browser>)> {
    let mut connectors = vec![args.connector.clone()];
    if args.layers == Layers::Cold {
        return Ok((connectors, None));
    }
    let (sink, browser) = spawn_blocking(|| (artifacts::resolve("jdbc-sink"), Browser::fetch())).await?;
    connectors.extend(sink?);
    let browser = browser.inspect_err(|error| eprintln!("There is no browser to be had: no pictures.\n{error}"));
    Ok((connectors, browser.ok()))
}

/// Waits for the rows in ClickHouse, and makes Hive's tables and counts there.
async fn serve(stack: &State, steps: &Steps, produced: &Produced) -> Result<Served> {
    let hive = steps.run("Create Hive's tables and count", cold::create_tables_and_count(stack));
    let (click_house, hive) = tokio::try_join!(hot::wait(stack, steps, &produced.events), hive)?;
    Ok(Served { click_house, hive })
}

/// The dashboards: in Superset, in pictures, and right.
async fn show(stack: &State, browser: Option<&Browser>, out: &Path, steps: &Steps) -> Result<()> {
    steps.run("Bring the dashboards into Superset", dashboards::import(stack)).await?;
    let name = if browser.is_some() { "Draw the dashboards in a browser" } else { "Ask for every chart's rows" };
    steps.run(name, dashboards::draw(stack, browser, out)).await?;
    let found = steps.run("Compare charts with direct queries", dashboards::compare(stack, out)).await?;
    println!("{found}.\n");
    Ok(())
}

/// What an earlier run left must not be taken for this run's.
fn prepare(out: &Path) -> Result<()> {
    let remove = |path: PathBuf| match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let mut stale = dashboards::files(out).into_iter().chain([out.join(report::FILE)]);
    let made = std::fs::create_dir_all(out).and_then(|()| stale.try_for_each(remove));
    made.with_context(|| format!("cannot use the folder {}", out.display()))
}

/// Produces, and watches the commits from the beginning.
async fn produce_and_commit(
    args: &Args,
    week: week::Week,
    stack: &State,
    steps: &Steps,
) -> Result<(Produced, commits::Commits)> {
    let client = connect(&stack.service_url).await?;
    let plan =
        Plan { seed: args.seed, count: args.count, kinds: EventKind::ALL.to_vec(), start: week.start, end: week.end };
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
