//! ClickHouse serves the clients that this project's users have, and keeps its tables.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::Result;
use hdfs_csv_stack::{Error, Runtime, Stack, python};
use hdfs_csv_tests::{in_turn, jdbc_sink, repository};
use serde_json::json;

use super::{output, wait_for};

const CLIENT: &str = "\
    backports.zstd==1.8.0\ncertifi==2026.10.19.post1\nclickhouse-connect==1.12.0\nlz4==4.4.5\nurllib3==2.8.0\n";
const TOPIC: &str = "persistent://public/default/offers";
const SCHEMA: &str = r#"avro:{"type":"record","name":"Offer","fields":[
    {"name":"id","type":"long"},{"name":"title","type":"string"},
    {"name":"price","type":["null","double"],"default":null},{"name":"weight","type":["null","double"],"default":null},
    {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}"#;
const TABLE: &str = "CREATE TABLE offers (id Int64, title String, price Nullable(Float64), weight Nullable(Float64), \
    at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY id";
const OFFERS: usize = 500;
/// 2026-11-01 00:00:00.123 UTC.
const NOON: usize = 1_793_491_200_123;

#[test]
fn clients_and_the_official_sink_get_on_with_click_house() -> Result<()> {
    in_turn(|| {
        let sink = jdbc_sink()?;
        let stack = Stack::builder().name("click-house").data_nodes(0).runtime(Runtime::Process).click_house(true);
        let stack = stack.connector(sink).start()?;

        clickhouse_connect_reads_what_it_wrote(&stack)?;
        the_official_sink_writes_a_topic(&stack)?;
        errors_are_told(&stack)?;
        tables_survive(&stack)?;
        let folder = stack.data_dir().to_path_buf();
        drop(stack);
        fs::remove_dir_all(folder)?;
        Ok(())
    })
}

fn clickhouse_connect_reads_what_it_wrote(stack: &Stack) -> Result<()> {
    let python = python::environment("clickhouse-connect", CLIENT)?.join("python");
    let mut client = Command::new(python);
    client
        .arg(repository().join("tests/stack/connect.py"))
        .args([&stack.click_house()?.port().to_string(), "connected"]);
    assert_eq!(output(&mut client)?, "equal\n");
    assert_eq!(stack.click_house()?.query("SELECT count(), countIf(price IS NULL) FROM connected")?, "5001\t1668\n");
    Ok(())
}

fn the_official_sink_writes_a_topic(stack: &Stack) -> Result<()> {
    let click_house = stack.click_house()?;
    click_house.query(TABLE)?;
    let config = json!({
        "archive": "builtin://jdbc-clickhouse",
        "inputs": [TOPIC],
        "sourceSubscriptionPosition": "Earliest",
        "cleanupSubscription": false,
        "resources": { "ram": 256 << 20 },
        "configs": {
            "jdbcUrl": format!("jdbc:clickhouse://127.0.0.1:{}/default?compress=0&decompress=0", click_house.port()),
            "userName": "default",
            "password": "",
            "tableName": "offers",
            "nonKey": "id,title,price,weight,at",
            "useTransactions": false,
            "useJdbcBatch": true,
            "batchSize": 200,
            "timeoutMs": 500,
        },
    });
    stack.admin().create_topic(TOPIC)?;
    produce(stack)?;
    stack.admin().create_sink("public/default", "offers", &config)?;
    let count = || click_house.query("SELECT count() FROM offers").ok();
    wait_for("the rows in ClickHouse", || count().filter(|count| *count == format!("{OFFERS}\n")))?;
    let rows =
        click_house.query("SELECT id, title, price, weight, toUnixTimestamp64Milli(at) FROM offers ORDER BY id")?;
    let expected = (0..OFFERS).fold(String::new(), |mut text, id| {
        let or_null = |value: Option<f64>| value.map_or("\\N".to_owned(), |value| value.to_string());
        let _ = writeln!(text, "{id}\t{}\t{}\t{}\t{}", title(id), or_null(price(id)), or_null(weight(id)), NOON + id);
        text
    });
    assert_eq!(rows, expected);
    Ok(())
}

fn produce(stack: &Stack) -> Result<()> {
    let union = |value: Option<f64>| value.map_or(json!(null), |value| json!({ "double": value }));
    let offer = |id| json!({ "id": id, "title": title(id), "price": union(price(id)), "weight": union(weight(id)), "at": NOON + id });
    let messages: Vec<String> = (0..OFFERS).map(|id| offer(id).to_string()).collect();
    let mut client = Command::new(stack.pulsar().home().join("bin/pulsar-client"));
    client.args(["--url", &stack.pulsar().service_url(), "produce", TOPIC, "--value-schema", SCHEMA]);
    client.args(["--separator", "\n", "--messages", &messages.join("\n")]).env("PULSAR_LOG_DIR", stack.log_dir());
    output(&mut client).map(drop)
}

fn title(id: usize) -> String {
    format!("offer {id} для дома")
}

fn price(id: usize) -> Option<f64> {
    (!id.is_multiple_of(3)).then_some(f64::from(u32::try_from(id).unwrap_or_default()) / 8.0)
}

fn weight(id: usize) -> Option<f64> {
    id.is_multiple_of(5).then_some(0.5)
}

fn errors_are_told(stack: &Stack) -> Result<()> {
    let refused = stack.click_house()?.query("SELECT * FROM nowhere");
    assert!(
        matches!(&refused, Err(Error::Admin { status: Some(404), problem, .. }) if problem.contains("UNKNOWN_TABLE")),
        "{refused:?}"
    );
    Ok(())
}

fn tables_survive(stack: &Stack) -> Result<()> {
    let click_house = stack.click_house()?;
    let all = "SELECT count(), sum(id) FROM offers";
    let before = click_house.query(all)?;
    click_house.restart()?;
    assert_eq!(click_house.query(all)?, before);
    click_house.query("INSERT INTO offers (id) VALUES (1000000)")?;
    let before = click_house.query(all)?;
    click_house.kill()?;
    assert_eq!(click_house.pid(), None);
    click_house.start()?;
    assert_eq!(click_house.query(all)?, before);
    Ok(())
}
