//! What Pulsar's own classes make of `deploy/kubernetes-runtime/`, without a cluster.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::artifacts;
use hdfs_csv_tests::{QUICK_START, in_turn, repository};
use serde_json::{Value, json};

/// The StatefulSet that Pulsar's Kubernetes runtime would ask for.
fn stateful_set() -> Result<Value> {
    let deploy = repository().join("deploy");
    let mut java = Command::new("java");
    java.args([QUICK_START, "-cp"]).arg(artifacts::pulsar_home()?.join("lib/*"));
    java.arg(deploy.join("check/KubernetesPod.java"));
    java.args(["functions_worker.yml", "sink.yaml"].map(|name| deploy.join("kubernetes-runtime").join(name)));
    let output = java.output().context("java cannot be run")?;
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{java:?}: {}\n{printed}{errors}", output.status);
    // Lines before the last one are of Pulsar's log.
    let line = printed.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("{printed}{errors}"))
}

#[test]
fn the_pod_of_pulsars_kubernetes_runtime_is_what_the_page_says() -> Result<()> {
    in_turn(|| {
        let set = stateful_set()?;
        let pod = "/spec/template/spec";
        let container = &format!("{pod}/containers/0");
        let user = json!({ "secretKeyRef": { "name": "hdfs-csv-user", "key": "name" } });
        let memory = json!({ "cpu": "2", "memory": ((1_u64 << 30) * 160 / 100).to_string() });
        for (place, wanted) in [
            ("/metadata/namespace".to_owned(), json!("pulsar")),
            (format!("{container}/image"), json!("registry.example.com/pulsar-hdfs-csv-settings:0.1.0")),
            // The file's own resources, with the worker's padding; customRuntimeOptions have the limit of processors.
            (format!("{container}/resources/limits"), memory),
            (format!("{container}/resources/requests/cpu"), json!("500m")),
            (format!("{container}/env/1/name"), json!("HADOOP_USER_NAME")),
            (format!("{container}/env/1/valueFrom"), user),
            ("/spec/template/metadata/labels/app.kubernetes.io~1name".to_owned(), json!("hdfs-csv")),
            ("/spec/template/metadata/labels/app.kubernetes.io~1part-of".to_owned(), json!("pulsar")),
            (format!("{pod}/nodeSelector"), json!({ "kubernetes.io/os": "linux" })),
            // What it cannot do.
            (format!("{pod}/terminationGracePeriodSeconds"), json!(0)),
            (format!("{pod}/volumes"), Value::Null),
            (format!("{container}/volumeMounts"), Value::Null),
            (format!("{container}/livenessProbe"), Value::Null),
            (format!("{container}/readinessProbe"), Value::Null),
        ] {
            let is = set.pointer(&place).unwrap_or(&Value::Null);
            ensure!(*is == wanted, "{place} is {is} and not {wanted}");
        }
        let command = set.pointer(&format!("{container}/command/2")).and_then(Value::as_str).unwrap_or_default();
        for word in [
            " functions download --tenant marketplace --namespace events --name cold ",
            " --destination-file /pulsar/download/pulsar_functions/sink.nar ",
            " -Xmx1073741824 ",
            "\"subscriptionType\":\"FAILOVER\"",
            "\"className\":\"io.hdfscsv.pulsar.HdfsCsvSink\"",
        ] {
            ensure!(command.contains(word), "no {word} in {command}");
        }
        Ok(())
    })
}
