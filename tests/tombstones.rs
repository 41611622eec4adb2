//! Messages without a value. Pulsar ends an instance at each before the sink sees it; the next instance passes it.

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdfs_csv_tests::{
    Expected, Field, Fields, LIMIT, Services, Shared, Sink, Typed, encode, letters, send_by_java, until,
};
use hdfs_csv_tool::publish::Receipt;
use hdfs_csv_tool::topic::read_all;
use hdfs_csv_tool::traffic::text::AWKWARD;
use serde_json::{Value as Json, json};

fn schema() -> Json {
    json!({ "type": "record", "name": "Stock", "fields": [
        { "name": "id", "type": ["null", "long"], "default": null },
        { "name": "title", "type": ["null", "string"], "default": null }
    ] })
}

fn row(id: i64) -> Fields {
    let title = Field::text(AWKWARD[id as usize % AWKWARD.len()]);
    [("id", Field::some(Field::Long(id))), ("title", Field::some(title))].map(|(name, f)| (name.to_owned(), f)).into()
}

fn row_of_nulls() -> Fields {
    ["id", "title"].map(|name| (name.to_owned(), Field::Null)).into()
}

/// Sends rows, and messages without a value. Several are one batch.
fn send(services: &Services, topic: &str, messages: &[Option<Fields>]) -> Result<()> {
    let payload = |message: &Option<Fields>| match message {
        Some(fields) => STANDARD.encode(encode(fields)),
        None => "none".to_owned(),
    };
    send_by_java(services, topic, &messages.iter().map(payload).collect::<Vec<_>>())
}

/// What the topic has, in order: a row's fields, or none of a message without a value.
fn stored(services: &Services, topic: &str) -> Result<Vec<(Option<Fields>, Receipt)>> {
    let client = services.pulsar()?;
    let all = services.wait_for(read_all(&client, topic, LIMIT))?;
    let decoded = all.into_iter().map(|message| {
        let receipt = Receipt { partition: message.partition, position: message.position };
        let fields = (0..1_000).map(row).find(|fields| encode(fields) == message.payload);
        ensure!(fields.is_some() || message.payload.is_empty(), "{message:?} was not sent");
        Ok((fields, receipt))
    });
    decoded.collect()
}

/// Rows around messages without a value, of which two stand in one batch, and one is the last of the topic.
fn fill(services: &Services, topic: &str) -> Result<()> {
    let mut typed = Typed::open(services, topic, &schema(), 10)?;
    typed.send(services, (0..30).map(row).collect())?;
    send(services, topic, &[None])?;
    send(services, topic, &[None])?;
    typed.send(services, (30..50).map(row).collect())?;
    send(services, topic, &[Some(row(50)), None, Some(row(51)), None, Some(row(52))])?;
    typed.send(services, (53..60).map(row).collect())?;
    send(services, topic, &[None])?;
    typed.close(services).map(drop)
}

#[test]
fn messages_without_a_value_are_passed_and_what_surrounds_them_is_committed_once() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("tombstones")?;
        let [struck, other] = ["stock", "other"].map(|name| namespace.topic_named(name));
        fill(services, &struck)?;
        let mut more = Typed::open(services, &other, &schema(), 10)?;
        more.send(services, (0..100).map(row).collect())?;
        let sink = Sink::of_topics(&namespace, "cold", &[struck.clone(), other.clone()])?;
        // So long acknowledgements wait, and what is committed is sent again after a restart.
        let sink = sink.config("chunkedMessageTimeout", json!("20s")).create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let starts = || sink.log().matches("were passed, up to").count();
        ensure!(starts() == 1, "they were passed {} times, and not at the first start", starts());

        // Now the instance has a consumer, and ends at it.
        send(services, &struck, &[None])?;
        send(services, &struck, &[Some(row(60)), None, Some(row(61))])?;
        more.send(services, (100..200).map(row).collect())?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        until("the second start is in the log", LIMIT, || {
            ensure!(starts() > 1, "{}", sink.log());
            Ok(())
        })?;

        for (topic, table, nulls) in [(&struck, "stock", 7), (&other, "other", 0)] {
            let all = stored(services, topic)?;
            ensure!(all.iter().filter(|(fields, _)| fields.is_none()).count() == nulls, "{all:?}");
            let mut expected = Expected::default();
            expected.extend(all.into_iter().filter_map(|(fields, receipt)| Some((fields?, receipt))));
            expected.compare(&sink, table, &[])?;
        }
        drop(more.close(services)?);
        sink.delete()
    })
}

#[test]
fn a_message_without_a_value_is_a_row_of_nulls_or_a_dead_letter_where_that_is_wanted() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("nulls")?;
        let topic = namespace.topic_named("stock");
        fill(services, &topic)?;
        let all = stored(services, &topic)?;
        let nulls: Vec<_> = all.iter().filter(|(fields, _)| fields.is_none()).map(|(_, receipt)| *receipt).collect();
        ensure!(nulls.len() == 5, "{all:?}");
        let rows: Vec<_> = all.iter().filter_map(|(fields, receipt)| Some((fields.clone()?, *receipt))).collect();

        // Two instances, of which one has the topic.
        let sink = |name: &str| Sink::of_topics(&namespace, name, std::slice::from_ref(&topic));
        let with_rows = sink("rows")?.config("onNullValue", json!("row")).setting("parallelism", json!(2)).create()?;
        with_rows.wait_until_all_is_acknowledged(LIMIT)?;
        let mut expected = Expected::default();
        expected.extend(all.iter().map(|(fields, receipt)| (fields.clone().unwrap_or_else(row_of_nulls), *receipt)));
        expected.compare(&with_rows, "stock", &[])?;
        with_rows.delete()?;

        let with_letters = sink("letters")?.config("onNullValue", json!("deadLetter")).create()?;
        with_letters.wait_until_all_is_acknowledged(LIMIT)?;
        let mut expected = Expected::default();
        expected.extend(rows.clone());
        expected.compare(&with_letters, "stock", &[])?;
        let letters = letters(services, &topic, nulls.len())?;
        for (letter, receipt) in letters.iter().zip(&nulls) {
            let position = receipt.position;
            let place = format!("{}:{}:{}", position.ledger, position.entry, position.batch_index);
            ensure!(
                letter.reason().starts_with("null-value") && letter.position() == Some(&place),
                "{place}: {letter:?}"
            );
            ensure!(letter.payload.is_empty() && letter.key.as_deref() == Some("gone"), "{letter:?}");
        }
        with_letters.delete()?;

        let at_least_once = sink("least")?.config("deliveryGuarantee", json!("at-least-once"));
        let at_least_once = at_least_once.setting("processingGuarantees", json!("ATLEAST_ONCE")).create()?;
        at_least_once.wait_until_all_is_acknowledged(LIMIT)?;
        let committed = at_least_once.committed_rows()?;
        ensure!(committed >= rows.len() as u64, "{committed} of {} rows", rows.len());
        at_least_once.delete()
    })
}
