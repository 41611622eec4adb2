//! Hive reads files on HDFS, and its processes come back.

use std::fs;

use anyhow::Result;
use hdfs_csv_stack::{Error, Hive, Row, Runtime, Stack};
use hdfs_csv_tests::in_turn;

use super::wait_for;

/// What text in a table can hold to make two values look alike, or one look like two.
const STRINGS: [Option<&str>; 16] = [
    None,
    Some(""),
    Some(" "),
    Some("\\N"),
    Some("N"),
    Some("null"),
    Some("a\tb"),
    Some("a\nb"),
    Some("a\rb\r\n"),
    Some("a\0b"),
    Some("a,b"),
    Some("\"quoted\" and 'quoted'"),
    Some("back\\slash\\"),
    Some("\\n is no line feed"),
    Some("\u{1}\u{7f}\u{2028}"),
    Some("зимние ботинки 👢 é"),
];
const CREATE: &str = r"
    CREATE EXTERNAL TABLE hostile (id BIGINT, text STRING) PARTITIONED BY (dt STRING)
    ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' ESCAPED BY '\\' NULL DEFINED AS '\\N' STORED AS TEXTFILE
    LOCATION '/tables/hostile' TBLPROPERTIES ('discover.partitions' = 'true')";
const ESCAPE_CRLF: &str = "ALTER TABLE hostile SET SERDEPROPERTIES ('serialization.escape.crlf' = 'true')";
const REPAIR: &str = "MSCK REPAIR TABLE hostile";
const SELECT: &str = "SELECT id, text FROM hostile WHERE dt = '2026-11-01' ORDER BY id";
const DAYS: &str = "SELECT dt, COUNT(*), COUNT(text) FROM hostile GROUP BY dt ORDER BY dt";

#[test]
fn hive_gives_back_what_is_in_files_on_hdfs() -> Result<()> {
    in_turn(|| {
        let stack = Stack::builder().name("hive").runtime(Runtime::Thread).hive(true).start()?;
        let hive = stack.hive()?;
        put(&stack, "2026-11-01")?;

        hive.query(&[CREATE, ESCAPE_CRLF, REPAIR])?;
        assert_eq!(hive.query(&[SELECT])?, rows());
        a_day_that_comes_later_is_found(&stack, hive)?;
        hive.server().restart()?;
        assert_eq!(hive.query(&[SELECT])?, rows());
        hive.metastore().kill()?;
        hive.server().kill()?;
        assert_eq!((hive.metastore().pid(), hive.server().pid()), (None, None));
        hive.metastore().start()?;
        hive.server().start()?;
        assert_eq!(hive.query(&[SELECT])?, rows());

        let copy = "CREATE TABLE copied AS SELECT id FROM hostile WHERE id > 3";
        let copied = hive.query(&[copy, "SELECT MIN(id), COUNT(*) FROM copied"])?;
        assert_eq!(copied, [[Some("4".to_owned()), Some("24".to_owned())]]);

        let refused = hive.query(&["SELECT nothing FROM hostile"]);
        assert!(matches!(&refused, Err(Error::Command { output, .. }) if output.contains("nothing")), "{refused:?}");
        let state = stack.state();
        let output = state.hive_client()?.args(["SELECT 'ž'", "SELECT NULL"]).output()?;
        assert_eq!(String::from_utf8_lossy(&output.stdout), "[\"ž\"]\n[null]\n");
        let folder = stack.data_dir().to_path_buf();
        drop(stack);
        fs::remove_dir_all(folder)?;
        Ok(())
    })
}

#[test]
fn hive_without_hdfs_is_refused() -> Result<()> {
    in_turn(|| {
        let started = Stack::builder().name("hive-alone").data_nodes(0).hive(true).start();
        assert!(matches!(started.map(drop), Err(Error::Missing(what)) if what == "HDFS"));
        Ok(())
    })
}

/// The metastore looks for new directories by itself, every 20 s.
fn a_day_that_comes_later_is_found(stack: &Stack, hive: &Hive) -> Result<()> {
    let days = |names: &[&str]| -> Vec<Row> {
        names.iter().map(|name| vec![Some((*name).to_owned()), Some("16".to_owned()), Some("15".to_owned())]).collect()
    };
    assert_eq!(hive.query(&[DAYS])?, days(&["2026-11-01"]));
    put(stack, "2026-11-02")?;
    let found = || hive.query(&["SHOW PARTITIONS hostile"]).ok().filter(|rows| rows.len() == 2);
    wait_for("the new day's partition", found)?;
    assert_eq!(hive.query(&[DAYS])?, days(&["2026-11-01", "2026-11-02"]));
    Ok(())
}

fn put(stack: &Stack, day: &str) -> Result<()> {
    let local = stack.data_dir().join("hostile.csv");
    fs::write(&local, text())?;
    let directory = format!("/tables/hostile/dt={day}");
    stack.fs_shell(&["-mkdir", "-p", &directory])?;
    stack.fs_shell(&["-put", &local.to_string_lossy(), &format!("{directory}/part.csv")])?;
    Ok(())
}

fn rows() -> Vec<Row> {
    let ids = (0..).map(|id: u32| Some(id.to_string()));
    ids.zip(STRINGS).map(|(id, text)| vec![id, text.map(str::to_owned)]).collect()
}

/// The table's text, as Hive's documentation has it.
fn text() -> String {
    let escaped = |text: &str| {
        let text = text.replace('\\', "\\\\").replace(',', "\\,");
        text.replace('\n', "\\n").replace('\r', "\\r")
    };
    let lines = STRINGS.iter().enumerate();
    lines.map(|(id, text)| format!("{id},{}\n", text.map_or("\\N".to_owned(), escaped))).collect()
}
