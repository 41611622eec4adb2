//! One bad thing stays one bad thing: while some topics of a sink are struck, each by something else, the rows of the others are
//! visible in time; when a cause is gone, its topic goes on by itself; and in the end every table is whole.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{
    Blocks, Expected, Field, Fields, LIMIT, Relay, Services, Shared, Sink, Typed, letters, send_by_java, until,
};
use hdfs_csv_tool::commits::{self, Commits};
use hdfs_csv_tool::status::{State, StatusReport, status};
use hdfs_csv_tool::verify::tables;
use pulsar_io_hdfs_csv::storage::Storage;
use serde_json::{Value as Json, json};

const COMMIT_INTERVAL: Duration = Duration::from_secs(2);
/// From the broker's receipt of a record until its row is visible.
const IN_TIME: Duration = Duration::from_secs(2 + 5);
/// The same while an instance starts anew: Pulsar ends it at a message without a value, before the sink sees that.
const IN_TIME_BESIDE_A_START: Duration = Duration::from_secs(2 + 5 + 10);
/// Who the sink is to HDFS.
const WRITER: &str = "cold-writer";
/// The causes last at least so long.
const STRUCK_FOR: Duration = Duration::from_secs(20);
/// From the end of the causes until every row is visible.
const HEALED_WITHIN: Duration = Duration::from_secs(60);

fn schema() -> Json {
    json!({ "type": "record", "name": "Line", "fields": [{ "name": "id", "type": "long" }] })
}

/// A topic that gets one record after another.
struct Stream {
    topic: String,
    table: &'static str,
    producer: Typed,
    /// When the broker had each record.
    sent: Vec<Instant>,
}

impl Stream {
    fn open(services: &Services, topic: String, table: &'static str) -> Result<Stream> {
        let producer = Typed::open(services, &topic, &schema(), 1)?;
        Ok(Stream { topic, table, producer, sent: Vec::new() })
    }

    fn send(&mut self, services: &Services) -> Result<()> {
        let fields: Fields = vec![("id".to_owned(), Field::Long(self.sent.len() as i64))];
        self.producer.send(services, vec![fields])?;
        self.sent.push(Instant::now());
        Ok(())
    }

    /// The rows that the commits of its table count.
    fn visible(&self, sink: &Sink<'_>) -> Result<usize> {
        let services = sink.namespace().services();
        let hdfs = services.hdfs()?;
        services.wait_for(async {
            let all = tables(&hdfs, &sink.directory()).await?;
            let Some(table) = all.iter().find(|table| table.root().ends_with(&format!("/{}", self.table))) else {
                return Ok(0);
            };
            let all = commits::all(&hdfs, table).await?;
            Ok(all.iter().filter_map(Commits::newest).map(|newest| newest.total_rows as usize).sum())
        })
    }

    fn is_visible_in_time(&self, sink: &Sink<'_>) -> Result<()> {
        self.is_visible_within(IN_TIME, sink).map(drop)
    }

    /// How long its oldest row that is not visible has been sent.
    fn is_visible_within(&self, limit: Duration, sink: &Sink<'_>) -> Result<Duration> {
        let due = self.sent.iter().take_while(|sent| sent.elapsed() > limit).count();
        let visible = self.visible(sink)?;
        ensure!(visible >= due, "{}: {visible} rows are visible, and {due} should be", self.topic);
        Ok(self.sent.get(visible).map(Instant::elapsed).unwrap_or_default())
    }

    /// Ends it, and compares its table with what it sent.
    fn compare(self, sink: &Sink<'_>) -> Result<()> {
        let mut expected = Expected::default();
        expected.extend(self.producer.close(sink.namespace().services())?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(sink, self.table, &[]).map(drop)
    }

    fn is_all_visible(&self, sink: &Sink<'_>) -> Result<()> {
        let (visible, sent) = (self.visible(sink)?, self.sent.len());
        ensure!(visible == sent, "{}: {visible} rows of {sent} are visible", self.topic);
        Ok(())
    }
}

/// Larger than the broker takes, but for its compression.
const TOO_LARGE: usize = 8_000_000;

/// The one file of a table without partitions.
fn only_file(sink: &Sink<'_>, table: &str) -> Result<String> {
    let services = sink.namespace().services();
    let directory = format!("{}/{table}", sink.directory());
    let hdfs = services.hdfs()?;
    let listed = services.wait_for(hdfs.list(&directory))?;
    let mut files = listed.into_iter().filter(|entry| !entry.is_directory && !entry.name.starts_with('_'));
    let file = files.next().with_context(|| format!("no file in {directory}"))?;
    ensure!(files.next().is_none(), "more than one file in {directory}");
    Ok(format!("{directory}/{}", file.name))
}

#[test]
fn topics_that_are_struck_keep_no_other_from_being_written_in_time_and_go_on_when_their_causes_are_gone() -> Result<()>
{
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let stack = services.stack();
        let (admin, namespace) = (stack.admin(), services.namespace("isolation")?);
        let names = ["steady", "rotten", "full", "owned", "foreign", "mute"];
        let open = |name: &'static str| Stream::open(services, namespace.topic_named(name), name);
        let mut streams = names.map(open).into_iter().collect::<Result<Vec<_>>>()?;
        // Hive has no capital letters, and the table is another topic's.
        let mut impossible = open("Steady")?;
        let topics: Vec<String> = streams.iter().map(|stream| stream.topic.clone()).collect();
        let sink = Sink::of_topics(&namespace, "cold", &topics)?
            .setting("inputs", Json::Null)
            .setting("topicsPattern", json!(format!("persistent://{}/.*", namespace.full_name())))
            .config("hiveMetastoreUris", json!(stack.hive()?.metastore().uri()))
            .config("hdfsUser", json!(WRITER))
            .config("commitInterval", json!(format!("{}s", COMMIT_INTERVAL.as_secs())));
        stack.fs_shell(&["-mkdir", "-p", &sink.directory()])?;
        stack.fs_shell(&["-chown", WRITER, &sink.directory()])?;
        let sink = sink.create()?;
        sink.wait_until_it_consumes()?;
        let streams_count = streams.len();
        let [steady, rotten, full, owned, foreign, mute] = &mut streams[..] else { unreachable!("six names") };
        until("the first rows", LIMIT, || {
            for stream in [&mut *steady, rotten, full, owned] {
                stream.send(services)?;
            }
            for stream in [&*steady, rotten, full, owned] {
                ensure!(stream.visible(&sink)? > 0, "{} has no row", stream.topic);
            }
            Ok(())
        })?;

        // The sink keeps nobody from reading `mute`, but itself: it cannot read the schema of its records.
        let consumers = format!("/admin/v2/persistent/{}/mute/maxConsumers", namespace.full_name());
        admin.post(&consumers, &json!(1))?;
        until("the policy", LIMIT, || {
            let most = admin.get(&format!("{consumers}?applied=true"))?;
            ensure!(most == 1, "{most}");
            Ok(())
        })?;
        let identity = format!("{}/foreign/_sink.json", sink.directory());
        let damaged = services.scratch("damaged.json");
        std::fs::write(&damaged, "{")?;
        stack.fs_shell(&["-mkdir", "-p", &format!("{}/foreign", sink.directory())])?;
        stack.fs_shell(&["-put", &damaged.to_string_lossy(), &identity])?;
        stack.fs_shell(&["-chown", WRITER, &format!("{}/foreign", sink.directory())])?;
        let taken_over = format!("{}/owned", sink.directory());
        stack.fs_shell(&["-chown", "-R", "somebody", &taken_over])?;
        let quota = format!("{}/full", sink.directory());
        stack.hdfs_admin(&["-setQuota", "1", &quota])?;
        until("its commit", LIMIT, || rotten.is_all_visible(&sink))?;
        let rotten_blocks = Blocks::of(services, &only_file(&sink, "rotten")?)?;
        rotten_blocks.damage()?;

        let struck = Instant::now();
        let mut told = json!(null);
        while struck.elapsed() < STRUCK_FOR || told != json!([4.0, 1.0]) {
            for stream in [&mut *steady, rotten, full, owned, foreign, mute, &mut impossible] {
                stream.send(services)?;
            }
            steady.is_visible_in_time(&sink)?;
            // A new file takes its rows.
            rotten.is_visible_in_time(&sink)?;
            told = json!([sink.gauge("source_partitions_held_back")?, sink.gauge("source_partitions_stopped")?]);
            ensure!(struck.elapsed() < LIMIT, "held back and stopped are {told}");
        }
        ensure!(foreign.visible(&sink)? + mute.visible(&sink)? == 0, "something was written");
        let status = || -> Result<StatusReport> {
            let (hdfs, client) = (services.hdfs()?, services.pulsar()?);
            services.wait_for(status(&hdfs, &client, &sink.directory(), LIMIT))
        };
        until("every trouble is in the status", LIMIT, || {
            let report = status()?;
            let state = |stream: &Stream| report.source_partitions.get(&stream.topic).map(|own| &own.state);
            let reason = |stream: &Stream| match state(stream) {
                Some(State::HeldBack { what, reason, .. }) => format!("{what}: {reason}"),
                Some(State::Stopped { reason }) => reason.clone(),
                other => format!("{other:?}"),
            };
            let running = [&*steady, rotten].iter().all(|stream| state(stream) == Some(&State::Running));
            let is_told = running
                && reason(full).contains("quota")
                && reason(owned).contains("Permission denied")
                && reason(foreign).contains("which says whose the table is")
                && reason(mute).contains("waiting for a schema")
                && reason(&impossible).contains("the same table `steady` in Hive")
                && report.ailing() >= 5;
            ensure!(is_told, "{report:#?}");
            Ok(())
        })?;

        stack.fs_shell(&["-rm", "-skipTrash", &identity])?;
        stack.hdfs_admin(&["-clrQuota", &quota])?;
        stack.fs_shell(&["-chown", "-R", WRITER, &taken_over])?;
        admin.delete(&consumers)?;
        let healed = Instant::now();
        while let Err(error) = [&*full, owned, foreign, mute].iter().try_for_each(|stream| stream.is_all_visible(&sink))
        {
            ensure!(healed.elapsed() < HEALED_WITHIN, "{error}");
            steady.send(services)?;
            steady.is_visible_in_time(&sink)?;
            sleep(Duration::from_millis(200));
        }
        println!("healed within {:?}", healed.elapsed());
        until("nobody is held back", LIMIT, || {
            let held_back = sink.gauge("source_partitions_held_back")?;
            ensure!(held_back == 0.0, "{held_back} are");
            let report = status()?;
            let running = report.source_partitions.values().filter(|own| own.state == State::Running).count();
            ensure!(running == streams_count && report.ailing() == 1, "{report:#?}");
            Ok(())
        })?;
        rotten_blocks.mend()?;
        let log = sink.worker_log();
        let own = log.lines().filter(|line| line.contains(&namespace.full_name()));
        let unpaused: Vec<_> = own.filter(|line| line.contains("its consumer cannot be")).collect();
        ensure!(unpaused.is_empty(), "{unpaused:#?}");
        for says in ["the table's open file cannot be read, and stays as it is", "this source partition goes on"] {
            ensure!(log.contains(says), "the log does not say '{says}'");
        }

        let backlog = sink.backlog(&impossible.topic)?;
        ensure!(backlog == impossible.sent.len() as u64, "{backlog} of {} are not acknowledged", impossible.sent.len());
        for stream in streams {
            stream.compare(&sink)?;
        }
        sink.delete()
    })
}

#[test]
fn a_silent_metastore_a_record_too_large_for_the_broker_and_a_message_without_a_value_hold_up_no_other_topic()
-> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("isolation-more")?;
        let metastore = Relay::start(services, services.stack().hive()?.metastore().port())?;
        let open = |name: &'static str| Stream::open(services, namespace.topic_named(name), name);
        let mut streams = ["patient", "large", "deleted"].map(open).into_iter().collect::<Result<Vec<_>>>()?;
        let topics: Vec<String> = streams.iter().map(|stream| stream.topic.clone()).collect();
        let sink = Sink::of_topics(&namespace, "cold", &topics)?
            .config("hiveMetastoreUris", json!(format!("thrift://127.0.0.1:{}", metastore.port())))
            .config("onBadRecord", json!("deadLetter"))
            .config("commitInterval", json!(format!("{}s", COMMIT_INTERVAL.as_secs())))
            .create()?;
        sink.wait_until_it_consumes()?;
        // Nobody answers when the first tables are to be made, either.
        let vanished = metastore.vanish(services)?;
        send_by_java(services, &streams[1].topic, &[format!("zeros:{TOO_LARGE}")])?;
        let began = Instant::now();
        while began.elapsed() < STRUCK_FOR {
            for stream in &mut streams {
                stream.send(services)?;
                stream.is_visible_in_time(&sink)?;
            }
        }
        // The instance has a consumer by now, and ends at it.
        send_by_java(services, &streams[2].topic, &["none".to_owned()])?;
        let (began, mut longest) = (Instant::now(), Duration::ZERO);
        while began.elapsed() < STRUCK_FOR || !sink.log().contains("were passed, up to") {
            for stream in &mut streams {
                stream.send(services)?;
                longest = longest.max(stream.is_visible_within(IN_TIME_BESIDE_A_START, &sink)?);
            }
            ensure!(began.elapsed() < LIMIT, "the message without a value was not passed: {}", sink.log());
        }
        println!("visible after at most {longest:?}");
        drop(vanished);
        let healed = Instant::now();
        let hive = services.stack().hive()?;
        until("every table is in Hive", HEALED_WITHIN, || {
            for stream in &streams {
                hive.query(&[&format!("DESCRIBE {}", stream.table)])?;
            }
            Ok(())
        })?;
        println!("in Hive after {:?}", healed.elapsed());

        let letter = letters(services, &streams[1].topic, 1)?.remove(0);
        ensure!(letter.payload.len() == TOO_LARGE && letter.reason().contains("schema"), "{:?}", letter.properties);
        for stream in streams {
            stream.compare(&sink)?;
        }
        sink.delete()
    })
}
