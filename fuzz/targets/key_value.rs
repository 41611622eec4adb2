//! KeyValue payloads of any bytes, with a key and a value of each type, in one or apart: the row is that of the key and that of the
//! value, each decoded for itself.

#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::LazyLock;

use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::choices::Choices;
use hdfs_csv_fuzz::connector::{Rows, info, part};
use hdfs_csv_fuzz::schemas::SCHEMAS;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::MOST_TEXT;
use pulsar_io_hdfs_csv::schema::writer::SchemaInfo;

const PRIMITIVES: [&str; 16] = [
    "STRING",
    "BYTES",
    "BOOLEAN",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FLOAT",
    "DOUBLE",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "INSTANT",
    "LOCAL_DATE",
    "LOCAL_TIME",
    "LOCAL_DATE_TIME",
];

/// Each type and schema that a part can have, and its own rows.
static PARTS: LazyLock<Vec<(&str, &str, Rows, usize)>> = LazyLock::new(|| {
    let avro = SCHEMAS.iter().map(|schema| ("AVRO", *schema));
    let json = SCHEMAS.iter().map(|schema| ("JSON", *schema));
    let all = PRIMITIVES.iter().map(|name| (*name, "")).chain(avro).chain(json);
    let part = |(name, schema)| {
        let info = info(name, schema);
        let columns = pulsar_io_hdfs_csv::schema::writer::WriterSchema::compile(&info).expect("it is right").columns();
        (name, schema, Rows::of(&info).expect("it is right"), columns.len())
    };
    all.map(part).collect()
});

thread_local! {
    static BOTH: RefCell<HashMap<(usize, usize, bool), Rows>> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let (key, value) = (choices.below(PARTS.len()), choices.below(PARTS.len()));
    let separated = choices.byte() & 1 == 1;
    BOTH.with_borrow_mut(|both| {
        let rows = both.entry((key, value, separated)).or_insert_with(|| rows_of(key, value, separated));
        let message_key = (separated && choices.byte() & 1 == 1).then(|| choices.some());
        let payload = choices.0;
        let row = within(16 * MOST_TEXT + 512 * data.len(), || rows.fields(message_key, payload));
        let parts = if separated { Some((message_key, Some(payload))) } else { parts(payload) };
        let expected = parts.and_then(|(key_bytes, value_bytes)| {
            let mut columns = own_row(key, key_bytes)?;
            columns.extend(own_row(value, value_bytes)?);
            Some(columns)
        });
        assert_eq!(row.as_ref().ok(), expected.as_ref(), "{row:?}");
    });
});

fn rows_of(key: usize, value: usize, separated: bool) -> Rows {
    let of = |at: usize| Some(part(PARTS[at].0, PARTS[at].1));
    let encoding = Some(if separated { "SEPARATED" } else { "INLINE" }.to_owned());
    let info = SchemaInfo { key: of(key), value: of(value), encoding, ..info("KEY_VALUE", "") };
    Rows::of(&info).expect("the schema is right")
}

/// The row of a part by itself; NULLs where there is none.
fn own_row(at: usize, bytes: Option<&[u8]>) -> Option<Vec<Option<String>>> {
    let (_, _, rows, columns) = &PARTS[at];
    bytes.map_or_else(|| Some(vec![None; *columns]), |bytes| rows.fields(None, bytes).ok())
}

/// A key and a value.
type Parts<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// The parts of a payload, each with its length, in four bytes, before it; -1 for one that is not there.
fn parts(payload: &[u8]) -> Option<Parts<'_>> {
    let mut at = 0;
    let mut next = || {
        let length = i32::from_be_bytes(payload.get(at..at + 4)?.try_into().ok()?);
        at += 4;
        if length == -1 {
            return Some(None);
        }
        let part = payload.get(at..at.checked_add(usize::try_from(length).ok()?)?)?;
        at += part.len();
        Some(Some(part))
    };
    let parts = (next()?, next()?);
    (at == payload.len()).then_some(parts)
}
