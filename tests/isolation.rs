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
use hdfs_csv_tool::verify::{tables, verify};
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::protocol::reset::reset;
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

const DAY: i64 = 86_400_000;
/// 2026-02-10.
const TODAY: i64 = 20_494 * DAY;
/// Its directory.
const YESTERDAY: &str = "dt=2026-02-09";

fn schema() -> Json {
    json!({ "type": "record", "name": "Line", "fields": [
        { "name": "id", "type": "long" },
        { "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
    ]})
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
        self.send_of(services, TODAY)
    }

    fn send_of(&mut self, services: &Services, time: i64) -> Result<()> {
        let id = Field::Long(self.sent.len() as i64);
        let fields: Fields = vec![("id".to_owned(), id), ("at".to_owned(), Field::Timestamp(time))];
        self.producer.send(services, vec![fields])?;
        self.sent.push(Instant::now());
        Ok(())
    }

    /// The name under which its commits are kept.
    fn source_partition(&self) -> String {
        let name = self.topic.rsplit('/').next().unwrap_or(&self.topic);
        name.replace("-partition-", "-p")
    }

    /// The rows that its commits count.
    fn visible(&self, sink: &Sink<'_>) -> Result<usize> {
        let services = sink.namespace().services();
        let hdfs = services.hdfs()?;
        services.wait_for(async {
            let all = tables(&hdfs, &sink.directory()).await?;
            let Some(table) = all.iter().find(|table| table.root().ends_with(&format!("/{}", self.table))) else {
                return Ok(0);
            };
            let all = commits::all(&hdfs, table).await?;
            let own = all.iter().find(|own| own.layout.name == self.source_partition()).and_then(Commits::newest);
            Ok(own.map_or(0, |newest| newest.total_rows as usize))
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

/// How the metastore's protocol has a text.
fn thrift_text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

#[test]
fn a_table_slow_in_the_metastore_and_a_day_that_is_deleted_and_made_anew_before_a_crash_hold_up_no_other_topic()
-> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let (stack, hive) = (services.stack(), services.stack().hive()?);
        let namespace = services.namespace("isolation-days")?;
        let of = |name: &str| namespace.topic_named(name);
        stack.admin().create_partitioned_topic(&of("days"), 3)?;
        let open = |name: &str, table: &'static str| Stream::open(services, of(name), table);
        let mut steady = open("brisk", "brisk")?;
        let mut slow = open("slow", "slow")?;
        let part = |number: u32| open(&format!("days-partition-{number}"), "days");
        let [mut first, mut second, mut late] = [part(0)?, part(1)?, part(2)?];
        let metastore = Relay::start(services, hive.metastore().port())?;
        // What is asked of this table is not answered.
        let holding = metastore.hold(&thrift_text("slow"));
        let sink = Sink::of_topics(&namespace, "cold", &[of("brisk"), of("slow"), of("days")])?
            .config("hiveMetastoreUris", json!(format!("thrift://127.0.0.1:{}", metastore.port())))
            .config("partitionBy", json!("day"))
            .config("partitionTime", json!("field:at"))
            .config("commitInterval", json!(format!("{}s", COMMIT_INTERVAL.as_secs())))
            .create()?;
        sink.wait_until_it_consumes()?;
        for stream in [&mut first, &mut second] {
            stream.send_of(services, TODAY - DAY)?;
        }
        until("the first rows", LIMIT, || {
            for stream in [&mut steady, &mut slow] {
                stream.send(services)?;
            }
            for stream in [&steady, &slow, &first, &second] {
                ensure!(stream.visible(&sink)? > 0, "{} has no row", stream.topic);
            }
            Ok(())
        })?;
        let in_hive = |statements: &[&str], expected: &[&str]| {
            let rows = hive.query(statements)?;
            let first: Vec<_> = rows.iter().filter_map(|row| row.first()?.as_deref()).collect();
            ensure!(first == expected, "{rows:?}");
            Ok(())
        };
        let others = ["SHOW PARTITIONS days", "SHOW PARTITIONS brisk", "SHOW TABLES LIKE 'slow'"];
        until("the other tables are in Hive", LIMIT, || {
            for stream in [&mut steady, &mut slow] {
                stream.send(services)?;
                stream.is_visible_in_time(&sink)?;
            }
            in_hive(&others, &[YESTERDAY, "dt=2026-02-10"])
        })?;

        let yesterday = format!("{}/days/{YESTERDAY}", sink.directory());
        stack.fs_shell(&["-rm", "-r", "-skipTrash", &yesterday])?;
        late.send_of(services, TODAY - DAY)?;
        until("the late row", IN_TIME, || late.is_all_visible(&sink))?;
        let pid = sink.wait_for_process(0, None)?;
        ensure!(sink.kill(pid)?, "process {pid} has ended by itself");
        let killed = Instant::now();
        steady.send(services)?;
        until("another process goes on", LIMIT, || {
            [&steady, &slow].iter().try_for_each(|stream| stream.is_all_visible(&sink))
        })?;
        println!("visible {:?} after the kill", killed.elapsed());
        let anew = "That is as it should be if its day was deleted and another source partition has made it anew";
        while sink.log().matches(anew).count() < 2 {
            for stream in [&mut steady, &mut slow] {
                stream.send(services)?;
                stream.is_visible_in_time(&sink)?;
            }
            ensure!(killed.elapsed() < LIMIT, "the files that are gone were not told: {}", sink.log());
        }
        for time in [TODAY - DAY, TODAY] {
            first.send_of(services, time)?;
        }
        until("what follows a file that is gone", IN_TIME, || first.is_all_visible(&sink))?;
        until("a new day is in Hive", LIMIT, || {
            steady.send(services)?;
            steady.is_visible_in_time(&sink)?;
            in_hive(&others, &[YESTERDAY, "dt=2026-02-10", "dt=2026-02-10"])
        })?;
        for gauge in ["source_partitions_held_back", "source_partitions_stopped"] {
            ensure!(sink.gauge(gauge)? == 0.0, "{gauge}: {}", sink.log());
        }
        drop(holding);
        until("the slow table is in Hive", HEALED_WITHIN, || in_hive(&["SHOW PARTITIONS slow"], &["dt=2026-02-10"]))?;

        sink.wait_until_all_is_acknowledged(LIMIT)?;
        sink.stop()?;
        let hdfs = services.hdfs()?;
        let days = services.wait_for(async {
            let days = TableLayout::new(&sink.directory(), "days")?;
            let all = commits::all(&hdfs, &days).await?;
            let own = all.iter().find(|own| own.layout.name == second.source_partition()).context("no commits")?;
            reset(&hdfs, &own.layout, own.mark()).await?;
            anyhow::Ok(days)
        })?;
        for stream in [steady, slow] {
            let mut expected = Expected::default();
            let table = stream.table;
            expected.extend(stream.producer.close(services)?);
            expected.compare_rows(&sink, table, &[])?;
        }
        // What retention has not deleted.
        let mut expected = Expected::default();
        expected.extend(first.producer.close(services)?.into_iter().skip(1));
        expected.extend(late.producer.close(services)?);
        expected.compare_rows(&sink, "days", &[])?;
        second.producer.close(services)?;
        let report = services.wait_for(verify(&hdfs, &days))?;
        let gone: Vec<_> = report.findings.iter().filter(|finding| finding.path.contains(YESTERDAY)).collect();
        ensure!(gone.len() == 2 && report.findings.len() == 2, "{:#?}", report.findings);
        sink.delete()
    })
}
