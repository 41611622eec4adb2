//! What the demo prints at its end: where everything is, and what to do with it.

use std::path::Path;

use hdfs_csv_stack::State;

use crate::arguments::{Args, Layers};
use crate::names::{DIRECTORY, NAMESPACE, SINK, TENANT};
use crate::week::Week;
use crate::{dashboards, report, services, topics};

pub(crate) fn print(stack: &State, args: &Args, week: Week) {
    let command = |name: &str| {
        let here = std::env::current_exe().unwrap_or_default().with_file_name(name);
        relative(&here).display().to_string()
    };
    let (stacks, tool) = (command("hdfs-csv-stack"), command("hdfs-csv"));
    let conf = relative(stack.hadoop_conf_dir.as_deref().unwrap_or(Path::new(""))).display().to_string();
    let (name, day) = (services::NAME, week.first_day());
    println!("The services stay up until `make down`:");
    let line = |what: &str, place: &str| println!("  {what:18}{place}");
    line("Pulsar", &stack.service_url);
    line("Pulsar REST", &stack.admin_url);
    line("HDFS", stack.hdfs_url.as_deref().unwrap_or_default());
    line("HDFS conf", &conf);
    if args.layers == Layers::Full {
        line("Hive", stack.hive_url.as_deref().unwrap_or_default());
        line("ClickHouse", stack.click_house_url.as_deref().unwrap_or_default());
        if let (Ok(superset), Ok(addresses)) = (dashboards::address(stack), dashboards::addresses(stack)) {
            line("Superset", &format!("{} (user {}, password {})", superset.url, superset.user, superset.password));
            for (slug, address) in addresses {
                line(&format!("  {slug}"), &address);
            }
        }
        for picture in dashboards::pictures(&args.out).iter().filter(|picture| picture.is_file()) {
            line("picture", &picture.display().to_string());
        }
    }
    line("sink's log", &relative(&topics::sink_log(stack)).display().to_string());
    line("report", &args.out.join(report::FILE).display().to_string());
    println!(
        "
Look around:
  {stacks} dfs --name {name} -ls {DIRECTORY}/searching/dt={day}
  {stacks} dfs --name {name} -cat '{DIRECTORY}/searching/dt={day}/*' | head -3
  {tool} verify --directory {DIRECTORY} --hdfs-config-dir {conf}
  {tool} produce --service-url {} --count 50000 --seed 2
  {stacks} pulsar-admin --name {name} sinks status --tenant {TENANT} --namespace {NAMESPACE} --name {SINK}",
        stack.service_url,
    );
    if args.layers == Layers::Full {
        println!("  {stacks} hive --name {name} -e 'SELECT * FROM marketplace.orders_per_day ORDER BY day'");
    }
    println!("  make down");
}

/// The path as one would type it here.
fn relative(path: &Path) -> &Path {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path)
}
