//! The cold and the hot layer side by side: the same events in Hive's tables and in ClickHouse's.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{
    Field, Fields, JdbcSink, LIMIT, Services, Shared, Sink, Typed, event_table, hive_tables, jdbc_sink,
    make_click_house_tables, until,
};
use hdfs_csv_tool::ddl::table::EventColumn;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::decode::types::Kind;
use pulsar_io_hdfs_csv::value::column::ColumnType;
use serde_json::{Value as Json, json};

const KIND: EventKind = EventKind::Searching;

fn schema() -> Result<Json> {
    Ok(serde_json::from_str(KIND.schema_text())?)
}

fn search(at: DateTime<Utc>, user: i64, query: &str) -> Fields {
    let fields = [
        ("timestamp", Field::Long(at.timestamp_millis())),
        ("user_id", Field::Long(user)),
        ("query", Field::text(query)),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Its clocks go forward at midnight. Here and in the next there are times of [`CHANGES`] that a clock never shows, or shows twice.
const HAVANA: &str = "America/Havana";
/// West of Greenwich.
const LOS_ANGELES: &str = "America/Los_Angeles";
/// East of it, with half an hour.
const KOLKATA: &str = "Asia/Kolkata";

/// Times in UTC: by a clock of Los Angeles the first does not exist and the second is there twice, by one of Havana the same of
/// the next three; and the moments at which clocks change there.
const CHANGES: [&str; 9] = [
    "2026-03-08 02:30:00.000",
    "2026-11-01 01:30:00.000",
    "2026-03-08 00:00:00.000",
    "2026-03-08 00:59:59.999",
    "2026-11-01 00:30:00.000",
    "2026-03-08 10:00:00.000",
    "2026-11-01 09:00:00.000",
    "2026-03-08 05:00:00.000",
    "2026-11-01 05:00:00.000",
];
const TIME: &str = "%Y-%m-%d %H:%M:%S%.3f";

/// The last and the first millisecond beside midnights of long ago, weeks ago, today, tomorrow and a year from now, and the
/// times at which clocks change.
fn moments() -> Result<Vec<DateTime<Utc>>> {
    let today = Utc::now().date_naive();
    let day = |ahead: u64| today.checked_add_days(Days::new(ahead));
    let date = |month, day| NaiveDate::from_ymd_opt(2026, month, day);
    let ago = today.checked_sub_days(Days::new(21));
    let mut moments = Vec::new();
    for midnight in
        [ago, day(0), day(1), day(2), day(365), date(1, 1), date(3, 8), date(3, 9), date(11, 1), date(11, 2)]
    {
        let midnight = midnight.context("no such day")?.and_time(NaiveTime::MIN).and_utc();
        moments.extend([midnight - Duration::from_millis(1), midnight]);
    }
    for text in CHANGES {
        moments.push(chrono::NaiveDateTime::parse_from_str(text, TIME)?.and_utc());
    }
    moments.sort_unstable();
    moments.dedup();
    Ok(moments)
}

#[test]
fn events_beside_midnight_are_of_their_day_in_utc_in_both_layers_though_the_services_are_in_havana() -> Result<()> {
    check_days_in(HAVANA)
}

#[test]
fn events_beside_midnight_are_of_their_day_in_utc_in_both_layers_though_the_services_are_in_los_angeles() -> Result<()>
{
    check_days_in(LOS_ANGELES)
}

#[test]
fn events_beside_midnight_are_of_their_day_in_utc_in_both_layers_though_the_services_are_in_kolkata() -> Result<()> {
    check_days_in(KOLKATA)
}

fn check_days_in(zone: &str) -> Result<()> {
    let stack = Stack::builder().name("layers").runtime(Runtime::Thread).hive(true).click_house(true);
    let services = Services::start(stack.connector(jdbc_sink()?).env("TZ", zone))?;
    services.run(|services| check_days(services, zone))
}

/// Sends an event of each moment, whose text is the time in UTC that it must have, and asks both layers.
fn check_days(services: &Services, zone: &str) -> Result<()> {
    for (service, pid) in services.stack().state().pids {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).with_context(|| service.clone())?;
        let is_in_zone = environment.split(|byte| *byte == 0).any(|entry| entry == format!("TZ={zone}").as_bytes());
        ensure!(is_in_zone, "{service} is not in the zone");
    }
    let namespace = services.namespace("days")?;
    make_click_house_tables(&namespace)?;
    let moments = moments()?;
    let mut producer = Typed::open(services, &namespace.topic(KIND), &schema()?, 5)?;
    let text = |moment: &DateTime<Utc>| moment.format(TIME).to_string();
    producer.send(services, moments.iter().map(|moment| search(*moment, 1, &text(moment))).collect())?;
    producer.close(services)?;
    let cold = Sink::new(&namespace, "cold", &[KIND])?
        .config("metadataColumns", Json::Null)
        // A year from now is no broken clock here.
        .config("partitionFutureLimit", json!("400d"))
        .create()?;
    let hot = JdbcSink::create(&namespace, &event_table(KIND)?)?;

    // The day, the time and the text of each.
    let expected: Vec<[String; 3]> =
        moments.iter().map(|moment| [moment.date_naive().to_string(), text(moment), text(moment)]).collect();
    let mut days: BTreeMap<String, usize> = BTreeMap::new();
    expected.iter().for_each(|[day, ..]| *days.entry(day.clone()).or_default() += 1);
    let of_days: Vec<[String; 2]> = days.iter().map(|(day, count)| [day.clone(), count.to_string()]).collect();

    cold.wait_until_all_is_acknowledged(LIMIT)?;
    let hive = services.stack().hive()?;
    let statements = [
        hive_tables(&[KIND], &cold.directory())?,
        vec!["SELECT 'zone', from_unixtime(0)".to_owned()],
        vec![
            // As a text: the driver puts times off that a clock of its own zone never shows.
            "SELECT 'row', dt, cast(`timestamp` AS string), query, to_date(`timestamp`) FROM marketplace.searching"
                .to_owned(),
            "SELECT 'day', `day`, events FROM marketplace.traffic_per_day WHERE event = 'searching'".to_owned(),
            "SELECT 'sorted', dt, count(*) FROM marketplace.searching
             WHERE `timestamp` >= concat(dt, ' 00:00:00') AND `timestamp` < date_add(dt, 1) GROUP BY dt"
                .to_owned(),
        ],
    ]
    .concat();
    let answers = hive.query(&statements.iter().map(String::as_str).collect::<Vec<_>>())?;
    let of = |name: &str| -> Vec<Vec<String>> {
        let own = answers.iter().filter(|row| row[0].as_deref() == Some(name));
        let mut rows: Vec<Vec<String>> =
            own.map(|row| row[1..].iter().map(|value| value.clone().unwrap_or_default()).collect()).collect();
        rows.sort();
        rows
    };
    ensure!(of("zone") != [["1970-01-01 00:00:00"]], "Hive is not in the zone");
    let rows: Vec<Vec<String>> = of("row");
    ensure!(rows.len() == expected.len(), "Hive: {} rows of {}: {rows:?}", rows.len(), expected.len());
    for (row, [day, time, text]) in rows.iter().zip(&expected) {
        // Hive writes no zeros at the end.
        let [dt, timestamp, query, date] = row.as_slice() else { continue };
        let same_time = padded(timestamp) == *time;
        ensure!(
            dt == day && date == day && same_time && query == text,
            "Hive: {row:?} instead of {day}, {time}, {text}"
        );
    }
    ensure!(of("day") == of_days, "Hive's view: {:?} instead of {of_days:?}", of("day"));
    ensure!(of("sorted") == of_days, "Hive, by its time: {:?} instead of {of_days:?}", of("sorted"));

    let click_house = services.stack().click_house()?;
    ensure!(click_house.query("SELECT timezone()")?.trim() == zone, "ClickHouse is not in the zone");
    let lines = |sql: &str| -> Result<Vec<Vec<String>>> {
        let text = click_house.query(sql)?;
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    };
    until("all rows are in ClickHouse", LIMIT, || {
        let rows = lines("SELECT toDate(timestamp), timestamp, query FROM marketplace.searching ORDER BY timestamp")?;
        ensure!(rows == expected, "ClickHouse: {rows:?} instead of {expected:?}");
        Ok(())
    })?;
    let view = lines("SELECT day, events FROM marketplace.traffic_per_day WHERE event = 'searching' ORDER BY day")?;
    ensure!(view == of_days, "ClickHouse's view of days: {view:?} instead of {of_days:?}");
    let view = lines(
        "SELECT toDate(hour) AS day, sum(events) FROM marketplace.traffic_per_hour WHERE event = 'searching'
         GROUP BY day ORDER BY day",
    )?;
    ensure!(view == of_days, "ClickHouse's view of hours: {view:?} instead of {of_days:?}");
    println!("{zone}: {} events of {} days are of their days in both layers", moments.len(), of_days.len());
    cold.delete()?;
    hot.delete()
}

/// A time as Hive writes it, with three digits behind the seconds.
fn padded(time: &str) -> String {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
    format!("{seconds}.{fraction:0<3}")
}

/// A search as both layers must have it: its user, its text, and its note, if it was sent with one.
#[derive(Clone, Debug, PartialEq)]
struct Search {
    user: i64,
    note: Option<Option<String>>,
}

impl Search {
    /// Its user, text and note, as a reader must see them who asks for the note, or does not.
    fn row(&self, with_note: bool) -> [Option<String>; 3] {
        let note = self.note.clone().flatten().filter(|_| with_note);
        [Some(self.user.to_string()), Some(format!("query {}", self.user)), note]
    }
}

/// The table that is made by the statements of `hdfs-csv ddl hive`.
const BY_HAND: &str = "marketplace.searching";
const NOTES: [Option<&str>; 4] = [Some("new"), None, Some("a,b\\\n\"c\" 'd'\t😀"), Some("")];

/// A producer of the schema as it was, or of that with a note, and what it has sent.
struct Producer {
    typed: Typed,
    with_note: bool,
}

impl Producer {
    fn open(services: &Services, topic: &str, with_note: bool) -> Result<Producer> {
        let mut schema = schema()?;
        if with_note {
            let fields = schema["fields"].as_array_mut().context("a schema without fields")?;
            fields.push(json!({ "name": "note", "type": ["null", "string"], "default": null }));
        }
        Ok(Producer { typed: Typed::open(services, topic, &schema, 3)?, with_note })
    }

    /// Sends searches of the next users.
    fn send(&mut self, services: &Services, sent: &mut Vec<Search>, count: usize) -> Result<()> {
        let midnight = NaiveDate::from_ymd_opt(2026, 11, 1).context("no such day")?.and_time(NaiveTime::MIN).and_utc();
        let next = sent.len()..sent.len() + count;
        let searches = next.map(|user| Search {
            user: user as i64,
            note: self.with_note.then(|| NOTES[user % NOTES.len()].map(str::to_owned)),
        });
        let searches: Vec<Search> = searches.collect();
        let fields = searches.iter().map(|one| {
            let mut fields = search(midnight, one.user, &format!("query {}", one.user));
            if let Some(note) = &one.note {
                let note = note.as_deref().map_or(Field::Null, |note| Field::some(Field::text(note)));
                fields.push(("note".to_owned(), note));
            }
            fields
        });
        self.typed.send(services, fields.collect())?;
        sent.extend(searches);
        Ok(())
    }
}

#[test]
fn a_field_that_a_schema_gains_while_both_layers_are_filled_is_null_in_older_rows_and_right_in_newer_ones() -> Result<()>
{
    // Alone: Pulsar's own sink writes twice what it received when its connection closes, which all sinks of a worker share.
    let services = Services::shared_alone(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("layers")?;
        let topic = namespace.topic(KIND);
        let (hive, click_house) = (services.stack().hive()?, services.stack().click_house()?);
        make_click_house_tables(&namespace)?;
        let mut table = event_table(KIND)?;
        let mut sent = Vec::new();
        let mut old = Producer::open(services, &topic, false)?;
        old.send(services, &mut sent, 10)?;
        let cold = Sink::new(&namespace, "cold", &[KIND])?
            .config("metadataColumns", Json::Null)
            .config("hiveMetastoreUris", json!(hive.metastore().uri()))
            .create()?;
        let hot = JdbcSink::create(&namespace, &table)?;
        cold.wait_until_all_is_acknowledged(LIMIT)?;
        let by_hand = hive_tables(&[KIND], &cold.directory())?;
        hive.query(&by_hand.iter().map(String::as_str).collect::<Vec<_>>())?;
        let in_hive = |table: &str, with_note: bool, sent: &[Search]| {
            let note = if with_note { "note" } else { "NULL" };
            let sql = format!("SELECT user_id, query, {note} FROM {table} ORDER BY user_id");
            let expected: Vec<_> = sent.iter().map(|one| one.row(with_note)).collect();
            until(&sql, LIMIT, || {
                let rows = hive.query(&[&sql])?;
                ensure!(rows == expected, "{rows:?} instead of {expected:?}");
                Ok(())
            })
        };
        // The notes of users from this one on.
        let in_click_house = |noted_from: Option<usize>, sent: &[Search]| {
            let note = if noted_from.is_some() { "if(isNull(note), 'NULL', hex(note))" } else { "'NULL'" };
            let sql = format!("SELECT user_id, query, {note} FROM marketplace.searching ORDER BY user_id");
            let line = |(at, one): (usize, &Search)| {
                let [user, query, note] = one.row(noted_from.is_some_and(|from| at >= from));
                let hex = |note: String| note.bytes().map(|byte| format!("{byte:02X}")).collect();
                let note: String = note.map_or("NULL".to_owned(), hex);
                [user.unwrap_or_default(), query.unwrap_or_default(), note].join("\t") + "\n"
            };
            let expected: String = sent.iter().enumerate().map(line).collect();
            until("rows in ClickHouse", LIMIT, || {
                let rows = click_house.query(&sql)?;
                ensure!(rows == expected, "{rows} instead of {expected}");
                Ok(())
            })
        };
        in_hive("searching", false, &sent)?;
        in_hive(BY_HAND, false, &sent)?;
        in_click_house(None, &sent)?;

        // Both versions, mixed. Nobody has told ClickHouse anything, nor the table that was made by hand.
        let mut new = Producer::open(services, &topic, true)?;
        let mut mixed = |old: &mut Producer, sent: &mut Vec<Search>| -> Result<()> {
            for round in 0..6 {
                new.send(services, sent, 1 + round % 3)?;
                old.send(services, sent, 1 + round % 2)?;
            }
            Ok(())
        };
        mixed(&mut old, &mut sent)?;
        in_hive("searching", true, &sent)?;
        in_hive(BY_HAND, false, &sent)?;
        in_click_house(None, &sent)?;

        hive.query(&[&format!("ALTER TABLE {BY_HAND} ADD COLUMNS (note string COMMENT 'A note') CASCADE")])?;
        in_hive(BY_HAND, true, &sent)?;
        click_house.query("ALTER TABLE marketplace.searching ADD COLUMN IF NOT EXISTS note Nullable(String)")?;
        mixed(&mut old, &mut sent)?;
        in_hive("searching", true, &sent)?;
        in_hive(BY_HAND, true, &sent)?;
        in_click_house(Some(sent.len()), &sent)?;

        // All producers have the new schema, and no record of the old one is left.
        until("the JDBC sink has no backlog", LIMIT, || {
            let backlog = hot.backlog()?;
            ensure!(backlog == 0, "{backlog} entries");
            Ok(())
        })?;
        let noted_from = sent.len();
        table.columns.push(EventColumn {
            name: "note".to_owned(),
            column_type: ColumnType::String,
            kind: Kind::String,
            nullable: true,
            comment: "A note".to_owned(),
            codes: Vec::new(),
        });
        hot.update(&table)?;
        new.send(services, &mut sent, 9)?;
        in_hive("searching", true, &sent)?;
        in_click_house(Some(noted_from), &sent)?;
        let counted = click_house.query(
            "SELECT sum(events) FROM marketplace.traffic_per_day WHERE event = 'searching' AND day = '2026-11-01'",
        )?;
        ensure!(counted.trim() == sent.len().to_string(), "ClickHouse counts {counted} of {}", sent.len());
        cold.delete()?;
        hot.delete()
    })
}
