//! What must hold between keys, and between them and what the functions worker says of the sink. Each says what is wrong.

use std::time::Duration;

use crate::config::settings::{Guarantee, SinkSettings};
use crate::config::tables::Tables;
use crate::topic::TopicName;

/// Each topic that is known now gets a table, and none the table of another.
pub(super) fn check_tables(sink: &SinkSettings, directory: &str, pattern: &str, in_hive: bool) -> Vec<String> {
    let mut tables = Tables::default();
    let claims = sink.inputs.iter().map(|input| match TopicName::parse(input) {
        Ok(name) => tables.claim(&name, directory, pattern, in_hive).map(drop),
        Err(error) => Err(format!("the sink's inputs: {error}")),
    });
    claims.filter_map(Result::err).collect()
}

/// What is not acknowledged for longer than `timeoutMs` is sent again.
pub(super) fn check_timeout(sink: &SinkSettings, longest_wait: Duration) -> Result<(), String> {
    let longest = longest_wait.as_millis();
    match sink.timeout_ms.filter(|timeout| *timeout > 0 && u128::from(*timeout) < longest) {
        None => Ok(()),
        Some(timeout) => Err(format!(
            "the sink's timeoutMs ({timeout}) is below the {longest} ms that a record can wait for its acknowledgement: records \
             would be sent again for ever. Remove timeoutMs"
        )),
    }
}

/// Under exactly once every topic that is known now must be persistent.
pub(super) fn check_inputs_are_persistent(sink: &SinkSettings) -> Vec<String> {
    let names = sink.inputs.iter().filter_map(|input| TopicName::parse(input).ok());
    names.filter_map(|name| check_persistence(&name).err()).collect()
}

/// A topic that is not persistent has no positions that a mark could be.
pub(crate) fn check_persistence(topic: &TopicName) -> Result<(), String> {
    if topic.is_persistent() {
        return Ok(());
    }
    Err(format!(
        "topic {topic} is not persistent: its messages are not stored, so what was committed cannot be told from what was not. Read \
         persistent://{}/{}/{} instead, or use processingGuarantees: ATLEAST_ONCE with deliveryGuarantee: at-least-once, under which \
         messages are lost whenever the sink is away",
        topic.tenant, topic.namespace, topic.local
    ))
}

/// What is promised needs what the worker is told.
pub(super) fn check_guarantee(guarantee: Guarantee, sink: &SinkSettings) -> Result<(), String> {
    let given = sink.processing_guarantees.as_str();
    let (promise, needed) = match guarantee {
        Guarantee::ExactlyOnce => ("exactly-once", "EFFECTIVELY_ONCE"),
        Guarantee::AtLeastOnce => ("at-least-once", "ATLEAST_ONCE"),
    };
    if given == needed {
        return Ok(());
    }
    let or = match given {
        "ATLEAST_ONCE" => "; or set deliveryGuarantee: at-least-once, which allows duplicates",
        "EFFECTIVELY_ONCE" => "; or set deliveryGuarantee: exactly-once",
        _ => "",
    };
    Err(format!(
        "the sink's processingGuarantees is {given}, but deliveryGuarantee: {promise} needs {needed}. Set processingGuarantees: \
         {needed} in the sink's configuration, or create the sink with --processing-guarantees {needed}{or}"
    ))
}
