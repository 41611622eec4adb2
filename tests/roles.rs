//! A Pulsar that asks who is there: a sink has the role of who made it, and only that role's rights.

use anyhow::{Result, ensure};
use hdfs_csv_stack::{Error, Runtime, Stack};
use hdfs_csv_tests::{LIMIT, QUICK_START, Services, Sink, backlog, letters, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const COUNT: u64 = 500;
const ROLE: &str = "etl";

#[test]
fn a_sink_works_where_subscriptions_must_begin_with_its_role_and_says_so_where_its_own_do_not() -> Result<()> {
    let stack = Stack::builder().name("roles").runtime(Runtime::Process).function_java_option(QUICK_START).roles(true);
    let services = Services::start(stack)?;
    services.run(|services| {
        let namespace = services.namespace("guarded")?;
        let admin = services.stack().admin();
        let of_namespace = |what: &str| format!("/admin/v2/namespaces/{}/{what}", namespace.full_name());
        admin.post(&of_namespace("subscriptionAuthMode"), &json!("Prefix"))?;
        admin.post(&of_namespace(&format!("permissions/{ROLE}")), &json!(["produce", "consume", "sinks"]))?;
        namespace.fill(KIND, COUNT)?;
        // Cut off: a dead letter, whose topic has a subscription of the sink's own.
        let topic = namespace.topic(KIND);
        backlog::send(services, &[(topic.clone(), Some(KIND.schema_text().to_owned()))], [Ok((0, vec![0x80]))])?;

        let sink = |name: &str| -> Result<Sink<'_>> {
            Ok(Sink::new(&namespace, name, &[KIND])?
                .role(ROLE)
                .setting("sourceSubscriptionName", json!(format!("{ROLE}-{name}"))))
        };
        let cold = sink("cold")?.config("subscriptionRolePrefix", json!(ROLE)).create()?;
        cold.wait_until_all_is_acknowledged(LIMIT)?;
        let rows = cold.committed_rows()?;
        ensure!(rows == COUNT, "{rows} rows are in the table");
        ensure!(letters(services, &topic, 1)?.len() == 1);
        let kept_by = admin.subscriptions(&format!("{topic}-hdfs-csv-dlq"))?;
        ensure!(kept_by == [format!("{ROLE}-hdfs-csv-replay")], "{kept_by:?}");

        let without = sink("without")?.create()?;
        until("the sink without the prefix says what is missing", LIMIT, || {
            let log = without.log();
            ensure!(log.contains("subscriptionRolePrefix"), "{log}");
            Ok(())
        })?;
        ensure!(without.committed_rows()? == 0, "it reads by subscriptions that the namespace refuses");
        let refused = sink("foreign")?.role("stranger").create();
        let is_refused =
            |error: &anyhow::Error| matches!(error.downcast_ref(), Some(Error::Admin { status: Some(401 | 403), .. }));
        ensure!(refused.as_ref().err().is_some_and(is_refused), "{:?}", refused.map(|_| "it was made"));
        Ok(())
    })
}
