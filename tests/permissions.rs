//! What is made on HDFS has the permissions, ACLs, owner, replication and block size that Hadoop's own client gives it with the same
//! settings, and who may not read it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Expected, Field, LIMIT, Services, Shared, Sink, Typed};
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings, Identity};
use serde_json::json;

const WRITER: &str = "cold-writer";
const COUNT: i64 = 20;
const REPLICATION: (&str, &str) = ("dfs.replication", "2");
const BLOCK_SIZE: (&str, &str) = ("dfs.blocksize", "3m");
/// A group that may write whatever is made below, and a user who may read it.
const DEFAULT_ACL: &str = "default:group:analysts:rwx,default:user:auditor:r-x";

/// A directory, and what is made in it.
struct Case {
    umask: &'static str,
    default_acl: bool,
    /// `fileMode` and `directoryMode`.
    modes: Option<(&'static str, &'static str)>,
}

const CASES: [Case; 7] = [
    Case { umask: "077", default_acl: false, modes: None },
    Case { umask: "027", default_acl: false, modes: None },
    Case { umask: "022", default_acl: false, modes: None },
    Case { umask: "002", default_acl: false, modes: None },
    Case { umask: "077", default_acl: true, modes: None },
    Case { umask: "022", default_acl: true, modes: None },
    Case { umask: "022", default_acl: false, modes: Some(("660", "710")) },
];

impl Case {
    fn name(&self) -> String {
        format!("{}-{}-{}", self.umask, self.default_acl, self.modes.is_some())
    }

    /// The client's settings.
    fn settings(&self) -> [(&str, &str); 3] {
        [("fs.permissions.umask-mode", self.umask), REPLICATION, BLOCK_SIZE]
    }
}

/// What is known of each path below a directory: its permissions as `ls` shows them, owner, group, and ACL.
fn made(services: &Services, directory: &str) -> Result<BTreeMap<String, String>> {
    let acls = services.stack().fs_shell(&["-getfacl", "-R", directory])?;
    let listed = services.stack().fs_shell(&["-ls", "-R", directory])?;
    let permissions: BTreeMap<_, _> =
        listed.lines().filter_map(|line| Some((line.rsplit(' ').next()?, line.split(' ').next()?))).collect();
    let blocks = acls.split("\n\n").filter_map(|block| block.trim().strip_prefix("# file: ")?.split_once('\n'));
    let known = |path: &str, acl: &str| Some(format!("{} {acl}", permissions.get(path)?));
    Ok(blocks.filter_map(|(path, acl)| Some((path.to_owned(), known(path, acl)?))).collect())
}

/// The kinds of things that were made, each once.
fn kinds(made: &BTreeMap<String, String>, below: &str) -> BTreeSet<String> {
    made.iter().filter(|(path, _)| path.starts_with(&format!("{below}/"))).map(|(_, acl)| acl.clone()).collect()
}

#[test]
fn files_and_directories_are_made_as_hadoops_own_client_makes_them_with_the_same_settings() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let (stack, namespace) = (services.stack(), services.namespace("permissions")?);
        let topic = namespace.topic_named("lines");
        let schema = json!({ "type": "record", "name": "Line", "fields": [{ "name": "id", "type": "long" }] });
        let mut producer = Typed::open(services, &topic, &schema, 1)?;
        producer.send(services, (0..COUNT).map(|id| vec![("id".to_owned(), Field::Long(id))]).collect())?;
        let mut expected = Expected::default();
        expected.extend(producer.close(services)?);

        let mut sinks = Vec::new();
        for case in &CASES {
            let mut sink = Sink::of_topics(&namespace, &case.name(), std::slice::from_ref(&topic))?
                .config(
                    "hdfsConfigDir",
                    json!(services.hadoop_conf_with(&format!("conf-{}", case.name()), &case.settings())?),
                )
                .config("hdfsUser", json!(WRITER))
                .config("partitionBy", json!("day"))
                .config("commitInterval", json!("1s"));
            if let Some((file, directory)) = case.modes {
                sink = sink.config("fileMode", json!(file)).config("directoryMode", json!(directory));
            }
            sinks.push(sink);
        }
        // Each run of the shell takes a second: it is given all directories at once.
        let directories: Vec<_> = sinks.iter().map(Sink::directory).collect();
        let shell = |arguments: &[&str], paths: &[String]| {
            let all: Vec<&str> = arguments.iter().copied().chain(paths.iter().map(String::as_str)).collect();
            stack.fs_shell(&all)
        };
        shell(&["-mkdir", "-p"], &directories)?;
        shell(&["-chown", WRITER], &directories)?;
        for (directory, _) in directories.iter().zip(&CASES).filter(|(_, case)| case.default_acl) {
            stack.fs_shell(&["-setfacl", "-m", DEFAULT_ACL, directory])?;
        }
        let sinks = sinks.into_iter().map(Sink::create).collect::<Result<Vec<_>>>()?;

        let local = services.scratch("put.csv");
        std::fs::write(&local, "1\n")?;
        for (sink, case) in sinks.iter().zip(&CASES) {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            expected.compare(sink, "lines", &[])?;
            // As Hadoop's own client.
            let put = format!("{}/put/dt=2026-01-01", sink.directory());
            let given = case.settings().map(|(name, value)| format!("-D{name}={value}"));
            let [umask, replication, block_size] = given.each_ref().map(String::as_str);
            let as_writer = |arguments: &[&str]| {
                stack.fs_shell_as(WRITER, &[&[umask, replication, block_size], arguments].concat())
            };
            as_writer(&["-mkdir", "-p", &put])?;
            as_writer(&["-put", &local.to_string_lossy(), &put])?;
        }
        let (above, _) = directories[0].rsplit_once('/').context("no directory above")?;
        let all = made(services, above)?;
        let mut files = Vec::new();
        for (directory, case) in directories.iter().zip(&CASES) {
            let (lines, put) = (format!("{directory}/lines"), format!("{directory}/put"));
            let (ours, javas) = (kinds(&all, &lines), kinds(&all, &put));
            match case.modes {
                None => ensure!(ours == javas && ours.len() == 2, "{}: {ours:#?} and not {javas:#?}", case.name()),
                Some(_) => {
                    let modes: BTreeSet<_> = ours.iter().filter_map(|one| one.split(' ').next()).collect();
                    ensure!(modes == BTreeSet::from(["-rw-rw----", "drwx--x---"]), "{ours:#?}");
                }
            }
            let file = all.keys().find(|path| path.starts_with(&lines) && path.ends_with(".csv")).context("no file")?;
            files.extend([file.clone(), format!("{put}/dt=2026-01-01/put.csv")]);
        }
        let made_with = shell(&["-stat", "%r %o %u"], &files)?;
        let expected = format!("2 {} {WRITER}", 3 << 20);
        ensure!(made_with.lines().count() == files.len(), "{files:#?}: {made_with}");
        ensure!(made_with.lines().all(|line| line == expected), "not all {files:#?} are `{expected}`: {made_with}");

        let hdfs = |user: &str| {
            let mut settings = HdfsSettings::new(Some(services.hadoop_conf()?), Duration::from_secs(30));
            settings.identity = Identity::User(user.to_owned());
            services.wait_for(async { Hdfs::new(settings) }).context("a client of HDFS")
        };
        let closed = format!("{}/lines", sinks[0].directory());
        let read = |user: &str| -> Result<_> {
            let (of_writer, of_user) = (hdfs(WRITER)?, hdfs(user)?);
            let day =
                services.wait_for(of_writer.list(&closed))?.into_iter().find(|entry| entry.name.starts_with("dt="));
            let day = format!("{closed}/{}", day.context("no day")?.name);
            let file = services.wait_for(of_writer.list(&day))?.into_iter().next().context("no file")?.name;
            Ok(services.wait_for(of_user.read(&format!("{day}/{file}"))))
        };
        ensure!(!read(WRITER)??.is_empty(), "the writer reads nothing");
        let error = read("stranger")?.err().context("a stranger reads what nobody else may")?;
        ensure!(error.to_string().contains("Permission denied"), "{error}");
        sinks.iter().try_for_each(Sink::delete)
    })
}
