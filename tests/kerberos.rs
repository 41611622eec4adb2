//! An HDFS that wants proof of who is there: each sink is who its own configuration says, whatever is protected, and goes on when
//! its tickets end. With `KERBEROS_MINUTES` tickets last two minutes, traffic goes on for so long, and then the KDC is away for three.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Hive, Kdc, Runtime, Stack};
use hdfs_csv_tests::{Comparison, Flow, Jvm, LIMIT, Opened, Relay, Services, Sink, Traffic, setting, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::{Value, json};

const KINDS: [EventKind; 2] = [EventKind::Searching, EventKind::PageVisit];
/// Below the 27 s that the Kerberos library waits for a KDC.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);
/// A connection on which nothing is said for so long is cut: what follows proves anew who it is.
const IDLE: Duration = Duration::from_millis(700);
/// A record is committed within this, unless something goes wrong.
const ON_TIME: Duration = Duration::from_secs(15);
/// A sink is gone within this after it was stopped.
const CLOSED: Duration = Duration::from_secs(10);
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the KDC is away where tickets last two minutes.
const AWAY: Duration = Duration::from_secs(180);
const SILENT_KDC: &str = "does a KDC of Kerberos, one of those that krb5.conf names, take connections and not answer?";
/// A directory whose files are erasure-coded.
const CODED: &str = "/coded";
const RETRIED: &str = "nothing is lost, it is tried again";

/// What is protected of what clients say to HDFS: settings that everyone has.
const PROTECTIONS: [(&str, &[(&str, &str)]); 3] = [
    ("integrity", &[("hadoop.rpc.protection", "integrity"), ("dfs.data.transfer.protection", "integrity")]),
    ("privacy", &[("hadoop.rpc.protection", "privacy"), ("dfs.data.transfer.protection", "privacy")]),
    (
        "encrypted data",
        &[("dfs.encrypt.data.transfer", "true"), ("dfs.encrypt.data.transfer.cipher.suites", "AES/CTR/NoPadding")],
    ),
];

#[test]
fn each_sink_is_who_its_configuration_says_and_goes_on_when_its_tickets_end() -> Result<()> {
    let minutes: u64 = setting("KERBEROS_MINUTES", 0)?;
    let services = Services::start(
        Stack::builder()
            .name("kerberos")
            .kerberos(true)
            .kms(true)
            .hive(true)
            .hive_tls(true)
            .data_nodes(2)
            .replication(1)
            .runtime(Runtime::Thread),
    )?;
    services.run(|services| {
        let name_node = services.stack().name_node()?;
        let relay = Relay::start_cutting(services, name_node.rpc_port(), IDLE)?;
        let [own, relays] = [name_node.rpc_port(), relay.port()].map(|port| format!("127.0.0.1:{port}"));
        let client_folder = services.hadoop_conf_changed("through-relay", |text| text.replace(&own, &relays))?;
        let kdc = services.stack().kdc()?;
        let lifetime = if minutes > 0 { "2 minutes" } else { "30 seconds" };
        let users = ["alice", "bob"].map(|name| User::add(services, name, lifetime));
        let [alice, bob] = users;
        let (alice, bob) = (alice?, bob?);
        services.stack().make_encryption_zone("alices", &alice.directory())?;

        let namespace = services.namespace("kerberos")?;
        let flow = |kind| Flow { kind, batch: 20, every: Duration::from_millis(200) };
        let traffic = Traffic::start(&namespace, &KINDS.map(flow))?;
        traffic.wait_for_more(100, LIMIT)?;
        let hive = services.stack().hive()?;
        let sink = |user: &User| -> Result<Sink<'_>> {
            let sink = user.writes(Sink::new(&namespace, user.name, &KINDS)?, &client_folder);
            let sink = sink.config("hiveMetastoreUris", json!(hive.metastore().uri_of_its_principal()));
            Ok(sink.config("hiveMetastoreTls", json!(services.stack().metastores_certificate()?)))
        };
        let of_alice = sink(&alice)?.config("hiveMetastorePrincipal", json!(kdc.principal("hive/_HOST")));
        let sinks = [of_alice.create()?, sink(&bob)?.create()?];
        wait_for_commits(&sinks, "the start")?;
        hive_is_told(hive, "Kerberos and TLS", 0)?;
        until("a metastore that is told without proof", LIMIT, || {
            ensure!(sinks[1].worker_log().contains("with Kerberos (set hiveMetastorePrincipal)"), "it is not told");
            Ok(())
        })?;
        what_cannot_work_says_so(services, &alice)?;
        a_silent_kdc_stops_nothing_else(services, &sinks, &alice)?;
        // It has no token any more that it gave.
        let kms = services.stack().kms()?;
        kms.stop()?;
        until("a request that has a token is told without it", LIMIT, || {
            ensure!(sinks[0].worker_log().contains("delegation=***"), "it is not told");
            Ok(())
        })?;
        kms.start()?;
        wait_for_commits(&sinks, "the key server knows no token")?;
        for (name, settings) in PROTECTIONS {
            services.stack().change_hdfs(settings)?;
            wait_for_commits(&sinks, name)?;
        }
        // A metastore with TLS does not let Kerberos encrypt, nor its calls to HDFS.
        hive.change(&[("metastore.use.SSL", "false")])?;
        let partitions = hive_is_told(hive, "what it was told with TLS", 0)?;
        let [of_alice, of_bob] = sinks;
        let sinks = [of_alice.config("hiveMetastoreTls", json!("none")), of_bob];
        sinks[0].update()?;
        hive_is_told(hive, "Kerberos that encrypts", partitions)?;
        stays_on_time(kdc, &sinks, Duration::from_secs(if minutes > 0 { minutes * 60 } else { 70 }))?;
        if minutes > 0 {
            go_on_after_a_kdc_was_away(services, &sinks)?;
        }

        let sent = traffic.stop()?;
        for (sink, user) in sinks.iter().zip([&alice, &bob]) {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            let summary = Comparison::of(sink).with_records(&sent.records).run()?;
            ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
            sink.delete()?;
            user.owns_its_files(services)?;
            user.is_told_nowhere(services)?;
        }
        Ok(())
    })
}

/// Somebody with a key, and a directory that nobody else may look into.
struct User {
    name: &'static str,
    principal: String,
    keytab: PathBuf,
}

impl User {
    fn add(services: &Services, name: &'static str, lifetime: &str) -> Result<User> {
        let kdc = services.stack().kdc()?;
        let user = User { name, principal: kdc.principal(name), keytab: kdc.add(name, lifetime)? };
        let directory = user.directory();
        services.stack().fs_shell(&["-mkdir", "-p", &directory])?;
        services.stack().fs_shell(&["-chown", name, &directory])?;
        services.stack().fs_shell(&["-chmod", "700", &directory])?;
        Ok(user)
    }

    fn directory(&self) -> String {
        format!("/of-{}", self.name)
    }

    /// The keys that say who a sink is.
    fn keys(&self) -> Value {
        json!({ "kerberosPrincipal": self.principal, "kerberosKeytab": self.keytab })
    }

    fn writes<'a>(&self, sink: Sink<'a>, client_folder: &str) -> Sink<'a> {
        sink.config("directory", json!(self.directory()))
            .config("hdfsConfigDir", json!(client_folder))
            .config("kerberosPrincipal", json!(self.principal))
            .config("kerberosKeytab", json!(self.keytab))
            .config("operationTimeout", json!(format!("{}s", OPERATION_TIMEOUT.as_secs())))
            .config("commitInterval", json!(format!("{}s", COMMIT_INTERVAL.as_secs())))
    }

    fn owns_its_files(&self, services: &Services) -> Result<()> {
        let listed = services.stack().fs_shell(&["-ls", "-R", &self.directory()])?;
        // HDFS makes that in an encryption zone.
        let made = listed.lines().filter(|line| !line.ends_with("/.Trash"));
        let owners: Vec<_> = made.filter_map(|line| line.split_whitespace().nth(2)).collect();
        ensure!(owners.len() > 10, "there are few files:\n{listed}");
        ensure!(owners.iter().all(|owner| *owner == self.name), "not all are {}'s:\n{listed}", self.name);
        Ok(())
    }

    /// The key is in no log.
    fn is_told_nowhere(&self, services: &Services) -> Result<()> {
        use base64::engine::{Engine, general_purpose::STANDARD};
        let bytes = std::fs::read(&self.keytab)?;
        // The last entry ends with its key, of 256 bits, and perhaps the key's version.
        let key =
            bytes.len().checked_sub(36).and_then(|begin| bytes.get(begin..begin + 32)).context("a short keytab")?;
        let hex = key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for log in files(&services.stack().log_dir())? {
            let text = std::fs::read(&log)?;
            for secret in [key, hex.as_bytes(), STANDARD.encode(key).as_bytes()] {
                let told = text.windows(secret.len()).any(|part| part.eq_ignore_ascii_case(secret));
                ensure!(!told, "{} has the key of {}", log.display(), self.name);
            }
            // Tokens for keys are in the addresses of requests.
            for line in String::from_utf8_lossy(&text).lines().filter(|line| line.contains("hdfs-csv-")) {
                let told = line.replace("delegation=***", "").contains("delegation=");
                ensure!(!told, "{} has a token: {line}", log.display());
            }
        }
        Ok(())
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Waits until each sink has committed something that it began to commit after now, or about then.
fn wait_for_commits(sinks: &[Sink<'_>], when: &str) -> Result<()> {
    let (began, since) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    for sink in sinks {
        until(&format!("{} commits: {when}", sink.directory()), LIMIT, || {
            let last = sink.gauge("last_commit_timestamp_seconds")?;
            ensure!(last > since as f64 + 1.0, "the last commit was {} s before", since as f64 - last);
            Ok(())
        })?;
    }
    println!("{when}: all commit within {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Waits until a metastore has been told of more partitions of each table than so many; of how many.
fn hive_is_told(hive: &Hive, how: &str, more_than: usize) -> Result<usize> {
    let mut most = more_than;
    for kind in KINDS {
        until(&format!("partitions of {} are in Hive: {how}", kind.name()), LIMIT, || {
            // Nothing of it is read from HDFS: what leads there cuts connections, which Hive does not bear.
            let partitions = hive.query(&[&format!("SHOW PARTITIONS {}", kind.name())])?.len();
            ensure!(partitions > more_than, "there are {partitions}, and {more_than} before");
            most = most.max(partitions);
            Ok(())
        })?;
    }
    println!("{how}: Hive has up to {most} partitions");
    Ok(most)
}

/// Tickets end and are renewed, and no call has to be tried again, and no record waits.
fn stays_on_time(kdc: &Kdc, sinks: &[Sink<'_>], so_long: Duration) -> Result<()> {
    for sink in sinks {
        until("what was held back is committed", LIMIT, || {
            let waits = sink.gauge("oldest_uncommitted_seconds")?;
            ensure!(waits < ON_TIME.as_secs_f64(), "a record waits for {waits} s");
            Ok(())
        })?;
    }
    let retries = |sink: &Sink<'_>| sink.worker_log().matches(RETRIED).count();
    let logins = || ["alice", "bob"].map(|name| kdc.logins(name).unwrap_or_default());
    let (began, first, before) = (Instant::now(), retries(&sinks[0]), logins());
    let mut longest = BTreeMap::<String, f64>::new();
    while began.elapsed() < so_long {
        for sink in sinks {
            let waited = sink.gauge("oldest_uncommitted_seconds")?;
            let longest = longest.entry(sink.directory()).or_default();
            *longest = longest.max(waited);
        }
        sleep(Duration::from_secs(1));
    }
    let (renewed, tried_again) = (logins(), retries(&sinks[0]) - first);
    println!(
        "{so_long:?}: keys were used {before:?}, then {renewed:?} times; the longest waits {longest:?}; {tried_again} retries"
    );
    ensure!(tried_again == 0, "{tried_again} calls were tried again");
    ensure!(longest.values().all(|waited| *waited < ON_TIME.as_secs_f64()), "records waited too long: {longest:?}");
    ensure!(before.iter().zip(&renewed).all(|(before, after)| after > &(before + 1)), "tickets were not renewed");
    Ok(())
}

/// While the KDC stands still, sinks tell how they are, one can be stopped, and one that opens says why it cannot. When it goes
/// on, so do they.
fn a_silent_kdc_stops_nothing_else(services: &Services, sinks: &[Sink<'_>; 2], user: &User) -> Result<()> {
    let stack = services.stack();
    let kdc = stack.kdc()?.pid().context("the KDC has no process")?;
    let [going_on, stopped] = sinks;
    let told = going_on.worker_log().matches(SILENT_KDC).count();
    stack.pause(kdc)?;
    let silent = Instant::now();
    until("a commit waits for the KDC", LIMIT, || {
        let now = going_on.worker_log().matches(SILENT_KDC).count();
        ensure!(now > told, "it is told {now} times, as before");
        Ok(())
    })?;
    println!("the KDC stood still for {:.1} s when the first call was given up", silent.elapsed().as_secs_f64());
    for sink in sinks {
        until("it is told that all is held back", LIMIT, || {
            let held_back = sink.gauge("source_partitions_held_back")?;
            ensure!(held_back == KINDS.len() as f64, "{held_back} source partitions are");
            Ok(())
        })?;
    }
    let began = Instant::now();
    stopped.stop()?;
    until("the sink's end", LIMIT, || {
        let threads = threads_of(stack, stopped)?;
        ensure!(threads == 0, "{threads} consumers are left");
        Ok(())
    })?;
    println!("a sink is gone {:.1} s after its stop, while the KDC stands still", began.elapsed().as_secs_f64());
    ensure!(began.elapsed() < CLOSED, "it took {:?}", began.elapsed());

    let mut jvm = jvm(services, &[])?;
    let opened = jvm.open(&settings(services, user.keys())?)?;
    says("a KDC that is silent", &opened, "storage", SILENT_KDC)?;
    stack.resume(kdc)?;
    stopped.start()?;
    wait_for_commits(sinks, "the KDC is back")
}

/// The KDC stands still for longer than a ticket lasts. Sinks tell how they are meanwhile, and go on when it does.
fn go_on_after_a_kdc_was_away(services: &Services, sinks: &[Sink<'_>]) -> Result<()> {
    let stack = services.stack();
    let kdc = stack.kdc()?.pid().context("the KDC has no process")?;
    stack.pause(kdc)?;
    let (began, mut longest) = (Instant::now(), 0.0_f64);
    let mut look = || -> Result<()> {
        while began.elapsed() < AWAY {
            for sink in sinks {
                longest = longest.max(sink.gauge("oldest_uncommitted_seconds")?);
            }
            sleep(Duration::from_secs(1));
        }
        Ok(())
    };
    let looked = look();
    stack.resume(kdc)?;
    looked?;
    println!("the KDC stood still for {AWAY:?}; the longest that a record waited then: {longest} s");
    ensure!(longest > COMMIT_INTERVAL.as_secs_f64() * 2.0, "nothing waited for the KDC: {longest} s");
    wait_for_commits(sinks, "the KDC was away at a renewal")
}

/// How many consumers a sink has.
fn threads_of(stack: &Stack, sink: &Sink<'_>) -> Result<usize> {
    let mut consumers = 0;
    for kind in sink.kinds() {
        let stats = stack.admin().topic_stats(&sink.namespace().topic(*kind))?;
        consumers += stats["subscriptions"][sink.subscription()]["consumers"].as_array().map_or(0, Vec::len);
    }
    Ok(consumers)
}

/// A JVM in the environment of a client of this HDFS, with some variables changed.
fn jvm(services: &Services, changes: &[(&str, &str)]) -> Result<Jvm> {
    let kdc = services.stack().kdc()?;
    let given = kdc.environment().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // Nobody's: what is asked for with a keytab must not be found there.
    let cache = ("KRB5CCNAME", "FILE:/nowhere");
    Jvm::start(services.stack().data_dir(), given.chain([cache]).chain(changes.iter().copied()))
}

/// What `open` is given, with these configs besides.
fn settings(services: &Services, configs: Value) -> Result<Value> {
    let mut all = json!({
        "directory": "/of-alice", "hdfsConfigDir": services.hadoop_conf()?, "openTimeout": format!("{}s", OPEN_TIMEOUT.as_secs())
    });
    let given = configs.as_object().context("configs are an object")?.clone();
    all.as_object_mut().context("configs are an object")?.extend(given);
    Ok(json!({ "configs": all, "sink": {
        "tenant": "marketplace", "namespace": "events", "name": "cold", "subscription": "cold",
        "processingGuarantees": "EFFECTIVELY_ONCE", "cleanupSubscription": false, "subscriptionPosition": "Earliest"
    } }))
}

/// That an `open` ended in time, and so.
fn says(what: &str, opened: &Opened, kind: &str, text: &str) -> Result<()> {
    println!("{what}: {} in {:.1} s: {}", opened.kind, opened.within.as_secs_f64(), opened.message);
    ensure!(opened.kind == kind, "{what}: {opened:?}");
    ensure!(opened.message.contains(text), "{what} should say `{text}`: {}", opened.message);
    ensure!(opened.within < OPEN_TIMEOUT + Duration::from_secs(2), "{what} took {:?}", opened.within);
    Ok(())
}

/// Each thing that can be wrong with who a sink is to be ends `open` in time, and has words of its own.
fn what_cannot_work_says_so(services: &Services, alice: &User) -> Result<()> {
    let kdc = services.stack().kdc()?;
    let scratch = |name: &str| services.scratch(name).to_string_lossy().into_owned();
    let of = |name: &str| -> Result<Value> {
        Ok(json!({ "kerberosPrincipal": kdc.principal(name), "kerberosKeytab": kdc.add(name, "1 hour")? }))
    };
    let with_keytab = |path: &str| json!({ "kerberosPrincipal": alice.principal, "kerberosKeytab": path });
    std::fs::write(scratch("text.keytab"), "no keytab")?;
    let (unknown, old) = (of("unknown")?, of("old")?);
    services.stack().fs_shell(&["-mkdir", "-p", CODED])?;
    services.stack().fs_shell(&["-chown", alice.name, CODED])?;
    services.stack().erasure_code(CODED, "XOR-2-1-1024k")?;
    let mut coded = alice.keys();
    coded["directory"] = json!(CODED);
    kdc.admin("delprinc -force unknown")?;
    kdc.admin("cpw -randkey old")?;
    let simple = simple_folder(services, &scratch("simple"))?;
    let with_simple = |mut keys: Value| {
        keys["hdfsConfigDir"] = json!(simple);
        keys
    };

    let mut usual = jvm(services, &[])?;
    for (what, keys, kind, text) in [
        ("no keytab", with_keytab(&scratch("missing.keytab")), "config", "does not exist where the sink runs"),
        ("a keytab that cannot be read", with_keytab(&scratch("")), "config", "cannot be read: "),
        ("something else than a keytab", with_keytab(&scratch("text.keytab")), "config", "is no keytab, or is cut off"),
        (
            "another's keytab",
            with_keytab(&kdc.superusers_keytab().to_string_lossy()),
            "config",
            "has no key of alice@STACK",
        ),
        ("an unknown principal", unknown, "storage", "the KDC does not know the principal"),
        ("an old key", old, "storage", "the keytab's key is not the principal's key any more"),
        ("a folder without Kerberos", with_simple(alice.keys()), "config", "kerberosPrincipal is set, and"),
        ("Kerberos without a word of it", with_simple(json!({})), "storage", "as one does that wants Kerberos"),
        ("a user's name alone", json!({ "hdfsUser": "alice" }), "config", "hdfsUser is for HDFS without Kerberos"),
        ("no ticket", json!({}), "storage", "there is no ticket"),
        ("no ticket of this principal", json!({ "kerberosPrincipal": "alice" }), "storage", "there is no ticket"),
        ("an erasure-coded directory", coded, "storage", "hdfs ec -setPolicy -replicate"),
        ("the right keytab", alice.keys(), "open", ""),
    ] {
        says(what, &usual.open(&settings(services, keys)?)?, kind, text)?;
    }

    let cache = scratch("alice.tickets");
    kdc.ticket("alice", &alice.keytab, Path::new(&cache))?;
    let mut with_ticket = jvm(services, &[("KRB5CCNAME", &format!("FILE:{cache}"))])?;
    for keys in [json!({}), json!({ "kerberosPrincipal": alice.principal })] {
        says("a ticket", &with_ticket.open(&settings(services, keys)?)?, "open", "")?;
    }

    let lacking = scratch("no-realms.conf");
    std::fs::write(&lacking, "[libdefaults]\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n")?;
    let exact = scratch("exact-time.conf");
    let conf = std::fs::read_to_string(kdc.krb5_conf())?;
    std::fs::write(&exact, conf.replace("[libdefaults]", "[libdefaults]\n  kdc_timesync = 0"))?;
    let broken = services.scratch("libraries");
    std::fs::create_dir_all(&broken)?;
    std::fs::write(broken.join("libgssapi_krb5.so.2"), "no library")?;
    let (broken, shifter) = (broken.to_string_lossy(), kdc.clock_shifter());
    let shifter = shifter.to_string_lossy();
    let late =
        [("KRB5_CONFIG", &*exact), ("LD_PRELOAD", &*shifter), ("FAKETIME", "+20m"), ("DONT_FAKE_MONOTONIC", "1")];
    for (what, environment, text) in [
        ("no krb5.conf", &[("KRB5_CONFIG", "/nowhere")][..], "has no KDC of the realm"),
        ("a krb5.conf without the realm", &[("KRB5_CONFIG", &*lacking)], "has no KDC of the realm"),
        ("no Kerberos library", &[("LD_LIBRARY_PATH", &*broken)], "libgssapi_krb5.so.2 cannot be loaded"),
        ("a clock that is late", &late, "clock and the KDC's are too far apart"),
    ] {
        says(what, &jvm(services, environment)?.open(&settings(services, alice.keys())?)?, "storage", text)?;
    }
    Ok(())
}

/// A client's folder that leads to the same HDFS and says nothing of Kerberos.
fn simple_folder(services: &Services, folder: &str) -> Result<String> {
    std::fs::create_dir_all(folder)?;
    let url = services.stack().name_node()?.url();
    let core = format!("<property><name>fs.defaultFS</name><value>{url}</value></property>");
    std::fs::write(Path::new(folder).join("core-site.xml"), format!("<configuration>{core}</configuration>"))?;
    Ok(folder.to_owned())
}
