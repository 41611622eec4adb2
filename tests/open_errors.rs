//! A configuration that cannot work ends `open` within its time limit, with a text that says what to do: on a bare JVM,
//! and through a functions worker, whose `sinks status` shows it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may end it")]

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdfs_csv_stack::Stack;
use hdfs_csv_tests::{Jvm, Opened, Services, Shared};
use serde_json::{Value, json};

const NAMESPACE: &str = "marketplace/open-errors";
const OTHER: &str = "marketplace/open-errors-other";

/// A case: what is wrong, the sink's configs and its own settings, and what the error must say.
struct Case {
    name: &'static str,
    configs: Value,
    sink: Value,
    says: Vec<&'static str>,
    /// Whether the functions worker can be made to run it.
    through_worker: bool,
}

fn case(name: &'static str, configs: Value, sink: Value, says: &[&'static str], through_worker: bool) -> Case {
    Case { name, configs, sink, says: says.to_vec(), through_worker }
}

/// Configuration folders for a NameNode at this address.
fn hadoop_conf(folder: &Path, address: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let core = format!(
        "<configuration><property><name>fs.defaultFS</name><value>hdfs://{address}</value></property></configuration>"
    );
    std::fs::write(folder.join("core-site.xml"), core).unwrap();
    std::fs::write(folder.join("hdfs-site.xml"), "<configuration/>").unwrap();
    folder.to_str().unwrap().to_owned()
}

fn cases(stack: &Stack, silent: &TcpListener) -> Vec<Case> {
    let conf = stack.hadoop_conf_dir().unwrap().to_str().unwrap().to_owned();
    let made = stack.data_dir().join("open-errors");
    let silent_address = silent.local_addr().unwrap().to_string();
    let silent_conf = hadoop_conf(&made.join("silent"), &silent_address);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let closed_conf = hadoop_conf(&made.join("closed"), &closed);
    let empty = made.join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let with = |directory: &str| json!({ "directory": directory, "hdfsConfigDir": conf, "openTimeout": "10s" });
    let on = |conf: &str| json!({ "directory": "/events", "hdfsConfigDir": conf, "openTimeout": "2s" });
    let mut misspelt = with("/events");
    misspelt["commitIntervall"] = json!("1s");
    let mut several = with("events");
    several["commitInterval"] = json!("soon");
    several["onBadRecord"] = json!("ignore");
    vec![
        case("misspelt key", misspelt, json!({}), &["`commitIntervall` is unknown", "`commitInterval`"], true),
        case(
            "several at once",
            several,
            json!({}),
            &["`directory`", "`commitInterval`", "`onBadRecord`", "deadLetter, skip or fail"],
            true,
        ),
        case("no directory", json!({ "hdfsConfigDir": conf }), json!({}), &["`directory`: it is missing"], true),
        case(
            "directory below a file",
            with("/a-file/events"),
            json!({}),
            &["/a-file/events cannot be used", "not a directory"],
            true,
        ),
        case("read-only directory", with("/read-only"), json!({}), &["/read-only cannot be used", "denied"], false),
        case("directory over its quota", with("/full"), json!({}), &["/full cannot be used", "quota"], true),
        case("unreachable NameNode", on(&closed_conf), json!({}), &["/events cannot be used", "core-site.xml"], true),
        case(
            "NameNode that never answers",
            on(&silent_conf),
            json!({}),
            &["/events cannot be used", "no answer within 2 s"],
            true,
        ),
        case(
            "Hadoop files missing",
            json!({ "directory": "/events", "hdfsConfigDir": empty }),
            json!({}),
            &["`hdfsConfigDir`", "core-site.xml"],
            true,
        ),
        case(
            "at most once",
            with("/events"),
            json!({ "processingGuarantees": "ATMOST_ONCE" }),
            &["ATMOST_ONCE", "processingGuarantees: EFFECTIVELY_ONCE"],
            true,
        ),
        case(
            "guarantee that does not fit the subscription",
            with("/events"),
            json!({ "processingGuarantees": "ATLEAST_ONCE" }),
            &["ATLEAST_ONCE", "deliveryGuarantee: at-least-once"],
            true,
        ),
        case(
            "two topics for one table",
            with("/events"),
            json!({ "inputs": [format!("persistent://{NAMESPACE}/visits"), format!("persistent://{OTHER}/visits")] }),
            &["the same table /events/visits", "tableNamePattern"],
            true,
        ),
        case(
            "topic that is not stored",
            with("/events"),
            json!({ "inputs": [format!("non-persistent://{NAMESPACE}/visits")] }),
            &["Read persistent://marketplace/open-errors/visits instead"],
            true,
        ),
        case(
            "time-out below the commit interval",
            with("/events"),
            json!({ "timeoutMs": 1000 }),
            &["timeoutMs (1000) is below the 240000 ms"],
            false,
        ),
    ]
}

fn make_directories(stack: &Stack) {
    let local = stack.data_dir().join("a-file");
    std::fs::write(&local, "a file\n").unwrap();
    stack.fs_shell(&["-put", local.to_str().unwrap(), "/a-file"]).unwrap();
    stack.fs_shell(&["-mkdir", "-p", "/read-only", "/full", "/events"]).unwrap();
    stack.fs_shell(&["-chmod", "777", "/full", "/events"]).unwrap();
    stack.hdfs_admin(&["-setSpaceQuota", "1k", "/full"]).unwrap();
}

#[test]
fn what_cannot_work_ends_open_in_time_and_says_what_to_do() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let stack = services.stack();
        make_directories(stack);
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let cases = cases(stack, &silent);
        on_a_bare_jvm(stack, &cases);
        through_the_worker(stack, &cases);
        Ok(())
    })
}

fn on_a_bare_jvm(stack: &Stack, cases: &[Case]) {
    // Not the superuser of the cluster: permissions count.
    let mut jvm = Jvm::start(stack.data_dir(), [("HADOOP_USER_NAME", "somebody")]).unwrap();
    for Case { name, configs, sink, says, .. } in cases {
        let mut settings = json!({ "configs": configs, "sink": {
            "tenant": "marketplace", "namespace": "events", "name": "cold", "subscription": "cold",
            "processingGuarantees": "EFFECTIVELY_ONCE", "cleanupSubscription": false, "subscriptionPosition": "Earliest"
        } });
        settings["sink"].as_object_mut().unwrap().extend(sink.as_object().unwrap().clone());
        let Opened { within, kind, message } = jvm.open(&settings).unwrap();
        println!("{name}: {kind} in {within:?}: {message}");
        assert!(kind == "config" || kind == "storage", "{name}: {kind} {message}");
        for text in says {
            assert!(message.contains(text), "{name} should say `{text}`: {message}");
        }
        assert!(within < Duration::from_secs(12), "{name} took {within:?}");
    }
    let conf = stack.hadoop_conf_dir().unwrap();
    let good = json!({ "configs": { "directory": "/events", "hdfsConfigDir": conf }, "sink": {
        "tenant": "t", "namespace": "n", "name": "s", "subscription": "s", "processingGuarantees": "EFFECTIVELY_ONCE"
    } });
    let Opened { kind, message, .. } = jvm.open(&good).unwrap();
    assert_eq!((kind.as_str(), message.as_str()), ("open", ""), "the same JVM opens what can work");
}

fn through_the_worker(stack: &Stack, cases: &[Case]) {
    let admin = stack.admin();
    for namespace in [NAMESPACE, OTHER] {
        admin.create_namespace(namespace).unwrap();
        admin.create_topic(&format!("persistent://{namespace}/visits")).unwrap();
    }
    let cases: Vec<&Case> = cases.iter().filter(|case| case.through_worker).collect();
    assert!(cases.len() >= 8);
    let sink_name = |case: &Case| case.name.replace([' ', '-'], "_");
    for case in &cases {
        let mut config = json!({
            "archive": "builtin://hdfs-csv", "inputs": [format!("persistent://{NAMESPACE}/visits")],
            "processingGuarantees": "EFFECTIVELY_ONCE", "sourceSubscriptionPosition": "Earliest",
            "cleanupSubscription": false, "configs": case.configs,
        });
        config.as_object_mut().unwrap().extend(case.sink.as_object().unwrap().clone());
        admin
            .create_sink(NAMESPACE, &sink_name(case), &config)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
    for case in cases {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let status = admin.sink_status(NAMESPACE, &sink_name(case)).unwrap();
            let shown = status["instances"][0]["status"]["error"].as_str().unwrap_or_default().to_owned();
            if case.says.iter().all(|text| shown.contains(text)) {
                break;
            }
            assert!(Instant::now() < deadline, "{}: sinks status shows {status}", case.name);
            std::thread::sleep(Duration::from_millis(200));
        }
        admin.delete_sink(NAMESPACE, &sink_name(case)).unwrap();
    }
}
