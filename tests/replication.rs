//! A topic that two clusters replicate to each other, and a sink in one of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{Expected, Field, Fields, LIMIT, Services, Sink, another_cluster, until};
use hdfs_csv_tool::publish::{Publisher, Receipt};
use hdfs_csv_tool::pulsar_client::connect;
use hdfs_csv_tool::topic::read_all;
use pulsar::producer::Message;
use serde_json::{Value as Json, json};

const NEAR: &str = "standalone";
const FAR: &str = "far";
const TENANT: &str = "marketplace";

/// The same fields in two orders: under the wrong one of the two schemas a row has both texts, and swapped.
fn schema(reversed: bool) -> Json {
    let text = |name: &str| json!({ "name": name, "type": "string" });
    let (first, second) = if reversed { ("b", "a") } else { ("a", "b") };
    json!({ "type": "record", "name": "Pair", "fields": [{ "name": "id", "type": "long" }, text(first), text(second)] })
}

fn pair(id: i64, reversed: bool) -> Fields {
    let [a, b] = ["a", "b"].map(|name| (name.to_owned(), Field::Text(format!("{name} of {id}"))));
    let id = ("id".to_owned(), Field::Long(id));
    if reversed { vec![id, b, a] } else { vec![id, a, b] }
}

/// The number that an Avro payload begins with.
fn id_of(payload: &[u8]) -> Option<i64> {
    let mut zigzag = 0u64;
    for (at, byte) in payload.iter().take(10).enumerate() {
        zigzag |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
        }
    }
    None
}

/// Sends pairs of these ids to a cluster's topic.
fn send(services: &Services, cluster: &Stack, topic: &str, reversed: bool, ids: std::ops::Range<i64>) -> Result<()> {
    services.wait_for(async {
        let client = connect(&cluster.pulsar().service_url()).await?;
        let schema = schema(reversed).to_string();
        let mut publisher = Publisher::open(&client, topic, Some(&schema), 1).await?;
        for id in ids {
            let payload = hdfs_csv_tests::encode(&pair(id, reversed));
            publisher.send(Message { payload, ..Default::default() }).await?.await?;
        }
        publisher.close().await
    })
}

/// Lets both clusters know each other, and the tenant be of both.
fn introduce(near: &Stack, far: &Stack) -> Result<()> {
    for (stack, name, other) in [(near, FAR, far), (far, NEAR, near)] {
        let pulsar = other.pulsar();
        let urls = json!({ "serviceUrl": pulsar.admin_url(), "brokerServiceUrl": pulsar.service_url() });
        stack.admin().put(&format!("/admin/v2/clusters/{name}"), &urls)?;
        let tenant = json!({ "adminRoles": [], "allowedClusters": [NEAR, FAR] });
        stack.admin().post(&format!("/admin/v2/tenants/{TENANT}"), &tenant)?;
    }
    Ok(())
}

#[test]
fn records_of_both_clusters_are_committed_once_by_their_own_schemas_and_the_same_sink_elsewhere_is_refused()
-> Result<()> {
    let services = Services::start(Stack::builder().name("near").runtime(Runtime::Thread))?;
    services.run(|services| {
        let (near, far) = (services.stack(), another_cluster(FAR)?);
        introduce(near, &far)?;
        let namespace = services.namespace("replicated")?;
        far.admin().create_namespace(&namespace.full_name())?;
        let topic = namespace.topic_named("pairs");
        // The clusters' versions of the schemas are not the same: the first here is the second there.
        send(services, near, &topic, false, 0..1)?;
        send(services, near, &topic, true, 1..2)?;
        send(services, &far, &topic, true, -1..0)?;
        send(services, &far, &topic, false, -2..-1)?;

        let sink = Sink::of_topics(&namespace, "cold", std::slice::from_ref(&topic))?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        for stack in [near, &far] {
            let path = format!("/admin/v2/namespaces/{}/replication", namespace.full_name());
            stack.admin().post(&path, &json!([NEAR, FAR]))?;
        }
        // Its snapshots are entries that no consumer gets.
        let path =
            format!("/admin/v2/persistent/{}/pairs/subscription/followed?replicated=true", namespace.full_name());
        near.admin().put(&path, &json!({ "ledgerId": i64::MAX, "entryId": i64::MAX, "partitionIndex": -1 }))?;
        for (stack, other) in [(near, FAR), (&far, NEAR)] {
            until(&format!("replication to {other}"), LIMIT, || {
                let stats = stack.admin().topic_stats(&topic)?;
                ensure!(stats["replication"][other]["connected"] == true, "{}", stats["replication"]);
                Ok(())
            })?;
        }
        const EACH: i64 = 40;
        for round in 0..4 {
            let from = 10 + 4 * EACH * round;
            send(services, near, &topic, false, from..from + EACH)?;
            send(services, &far, &topic, true, from + EACH..from + 2 * EACH)?;
            send(services, near, &topic, true, from + 2 * EACH..from + 3 * EACH)?;
            send(services, &far, &topic, false, from + 3 * EACH..from + 4 * EACH)?;
        }
        let count = 2 + 16 * EACH as usize;
        let client = services.pulsar()?;
        let stored = until("all records have come here", LIMIT, || {
            let stored = services.wait_for(read_all(&client, &topic, LIMIT))?;
            ensure!(stored.len() >= count, "{} of {count}", stored.len());
            Ok(stored)
        })?;
        ensure!(stored.len() == count, "{} of {count}", stored.len());
        // Snapshots of the subscription that is followed are among the entries, so there are gaps to look into.
        until("a snapshot", LIMIT, || {
            let entries = near.admin().internal_stats(&topic)?["numberOfEntries"].as_u64();
            ensure!(entries > Some(count as u64), "{entries:?} entries for {count} records");
            Ok(())
        })?;
        let mut expected = Expected::default();
        let mut ids = BTreeMap::new();
        for message in &stored {
            let id = id_of(&message.payload).context("a payload without an id")?;
            *ids.entry(id).or_insert(0) += 1;
            expected.extend([(pair(id, false), Receipt { partition: -1, position: message.position })]);
        }
        ensure!(ids.len() == count && ids.values().all(|times| *times == 1), "{ids:?}");
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "pairs", &[])?;

        // The same sink in the other cluster, on the same HDFS.
        far.admin().create_sink(&namespace.full_name(), "cold", sink.configuration())?;
        // In the thread runtime the library's lines are in the worker's log.
        let log = far.log_dir().join("pulsar.log");
        until("the refusal in the other cluster", LIMIT, || {
            let text = std::fs::read_to_string(&log).with_context(|| format!("{}", log.display()))?;
            for says in ["the table belongs to another sink", "cluster `standalone`", "cluster `far`"] {
                ensure!(text.contains(says), "{} does not say '{says}'", log.display());
            }
            Ok(())
        })?;
        far.admin().delete_sink(&namespace.full_name(), "cold")?;
        expected.compare(&sink, "pairs", &[])?;
        sink.delete()
    })
}
