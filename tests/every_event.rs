//! Every event of the catalogue goes the whole way: the topics of a pattern, a sink made by the real `pulsar-admin` from
//! the generated configuration, and back from HDFS.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use hdfs_csv_tests::{Comparison, LIMIT, Place, Services, Shared, Sink};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::produce::produce;
use hdfs_csv_tool::record::Record;
use hdfs_csv_tool::traffic::Plan;
use hdfs_csv_tool::traffic::text::AWKWARD;
use hdfs_csv_tool::{pulsar_client, sinks};
use serde_json::json;

const EVENTS: u64 = 60_000;
/// 2026-02-10, a week.
const FIRST_DAY: i64 = 1_770_681_600_000;

#[test]
fn every_row_of_every_event_equals_what_was_sent() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("events")?;
        let record = services.scratch("sent.jsonl");
        let plan = Plan {
            seed: 3,
            count: EVENTS,
            kinds: EventKind::ALL.to_vec(),
            start: FIRST_DAY,
            end: FIRST_DAY + 7 * 86_400_000,
        };
        let report = services.wait_for(async {
            let client = pulsar_client::connect(&services.stack().pulsar().service_url()).await?;
            produce(&client, &plan, &namespace.target(50), Some(Record::create(&record)?), |_| {}).await
        })?;
        ensure!(report.total == EVENTS && report.events.values().all(|count| *count > 0), "{report:?}");

        let mut settings = sinks::Settings::new("marketplace", "events", "/events", &services.hadoop_conf()?, "1s");
        settings.set("metadataColumns=all")?;
        // Acknowledgements wait for it after a start.
        settings.set("chunkedMessageTimeout=1s")?;
        let file = services.scratch(sinks::FILE);
        std::fs::write(&file, settings.yaml())?;
        services.stack().pulsar_admin(&["sinks", "create", "--sink-config-file", &file.to_string_lossy()])?;

        // The same sink as the tests' harness sees it.
        let sink = Sink::new(&namespace, "cold", EventKind::ALL)?.config("directory", json!("/events"));
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let texts = services.scratch("texts.json");
        let summary =
            Comparison::of(&sink).with_records(&[record]).place(Place::AllAndDays).option("--texts", &texts).run()?;

        ensure!(summary["rows"] == EVENTS, "{summary}");
        for field in ["price_min", "price_max", "rating_min", "rating_max"].map(|field| format!("filtering.{field}")) {
            ensure!(summary["nulls"][&field].as_u64() > Some(0), "no {field} was null: {}", summary["nulls"]);
        }
        let texts: BTreeSet<String> = serde_json::from_slice(&std::fs::read(texts)?)?;
        let missing: Vec<_> = AWKWARD.iter().filter(|text| !texts.contains(**text)).collect();
        ensure!(missing.is_empty(), "these texts were never tried: {missing:?}");
        sink.delete()
    })
}
