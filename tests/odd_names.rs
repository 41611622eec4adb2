//! A sink of a pattern over topics whose names are odd, in a Hadoop client's folder with a umask: each topic has a table.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Expected, Field, Fields, LIMIT, Services, Shared, Sink, Typed};
use serde_json::{Value as Json, json};

const COUNT: i64 = 20;

fn schema() -> Json {
    json!({ "type": "record", "name": "Line", "fields": [{ "name": "id", "type": "long" }] })
}

#[test]
fn every_topic_of_a_pattern_has_a_table_whatever_its_name_and_all_is_made_under_the_umask() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("odd")?;
        let admin = services.stack().admin();
        let conf = services.hadoop_conf_with("conf", &[("fs.permissions.umask-mode", "027")])?;
        let cyrillic = "Ж".repeat(45);
        let partitioned = namespace.topic_named("orders");
        admin.create_partitioned_topic(&partitioned, 2)?;
        // The second one only looks like a partition of the first, and the third is longer than a name may be when escaped.
        let topics = [partitioned, namespace.topic_named("orders-partition-01"), namespace.topic_named(&cyrillic)];
        let mut expected: Vec<Expected> = Vec::new();
        let send = |topic: &str, from: i64| -> Result<_> {
            let mut producer = Typed::open(services, topic, &schema(), 1)?;
            let fields = |id| -> Fields { vec![("id".to_owned(), Field::Long(id))] };
            producer.send(services, (from..from + COUNT).map(fields).collect())?;
            producer.close(services)
        };
        for topic in &topics {
            let mut of_topic = Expected::default();
            of_topic.extend(send(topic, 0)?);
            expected.push(of_topic);
        }
        let pattern = format!("persistent://{}/.*", namespace.full_name());
        let sink = Sink::of_topics(&namespace, "cold", &topics)?
            .setting("inputs", Json::Null)
            .setting("topicsPattern", json!(pattern))
            .config("hdfsConfigDir", json!(conf))
            .create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        for (topic, of_topic) in topics.iter().zip(&mut expected) {
            of_topic.extend(send(topic, COUNT)?);
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;

        let listing = services.stack().fs_shell(&["-ls", "-R", &sink.directory()])?;
        let table = |name: &str| {
            let of_table = |line: &str| line.ends_with(&format!("{}/{name}", sink.directory()));
            listing.lines().any(of_table).then(|| name.to_owned()).with_context(|| format!("no {name} in {listing}"))
        };
        let long = listing.lines().filter_map(|line| line.rsplit('/').next()).find(|name| name.contains("+md5-"));
        let long = long.with_context(|| format!("no shortened name: {listing}"))?;
        for (name, of_topic) in [table("orders-partition-01")?, table(long)?].iter().zip(&expected[1..]) {
            of_topic.compare(&sink, name, &[])?;
        }
        let rows = services.stack().fs_shell(&["-cat", &format!("{}/orders/*.csv", sink.directory())])?;
        let mut ids: Vec<i64> = rows.lines().filter_map(|row| row.rsplit(',').next()?.parse().ok()).collect();
        ids.sort_unstable();
        ensure!(ids == (0..2 * COUNT).collect::<Vec<_>>(), "orders: {rows}");
        for line in listing.lines().filter(|line| line.contains(&sink.directory())) {
            ensure!(line.starts_with("drwxr-x---") || line.starts_with("-rw-r-----"), "{line}");
        }
        sink.delete()
    })
}
