//! The page that leads from nothing to a sink on a cluster with Kerberos and two NameNodes, as its reader goes through it.

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{LIMIT, Page, Services, connector, until};
use serde_json::Value;

const PAGE: &str = "docs/use/secured-cluster.md";
const EVENTS: u64 = 1_000;

#[test]
fn the_commands_of_the_page_lead_to_rows_on_a_cluster_with_kerberos_and_two_name_nodes() -> Result<()> {
    let stack = Stack::builder().name("secured-cluster").high_availability(true).kerberos(true);
    let services = Services::start(stack.runtime(Runtime::Process))?;
    services.run(|services| {
        let stack = services.stack();
        let (kdc, state) = (stack.kdc()?, stack.state());
        let keytab = services.scratch("hdfs-csv.keytab").display().to_string();
        let mut page = Page::read(
            services,
            PAGE,
            &[
                ("PRINCIPAL", kdc.principal("hdfs-csv")),
                ("KEYTAB", keytab.clone()),
                ("SUPERUSER", kdc.superuser()),
                ("SUPERUSER_KEYTAB", kdc.superusers_keytab().display().to_string()),
                ("HADOOP_CONF_DIR", services.hadoop_conf()?),
                ("DIRECTORY", "/events".to_owned()),
                ("CONNECTORS", stack.connectors().display().to_string()),
                ("ARCHIVE", connector()?.display().to_string()),
                ("SERVICE_URL", state.service_url.clone()),
            ],
        )?;
        let krb5 = kdc.krb5_conf().display().to_string();
        // Here it is not at its usual place.
        page.variable("JAVA_TOOL_OPTIONS", &format!("-Djava.security.krb5.conf={krb5}"));
        page.variable("KRB5CCNAME", &format!("FILE:{}", page.folder().join("tickets").display()));
        for name in ["kinit", "kdestroy", "kadmin.local"] {
            page.program(name, &kdc.program(name), 0)?;
        }
        page.program("hdfs", &state.fs_shell()?, 1)?;
        page.program("hdfs-csv", &services.command()?, 0)?;
        page.program("pulsar-admin", &state.pulsar_admin(None)?, 0)?;
        let said = page.run()?;
        println!("{said}");
        ensure!(said.contains("hdfs-csv"), "the connector is not among those that are there: {said}");

        until("every event is a row", LIMIT, || {
            let mut verify = services.command()?;
            verify.args(["verify", "--json", "--directory", "/events"]);
            let output = verify
                .args(["--kerberos-principal", &kdc.principal("hdfs-csv"), "--kerberos-keytab", &keytab])
                .output()?;
            let reports: Value = serde_json::from_slice(&output.stdout).context("no report")?;
            ensure!(output.status.success() && reports[0]["rows"] == EVENTS, "{reports}");
            Ok(())
        })?;
        let owned = stack.fs_shell(&["-ls", "/events/searching"])?;
        ensure!(owned.lines().skip(1).all(|line| line.contains(" hdfs-csv ")), "not all is the principal's:\n{owned}");
        Ok(())
    })
}
