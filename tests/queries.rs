//! What Hive's queries answer while the files under them grow: whole rows, committed ones, each once; and counts that are those
//! of the rows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::Bytes;
use hdfs_csv_stack::{Hive, Row};
use hdfs_csv_tests::{Field, Fields, LIMIT, Services, Shared, Sink, Typed, hive_tables, until};
use hdfs_csv_tool::commits;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use pulsar_io_hdfs_csv::storage::{Storage, write_whole};
use serde_json::{Value as Json, json};

const PARTITIONS: i64 = 2;
const DAYS: i64 = 2;
/// 2026-11-01.
const FIRST_DAY: i64 = 1_793_491_200_000;
/// Of each table, while queries run.
const COMMITS: usize = 100;
/// A query that fails is run again, and must not fail then; but of so many calls, each of several queries, one at most fails.
const CALLS_PER_FAILURE: usize = 4;
/// Messages of each partition, so often.
const BATCH: i64 = 25;
const EVERY: Duration = Duration::from_millis(250);
/// Some seconds' rows: some commits grow a file, and then one begins a new file.
const FOLD_BELOW: &str = "16KB";
const LABELS: [&str; 6] = ["", "\\N", "a,b\\\n\"c\"\r", "naïve 😀", "\t", "\\n"];
const SOURCE: &str = "INPUT__FILE__NAME";

/// The settings of a session, and a name for them.
const SESSIONS: [(&str, &[&str]); 2] = [
    ("by default", &[]),
    (
        "folders within folders are read, and every query is a job",
        &[
            "SET hive.mapred.supports.subdirectories=true",
            "SET mapreduce.input.fileinputformat.input.dir.recursive=true",
            "SET hive.fetch.task.conversion=none",
        ],
    ),
];

/// An offer: all of it follows from its number in its partition of the topic, so that no row can be taken for another's.
#[derive(Clone, Copy)]
struct Offer {
    partition: i64,
    number: i64,
}

impl Offer {
    fn of_id(id: i64) -> Offer {
        Offer { partition: id % PARTITIONS, number: id / PARTITIONS }
    }

    fn id(self) -> i64 {
        self.number * PARTITIONS + self.partition
    }

    fn day(self) -> i64 {
        self.number % DAYS
    }

    fn label(self) -> &'static str {
        LABELS[self.id() as usize % LABELS.len()]
    }

    /// A text whose length differs from row to row.
    fn trail(self) -> String {
        format!("{}/", self.id()).repeat(1 + self.id() as usize % 7)
    }

    fn fields(self) -> Fields {
        let fields = [
            ("at", Field::Long(FIRST_DAY + self.day() * 86_400_000 + self.number)),
            ("id", Field::Long(self.id())),
            ("label", Field::text(self.label())),
            ("trail", Field::Text(self.trail())),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// What Hive must show of it.
    fn row(self) -> [Option<String>; 3] {
        [Some(self.id().to_string()), Some(self.label().to_owned()), Some(self.trail())]
    }
}

fn schema() -> Json {
    let at = json!({ "type": "long", "logicalType": "timestamp-millis" });
    let fields = json!([
        { "name": "at", "type": at },
        { "name": "id", "type": "long" },
        { "name": "label", "type": "string" },
        { "name": "trail", "type": "string" },
    ]);
    json!({ "type": "record", "name": "Offer", "namespace": "queries", "fields": fields })
}

/// Sends offers to all partitions until told to stop; how many each has.
fn produce(services: &Services, topic: &str, stop: &AtomicBool) -> Result<i64> {
    let open = |partition| Typed::open(services, &format!("{topic}-partition-{partition}"), &schema(), 7);
    let mut producers = (0..PARTITIONS).map(open).collect::<Result<Vec<_>>>()?;
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        for (partition, producer) in (0..).zip(&mut producers) {
            let offers = (sent..sent + BATCH).map(|number| Offer { partition, number }.fields());
            producer.send(services, offers.collect())?;
        }
        sent += BATCH;
        sleep(EVERY);
    }
    producers.into_iter().try_for_each(|producer| producer.close(services).map(drop))?;
    Ok(sent)
}

/// One of the tables, and what is known of it.
struct Table<'a> {
    name: &'static str,
    sink: Sink<'a>,
    layout: TableLayout,
    /// Whether it has a partition for each day.
    days: bool,
    /// Of each partition of the topic, and day if the table has days: how many rows an earlier answer had.
    seen: BTreeMap<(i64, Option<i64>), i64>,
}

impl Table<'_> {
    /// The rows that manifests name: those whose files are in place for certain, and all.
    fn committed(&self, services: &Services) -> Result<(i64, i64)> {
        let (hdfs, newest) = (services.hdfs()?, self.sink.newest_commits()?);
        services.wait_for(async {
            let (mut placed, mut all) = (0, 0);
            for (folder, sequence) in newest {
                let path = format!("{folder}/{sequence:020}.json");
                let manifest = Manifest::from_json(&hdfs.read(&path).await?, &path, sequence as u64)?;
                // A manifest is put when the files of the one before are in place.
                placed += (manifest.total_rows - manifest.rows) as i64;
                all += manifest.total_rows as i64;
            }
            Ok((placed, all))
        })
    }

    /// An answer must be whole rows, each once, and of each place the first ones that were sent, with those that an earlier
    /// answer had.
    fn check_rows(&mut self, rows: &[Row]) -> Result<()> {
        let mut places: BTreeMap<(i64, Option<i64>), Vec<i64>> = BTreeMap::new();
        for row in rows {
            let [id, label, trail, source] = row.as_slice() else { bail!("a row of other columns: {row:?}") };
            let number = id.as_deref().and_then(|id| id.parse().ok());
            let offer = Offer::of_id(number.with_context(|| format!("a torn row: {row:?}"))?);
            ensure!([id, label, trail].map(Clone::clone) == offer.row(), "a row with other values: {row:?}");
            let place = (offer.partition, self.days.then(|| offer.day()));
            let source = source.as_deref().unwrap_or_default();
            self.check_source(source, place).with_context(|| format!("{row:?}"))?;
            places.entry(place).or_default().push(offer.number);
        }
        for (place, mut numbers) in places {
            numbers.sort_unstable();
            let (first, step) = place.1.map_or((0, 1), |day| (day, DAYS));
            let wrong = (0..).zip(&numbers).find(|(at, number)| **number != first + at * step);
            ensure!(wrong.is_none(), "{place:?}: a row is there twice, or one is not there before others: {wrong:?}");
            let (count, seen) = (numbers.len() as i64, self.seen.entry(place).or_default());
            ensure!(count >= *seen, "{place:?}: {count} rows, and {seen} in an earlier answer");
            *seen = count;
        }
        let (count, seen) = (rows.len() as i64, self.seen());
        ensure!(count == seen, "{count} rows, and {seen} in an earlier answer");
        Ok(())
    }

    /// A row's file must be one of the table's data, of the row's partition of the topic and its day.
    fn check_source(&self, source: &str, (partition, day): (i64, Option<i64>)) -> Result<()> {
        let (_, path) = source.split_once(self.layout.root()).context("a file outside of the table")?;
        let day = day.map(|day| format!("/dt=2026-11-{:02}", 1 + day)).unwrap_or_default();
        let name = path.strip_prefix(&day).with_context(|| format!("a file that is not in {day}"))?;
        let number = name.strip_prefix(&format!("/offers-p{partition}-")).and_then(|rest| rest.strip_suffix(".csv"));
        let is_data = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        ensure!(is_data, "{name} is no file of this partition's data");
        Ok(())
    }

    fn seen(&self) -> i64 {
        self.seen.values().sum()
    }

    /// Of an answer to a count, the count of its rows and of their ids.
    fn check_count(&mut self, rows: &[Row]) -> Result<i64> {
        let [row] = rows else { bail!("{rows:?} is no count") };
        let numbers: Vec<i64> = row.iter().flatten().filter_map(|value| value.parse().ok()).collect();
        let [count, ids] = numbers[..] else { bail!("{row:?} is no count") };
        ensure!(count == ids, "{count} rows, of {ids} ids");
        ensure!(count >= self.seen(), "{count} rows, and {} in an earlier answer", self.seen());
        Ok(count)
    }
}

/// Asks everything of all tables in one session, and checks each answer. Whether the first try failed.
fn ask(services: &Services, hive: &Hive, settings: &[&str], tables: &mut [Table<'_>]) -> Result<bool> {
    let select = |table: &Table<'_>| format!("SELECT '{0}', id, label, trail, {SOURCE} FROM {0}", table.name);
    let count = |table: &Table<'_>| format!("SELECT '{0} counted', count(*), count(DISTINCT id) FROM {0}", table.name);
    let queries: Vec<String> = tables.iter().flat_map(|table| [select(table), count(table)]).collect();
    let statements: Vec<&str> = settings.iter().copied().chain(queries.iter().map(String::as_str)).collect();
    let placed = tables.iter().map(|table| Ok(table.committed(services)?.0)).collect::<Result<Vec<_>>>()?;
    let (failed, answers) = match hive.query(&statements) {
        Ok(answers) => (false, answers),
        Err(error) => {
            println!("a query failed: {error}");
            (true, hive.query(&statements).context("a query that failed was run again")?)
        }
    };
    for (table, placed) in tables.iter_mut().zip(placed) {
        let committed = table.committed(services)?.1;
        let counted = format!("{} counted", table.name);
        let of = |name: &str| -> Vec<Row> {
            let own = answers.iter().filter(|row| row.first().and_then(Option::as_deref) == Some(name));
            own.map(|row| row[1..].to_vec()).collect()
        };
        let check = |table: &mut Table<'_>| {
            table.check_rows(&of(table.name))?;
            let count = table.check_count(&of(&counted))?;
            let seen = table.seen();
            ensure!(seen >= placed, "{seen} rows, and {placed} were in place before");
            ensure!(count <= committed, "{count} rows, of which {committed} are committed");
            Ok(())
        };
        check(table).with_context(|| table.name)?;
    }
    Ok(failed)
}

/// Files of others in the folders that Hive must not read: rows as the table has them, and what is no row.
fn put_foreign_files(services: &Services, table: &TableLayout) -> Result<()> {
    let hdfs = services.hdfs()?;
    let row = Bytes::from_static(b"2026-11-01 00:00:00,0,,0/\nno row of this table\n");
    let folders = [table.staging(), format!("{}/offers-p0", table.staging()), format!("{}/offers-p0", table.commits())];
    services.wait_for(async {
        for folder in folders {
            write_whole(&hdfs, &format!("{folder}/foreign.csv"), row.clone()).await?;
        }
        Ok(())
    })
}

#[test]
fn queries_during_commits_that_fold_answer_with_whole_committed_rows_each_once() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let hive = services.stack().hive()?;
        let namespace = services.namespace("queries")?;
        let topic = namespace.topic_named("offers");
        services.stack().admin().create_partitioned_topic(&topic, PARTITIONS as u32)?;
        let table = |name: &'static str, days: bool| -> Result<Table<'_>> {
            let mut sink = Sink::of_topics(&namespace, name, std::slice::from_ref(&topic))?
                .config("metadataColumns", Json::Null)
                .config("tableNamePattern", json!(name.replace("offers", "{topic}")))
                .config("foldBelow", json!(FOLD_BELOW))
                .config("hiveMetastoreUris", json!(hive.metastore().uri()));
            if days {
                sink = sink.config("partitionBy", json!("day")).config("partitionTime", json!("field:at"));
            }
            let layout = TableLayout::new(&sink.directory(), name)?;
            Ok(Table { name, sink: sink.create()?, layout, days, seen: BTreeMap::new() })
        };
        let mut tables = [table("offers_by_day", true)?, table("offers_flat", false)?];
        let stop = AtomicBool::new(false);
        let (asked, sent) = thread::scope(|scope| {
            let producer = scope.spawn(|| produce(services, &topic, &stop));
            let asked = ask_until_all_is_done(services, hive, &mut tables, || producer.is_finished());
            stop.store(true, Ordering::Relaxed);
            (asked, producer.join().map_err(|_| anyhow!("the producer panicked")))
        });
        let sent = sent??;
        asked?;
        for table in &tables {
            table.sink.wait_until_all_is_acknowledged(LIMIT)?;
        }
        for (name, settings) in SESSIONS {
            ask(services, hive, settings, &mut tables).context(name)?;
        }
        for table in &tables {
            ensure!(
                table.seen() == PARTITIONS * sent,
                "{}: {} rows of {PARTITIONS} * {sent}",
                table.name,
                table.seen()
            );
            let foreign = table.sink.staged()?;
            ensure!(foreign.0.len() + foreign.1.len() == 2, "the foreign files did not stay: {foreign:?}");
            let all = services.wait_for(commits::all(&services.hdfs()?, &table.layout))?;
            let files: Vec<_> = all.iter().flat_map(|one| &one.manifests).flat_map(|one| &one.files).collect();
            let folded = files.iter().filter(|file| file.replaces.is_some()).count();
            println!(
                "{}: {} rows in {} commits, which grew a file {folded} times and began one {} times",
                table.name,
                table.seen(),
                table.sink.commits()?,
                files.len() - folded
            );
            ensure!(folded > COMMITS / 2 && files.len() - folded > 2 * PARTITIONS as usize, "{}: too few", table.name);
            table.sink.delete()?;
        }
        Ok(())
    })
}

/// Asks until there were enough commits.
fn ask_until_all_is_done(
    services: &Services,
    hive: &Hive,
    tables: &mut [Table<'_>],
    ended: impl Fn() -> bool,
) -> Result<()> {
    for table in tables.iter() {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        until(&sql, LIMIT, || {
            ensure!(!ended(), "the producer ended by itself");
            let rows = hive.query(&[&sql])?;
            ensure!(rows != [[Some("0".to_owned())]], "no row yet");
            Ok(())
        })?;
        if table.days {
            let sql = format!("SHOW PARTITIONS {}", table.name);
            until(&sql, LIMIT, || {
                let days = hive.query(&[&sql])?.len() as i64;
                ensure!(days == DAYS, "{days} days");
                Ok(())
            })?;
        }
        put_foreign_files(services, &table.layout)?;
    }
    let commits = |tables: &[Table<'_>]| tables.iter().map(|table| table.sink.commits()).collect::<Result<Vec<_>>>();
    let before = commits(tables)?;
    let (mut calls, mut failed) = (0, 0);
    loop {
        let (name, settings) = SESSIONS[calls % SESSIONS.len()];
        failed += usize::from(ask(services, hive, settings, tables).context(name)?);
        calls += 1;
        ensure!(!ended(), "the producer ended by itself");
        let during: Vec<usize> = commits(tables)?.iter().zip(&before).map(|(now, before)| now - before).collect();
        if calls >= 2 * CALLS_PER_FAILURE && during.iter().all(|commits| *commits >= COMMITS) {
            println!("{} queries in {calls} calls, of which {failed} failed, during {during:?} commits", 4 * calls);
            ensure!(failed * CALLS_PER_FAILURE <= calls, "{failed} of {calls} calls failed");
            return Ok(());
        }
    }
}

#[test]
fn a_count_is_that_of_the_rows_also_after_statistics_were_computed() -> Result<()> {
    const KIND: EventKind = EventKind::PageVisit;
    const ROWS: u64 = 300;
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let hive = services.stack().hive()?;
        let namespace = services.namespace("counts")?;
        namespace.fill(KIND, ROWS)?;
        let sink = |name: &str| -> Result<Sink<'_>> {
            Ok(Sink::new(&namespace, name, &[KIND])?
                .config("metadataColumns", Json::Null)
                .config("hiveMetastoreUris", json!(hive.metastore().uri())))
        };
        let days = sink("days")?.create()?;
        let flat = sink("flat")?
            .config("partitionBy", Json::Null)
            .config("partitionTime", Json::Null)
            .config("tableNamePattern", json!("{topic}_flat"))
            .create()?;
        for sink in [&days, &flat] {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
        }
        // Tables that the sink has made, and one that was made by the statements of `hdfs-csv ddl hive`.
        let by_hand = hive_tables(&[KIND], &days.directory())?;
        hive.query(&by_hand.iter().map(String::as_str).collect::<Vec<_>>())?;
        let tables =
            [("page_visit", " PARTITION (dt)"), ("marketplace.page_visit", " PARTITION (dt)"), ("page_visit_flat", "")];
        let counts = |rows: u64| {
            until("all rows are counted", LIMIT, || {
                for (table, _) in tables {
                    check_counts(hive, table, rows)?;
                }
                Ok(())
            })
        };
        counts(ROWS)?;
        for round in 2..4 {
            for (table, partition) in tables {
                // Not those of columns: the stack's metastore has made no tables for them.
                hive.query(&[&format!("ANALYZE TABLE {table}{partition} COMPUTE STATISTICS")])?;
            }
            for (table, partition) in tables {
                let known = statistics(hive, table, partition)?;
                ensure!(known == (round - 1) * ROWS, "{table}: Hive knows of {known} rows");
            }
            namespace.fill(KIND, ROWS)?;
            for sink in [&days, &flat] {
                sink.wait_until_all_is_acknowledged(LIMIT)?;
            }
            // No partition is new: what is acknowledged is seen.
            for (table, _) in tables {
                check_counts(hive, table, round * ROWS)?;
            }
        }
        days.delete()?;
        flat.delete()
    })
}

/// The count of all rows, of a column's values and of a day's, when Hive may answer from statistics, must be this; and the
/// bounds of a column those that a job finds.
fn check_counts(hive: &Hive, table: &str, rows: u64) -> Result<()> {
    let select = format!("SELECT count(*), count(user_id), min(user_id), max(user_id) FROM {table}");
    let all = format!("SELECT count(*) FROM {table}");
    let set = |may: bool| format!("SET hive.compute.query.using.stats={may}");
    let answers = hive.query(&[&set(true), &all, &select, &set(false), &select])?;
    let count = Some(rows.to_string());
    let [alone, with, without] = answers.as_slice() else { bail!("{table}: {answers:?}") };
    ensure!(
        alone == std::slice::from_ref(&count) && with[..2] == [count.clone(), count],
        "{table}: {answers:?}, not {rows}"
    );
    ensure!(with == without, "{table}: from statistics {with:?}, from the rows {without:?}");
    Ok(())
}

/// The rows that the metastore has noted of a table, or of its partitions together.
fn statistics(hive: &Hive, table: &str, partition: &str) -> Result<u64> {
    let describe = |partition: &str| format!("DESCRIBE FORMATTED {table}{partition}");
    let statements = match partition {
        "" => vec![describe("")],
        _ => {
            let partitions = hive.query(&[&format!("SHOW PARTITIONS {table}")])?;
            let days = partitions.iter().flatten().flatten().map(|name| name.replace("dt=", ""));
            days.map(|day| describe(&format!(" PARTITION (dt='{day}')"))).collect()
        }
    };
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let lines = hive.query(&statements)?;
    let noted = lines.iter().filter(|line| line.iter().flatten().any(|word| word.trim() == "numRows"));
    let rows = noted.filter_map(|line| line.iter().flatten().find_map(|word| word.trim().parse::<u64>().ok()));
    Ok(rows.sum())
}
