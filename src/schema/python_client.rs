//! What Pulsar's Python client writes, and what it reads back itself (tests/oracle/python_client.py).

use std::collections::BTreeSet;
use std::path::Path;

use crate::schema::corpus::{differences, lines};
use crate::schema::fastavro::{FASTAVRO, package, python};

const PULSAR_CLIENT: &str = "pulsar-client==3.8.0";

#[test]
#[ignore = "needs python3, and pip to fetch pulsar-client once: cargo test --lib -- --ignored python_client"]
fn rows_are_what_the_client_reads_back() {
    let packages = [package(PULSAR_CLIENT), package(FASTAVRO)].join(":");
    let corpus = lines(&python(&packages, "python_client.py", None::<&Path>));
    let classes =
        |of: &str| -> BTreeSet<&str> { corpus.iter().filter_map(|line| line.name.strip_suffix(of)).collect() };
    let (avro, json) = (classes("/AVRO"), classes("/JSON"));
    let both = avro.intersection(&json);
    let (random, written): (Vec<&str>, Vec<&str>) = both.copied().partition(|name| name.starts_with("Random"));
    assert!(written.len() >= 40 && random.len() >= 100, "{written:?} {random:?}");
    assert_eq!(differences(&corpus), Vec::<String>::new(), "of {} payloads", corpus.len());
}
