//! A Pulsar that asks who is there, by TLS: a sink and the commands work with the rights that docs/operate/security.md names, each
//! says which one is missing, and no token is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hdfs_csv_stack::{Admin, Error, Runtime, Security, Stack};
use hdfs_csv_tests::{
    Comparison, LIMIT, Namespace, QUICK_START, Services, Sink, backlog, files_below, letters, send_by_java, until,
};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::topic::read_all;
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const COUNT: u64 = 500;
/// The sink's role.
const SINK: &str = "etl";
/// The role of `status`, `watermark` and `audit`.
const AUDITOR: &str = "auditor";
/// The role of `replay`.
const MENDER: &str = "mender";
/// The role of `produce`.
const SHOP: &str = "shop";
/// A sink's roles that lack one right each.
const WITHOUT_LETTERS: &str = "without-letters";
const WITHOUT_TOPIC: &str = "without-topic";

#[test]
fn sink_and_commands_work_with_the_rights_that_are_named_and_say_which_is_missing() -> Result<()> {
    let stack = Stack::builder().name("secured").runtime(Runtime::Process).function_java_option(QUICK_START);
    // A process whose worker is too busy to ask after it ends after three of these.
    let services = Services::start(stack.secured(true).liveness_check(Duration::from_secs(10)))?;
    services.run(|services| {
        let namespace = services.namespace("guarded")?;
        let scene = Scene::set(services, &namespace)?;
        scene.fill()?;
        let cold = scene.create_sink()?;
        let prefixed = services.namespace("prefixed")?;
        fill_prefixed(services, &prefixed)?;
        let of_prefixed = prefixed_sink(&prefixed, "cold")?.config("subscriptionRolePrefix", json!(SINK)).create()?;
        scene.says_why_it_does_not_connect()?;

        cold.wait_until_all_is_acknowledged(LIMIT)?;
        scene.has_every_row(&cold)?;
        scene.commands_work(&cold)?;
        scene.commands_say_what_is_missing(&cold)?;
        cold.delete()?;
        prefixed_works(services, &prefixed, &of_prefixed)?;
        of_prefixed.delete()?;

        let lacking = |role: &str| Sink::new(&namespace, role, &[KIND])?.role(role).create();
        for (sink, expected) in [
            (lacking(WITHOUT_LETTERS)?, "Let the sink's role produce there"),
            (lacking(WITHOUT_TOPIC)?, "permission to consume from the topic"),
            (prefixed_sink(&prefixed, "without")?.create()?, "subscriptionRolePrefix"),
        ] {
            says(&sink, expected)?;
            ensure!(sink.committed_rows()? == 0, "it lacks a right, and writes");
            sink.delete()?;
        }
        scene.tokens_are_told_nowhere()
    })
}

/// A topic with its dead letters, and who may do what there.
struct Scene<'a> {
    services: &'a Services,
    namespace: &'a Namespace<'a>,
    security: &'a Security,
    admin: Admin,
    topic: String,
    letters: String,
}

impl<'a> Scene<'a> {
    /// Grants to each role what docs/operate/security.md says that it needs.
    fn set(services: &'a Services, namespace: &'a Namespace<'a>) -> Result<Scene<'a>> {
        let (security, admin) = (services.stack().pulsar().security()?, services.stack().admin());
        let topic = namespace.topic(KIND);
        let letters = format!("{topic}-hdfs-csv-dlq");
        let scene = Scene { services, namespace, security, admin, topic, letters };
        for topic in [&scene.topic, &scene.letters] {
            scene.admin.create_topic(topic)?;
        }
        for role in [SINK, WITHOUT_LETTERS, WITHOUT_TOPIC] {
            scene.admin.post(&of_namespace(namespace, &format!("permissions/{role}")), &json!(["sinks"]))?;
        }
        for role in [SINK, WITHOUT_LETTERS] {
            scene.grant(&scene.topic, role, &["consume"])?;
        }
        for role in [SINK, WITHOUT_TOPIC] {
            scene.grant(&scene.letters, role, &["produce", "consume"])?;
        }
        scene.admin.post(&of_namespace(namespace, &format!("permissions/{AUDITOR}")), &json!(["consume"]))?;
        scene.grant(&scene.letters, MENDER, &["consume"])?;
        scene.grant(&scene.topic, MENDER, &["produce"])?;
        scene.grant(&scene.topic, SHOP, &["produce"])?;
        Ok(scene)
    }

    fn grant(&self, topic: &str, role: &str, actions: &[&str]) -> Result<()> {
        self.admin.post(&of_topic(topic, role), &json!(actions)).map(drop).with_context(|| format!("{topic}: {role}"))
    }

    /// Events by `hdfs-csv produce`, a record that cannot be decoded, and one without a value.
    fn fill(&self) -> Result<()> {
        let count = COUNT.to_string();
        let line = [
            "produce",
            "--tenant",
            "marketplace",
            "--namespace",
            "guarded",
            "--events",
            KIND.name(),
            "--count",
            &count,
        ];
        self.works(&self.conf(SHOP)?, &[&line[..], &["--start", "2026-02-10", "--days", "1"]].concat())?;
        let schema = Some(KIND.schema_text().to_owned());
        backlog::send(self.services, &[(self.topic.clone(), schema)], [Ok((0, vec![0x80]))])?;
        send_by_java(self.services, &self.topic, &["none".to_owned()])
    }

    /// One with all rights, made by Pulsar's own command.
    fn create_sink(&self) -> Result<Sink<'a>> {
        let cold = Sink::new(self.namespace, "cold", &[KIND])?.setting("tenant", json!("marketplace"));
        let cold = cold.setting("namespace", json!(self.namespace.name)).setting("name", json!("cold"));
        let file = self.services.scratch("sink.yaml");
        // JSON is YAML, too.
        std::fs::write(&file, cold.configuration().to_string())?;
        let create = ["sinks", "create", "--sink-type", "hdfs-csv", "--sink-config-file", &file.to_string_lossy()];
        self.services.stack().pulsar().admin_command_as(&self.conf(SINK)?, &create)?;
        Ok(cold)
    }

    fn has_every_row(&self, cold: &Sink<'_>) -> Result<()> {
        let process = cold.wait_for_process(0, None)?;
        let line = std::fs::read_to_string(format!("/proc/{process}/cmdline"))?;
        // Which has the token, too.
        ensure!(line.contains(&self.security.service_url()), "the sink's process does not use TLS");
        let client = self.services.pulsar()?;
        let stored = self.services.wait_for(read_all(&client, &self.topic, LIMIT))?;
        let dropped = stored.iter().filter(|message| message.payload.len() < 2).map(|message| {
            let position = message.position;
            let place =
                json!({ "ledger": position.ledger, "entry": position.entry, "batch_index": position.batch_index });
            let mut line = json!({ "topic": self.topic });
            for (key, value) in place.as_object().into_iter().flatten() {
                line[key] = value.clone();
            }
            format!("{line}\n")
        });
        let dead = self.services.scratch("dead.jsonl");
        std::fs::write(&dead, dropped.collect::<String>())?;
        let summary = Comparison::of(cold).option("--dead", &dead).run()?;
        ensure!(summary["rows"] == COUNT, "{summary}");
        ensure!(letters(self.services, &self.topic, 1)?.len() == 1);
        Ok(())
    }

    /// Each with the rights that it was granted, by a token, and one by a certificate.
    fn commands_work(&self, cold: &Sink<'_>) -> Result<()> {
        let directory = cold.directory();
        for command in ["status", "watermark", "audit"] {
            let said = self.works(&self.conf(AUDITOR)?, &[command, "--directory", &directory, "--json"])?;
            ensure!(said.contains(KIND.name()), "{command} says nothing of the topic: {said}");
        }
        let certificate = self.security.certificate(AUDITOR)?;
        let conf = self.security.client_conf_of(AUDITOR, &certificate)?;
        self.works(&conf, &["audit", "--directory", &directory])?;
        // The broker has no certificate for this name, and the file does not ask for one.
        let text = std::fs::read_to_string(self.conf(MENDER)?)?;
        let text = text.replace("pulsar+ssl://127.0.0.1", "pulsar+ssl://localhost");
        let without_names = self.services.scratch("without-names.conf");
        std::fs::write(&without_names, text.replace("tlsEnableHostnameVerification", "# "))?;
        let said = self.works(&without_names, &["replay", "--topic", &self.letters, "--dry-run"])?;
        ensure!(said.contains("1 would be sent back to"), "{said}");
        let said = self.works(&self.conf(MENDER)?, &["replay", "--topic", &self.letters])?;
        ensure!(said.contains("1 sent back to"), "{said}");
        // It cannot be decoded any better than before.
        cold.wait_until_all_is_acknowledged(LIMIT)?;
        letters(self.services, &self.topic, 2).map(drop)
    }

    fn commands_say_what_is_missing(&self, cold: &Sink<'_>) -> Result<()> {
        let directory = cold.directory();
        self.admin.delete(&of_namespace(self.namespace, &format!("permissions/{AUDITOR}")))?;
        let consume = format!("lacks the right to consume on {}", self.namespace.full_name());
        for command in ["status", "watermark", "audit"] {
            self.fails(&self.conf(AUDITOR)?, &[command, "--directory", &directory], &consume)?;
        }
        self.admin.delete(&of_topic(&self.topic, MENDER))?;
        self.admin.delete(&of_topic(&self.topic, SHOP))?;
        let produce = format!("lacks the right to produce on {}", self.topic);
        self.fails(&self.conf(MENDER)?, &["replay", "--topic", &self.letters], &produce)?;
        let line =
            ["produce", "--tenant", "marketplace", "--namespace", "guarded", "--events", KIND.name(), "--count", "1"];
        self.fails(&self.conf(SHOP)?, &line, &produce)?;
        self.admin.delete(&of_topic(&self.letters, MENDER))?;
        let consume = format!("lacks the right to consume on {}", self.letters);
        self.fails(&self.conf(MENDER)?, &["replay", "--topic", &self.letters], &consume)
    }

    fn says_why_it_does_not_connect(&self) -> Result<()> {
        let (url, ca) = (self.security.service_url(), self.security.ca());
        let plain = self.services.stack().pulsar().service_url();
        let line = ["replay", "--topic", &self.letters];
        let at = |url: &str, options: &[(&str, &Path)]| -> Vec<String> {
            let options = [&[("--service-url", Path::new(url))], options].concat();
            let options =
                options.iter().flat_map(|(name, path)| [(*name).to_owned(), path.to_string_lossy().into_owned()]);
            line.iter().map(|own| (*own).to_owned()).chain(options).collect()
        };
        let with = |options: &[(&str, &Path)]| at(&url, options);
        let written = |name: &str, text: &str| -> Result<PathBuf> {
            let path = self.services.scratch(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        let token = self.security.token(MENDER)?;
        // Another signature of the same length.
        let (content, signature) = token.rsplit_once('.').context("a token has a signature")?;
        let wrong = written("wrong.token", &format!("{content}.{}", signature.chars().rev().collect::<String>()))?;
        let brief = written("brief.token", &self.security.brief_token(MENDER, "1s")?)?;
        let stranger = self.security.certificate("stranger")?;
        let none = Path::new("/none.pem");
        for (options, expected) in [
            (with(&[("--pulsar-ca", &ca)]), "does not take nobody"),
            (with(&[("--pulsar-ca", &ca), ("--pulsar-token-file", &wrong)]), "does not take the owner of this token"),
            (with(&[("--pulsar-token-file", &wrong)]), "its CA is not trusted"),
            (with(&[("--pulsar-ca", &self.security.other_ca()?)]), "its CA is not trusted"),
            (with(&[("--pulsar-ca", none)]), "/none.pem cannot be read"),
            (at(&url.replace("127.0.0.1", "localhost"), &[("--pulsar-ca", &ca)]), "its certificate is for other names"),
            (at(&url.replace("pulsar+ssl", "pulsar"), &[]), "does it want pulsar+ssl://"),
            (at(&plain.replace("pulsar", "pulsar+ssl"), &[("--pulsar-ca", &ca)]), "cannot speak TLS with Pulsar"),
            (
                with(&[
                    ("--pulsar-ca", &ca),
                    ("--pulsar-certificate", &stranger.certificate),
                    ("--pulsar-key", &stranger.key),
                ]),
                "lacks the right to consume on",
            ),
        ] {
            self.fails_bare(&options, expected)?;
        }
        let expired = with(&[("--pulsar-ca", &ca), ("--pulsar-token-file", &brief)]);
        until("the token has expired", LIMIT, || self.fails_bare(&expired, "has expired at"))
    }

    /// Tokens are in their files only, and in what Pulsar hands to a sink's process.
    fn tokens_are_told_nowhere(&self) -> Result<()> {
        let mut secrets = vec![self.security.operators_token().to_owned()];
        for role in [SINK, AUDITOR, MENDER, SHOP] {
            secrets.push(std::fs::read_to_string(self.conf(role)?.with_file_name(format!("{role}.token")))?);
        }
        let mut logs = 0;
        for log in files_below(&self.services.stack().log_dir()) {
            let bytes = std::fs::read(&log)?;
            let text = String::from_utf8_lossy(&bytes);
            let told = secrets.iter().any(|secret| text.contains(secret.as_str()));
            ensure!(!told, "{} tells a token", log.display());
            logs += usize::from(!bytes.is_empty());
        }
        ensure!(logs > 3, "only {logs} logs were looked at");
        Ok(())
    }

    fn conf(&self, role: &str) -> Result<PathBuf> {
        Ok(self.security.client_conf(role)?)
    }

    fn works(&self, conf: &Path, line: &[&str]) -> Result<String> {
        let (succeeded, said) = self.run(Some(conf), line)?;
        ensure!(succeeded, "hdfs-csv {line:?} as {}: {said}", conf.display());
        Ok(said)
    }

    fn fails(&self, conf: &Path, line: &[&str], expected: &str) -> Result<()> {
        let (succeeded, said) = self.run(Some(conf), line)?;
        ensure!(
            !succeeded && said.contains(expected),
            "hdfs-csv {line:?} as {}, not `{expected}`: {said}",
            conf.display()
        );
        Ok(())
    }

    fn fails_bare(&self, line: &[String], expected: &str) -> Result<()> {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let (succeeded, said) = self.run(None, &line)?;
        ensure!(!succeeded && said.contains(expected), "hdfs-csv {line:?}, not `{expected}`: {said}");
        Ok(())
    }

    /// Runs `hdfs-csv`: whether it succeeded, and what it said, which is no token.
    fn run(&self, conf: Option<&Path>, line: &[&str]) -> Result<(bool, String)> {
        let mut command = self.services.command()?;
        command.args(line).env_remove("PULSAR_CLIENT_CONF");
        if let Some(conf) = conf {
            command.arg("--pulsar-client-conf").arg(conf);
        }
        let output = command.output().context("hdfs-csv cannot be run")?;
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        // What all tokens of this kind begin with.
        ensure!(!said.contains(&URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#)), "hdfs-csv {line:?} tells a token");
        Ok((output.status.success(), said))
    }
}

fn of_namespace(namespace: &Namespace<'_>, what: &str) -> String {
    format!("/admin/v2/namespaces/{}/{what}", namespace.full_name())
}

fn of_topic(topic: &str, role: &str) -> String {
    format!("/admin/v2/persistent/{}/permissions/{role}", topic.trim_start_matches("persistent://"))
}

fn says(sink: &Sink<'_>, what: &str) -> Result<()> {
    until(&format!("its log says `{what}`"), LIMIT, || {
        let log = sink.log();
        ensure!(log.contains(what), "{log}");
        Ok(())
    })
}

/// A namespace where subscriptions must begin with the role, and a topic with a record that cannot be decoded: the subscription of
/// its dead letters is the sink's own.
fn fill_prefixed(services: &Services, namespace: &Namespace<'_>) -> Result<()> {
    let admin = services.stack().admin();
    admin.post(&of_namespace(namespace, "subscriptionAuthMode"), &json!("Prefix"))?;
    let actions = json!(["produce", "consume", "sinks"]);
    admin.post(&of_namespace(namespace, &format!("permissions/{SINK}")), &actions)?;
    namespace.fill(KIND, COUNT)?;
    let schema = Some(KIND.schema_text().to_owned());
    backlog::send(services, &[(namespace.topic(KIND), schema)], [Ok((0, vec![0x80]))])?;
    let refused = prefixed_sink(namespace, "foreign")?.role("stranger").create();
    let is_refused =
        |error: &anyhow::Error| matches!(error.downcast_ref(), Some(Error::Admin { status: Some(401 | 403), .. }));
    ensure!(refused.as_ref().err().is_some_and(is_refused), "{:?}", refused.map(|_| "it was made"));
    Ok(())
}

fn prefixed_sink<'a>(namespace: &'a Namespace<'a>, name: &str) -> Result<Sink<'a>> {
    let sink = Sink::new(namespace, name, &[KIND])?.role(SINK);
    Ok(sink.setting("sourceSubscriptionName", json!(format!("{SINK}-{name}"))))
}

fn prefixed_works(services: &Services, namespace: &Namespace<'_>, cold: &Sink<'_>) -> Result<()> {
    cold.wait_until_all_is_acknowledged(LIMIT)?;
    let rows = cold.committed_rows()?;
    ensure!(rows == COUNT, "{rows} rows are in the table");
    let topic = namespace.topic(KIND);
    ensure!(letters(services, &topic, 1)?.len() == 1);
    let kept_by = services.stack().admin().subscriptions(&format!("{topic}-hdfs-csv-dlq"))?;
    ensure!(kept_by == [format!("{SINK}-hdfs-csv-replay")], "{kept_by:?}");
    Ok(())
}
