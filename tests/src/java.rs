//! Messages that the tests' own client cannot send, by Pulsar's Java client.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::services::Services;
use crate::shared::{QUICK_START, repository};

/// Sends messages with `tests/oracle/Tombstone.java`, which says what a payload may be. Several are one batch.
pub fn send_by_java(services: &Services, topic: &str, payloads: &[String]) -> Result<()> {
    let pulsar = services.stack().pulsar();
    let mut java = Command::new("java");
    if let Ok(security) = pulsar.security() {
        java.arg(format!("-DauthParams={}", security.operators_parameter()));
    }
    java.args([QUICK_START, "-cp"])
        .arg(pulsar.home().join("lib/*"))
        .arg(repository().join("tests/oracle/Tombstone.java"))
        .args([&pulsar.service_url(), topic])
        .args(payloads);
    let output = java.output().context("java cannot be run")?;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success() && out.matches("position").count() == payloads.len(), "{out}{errors}");
    Ok(())
}
