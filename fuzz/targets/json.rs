//! JSON payloads of any bytes, by the schemas of `fuzz/src/schemas.rs`: what serde_json refuses is refused, what it reads as the
//! schema's types becomes a row of these values, and no row says anything else.

#![no_main]

use std::sync::LazyLock;

use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::connector::{Rows, info};
use hdfs_csv_fuzz::json::{Document, Oracle};
use hdfs_csv_fuzz::schemas::SCHEMAS;
use hdfs_csv_fuzz::tree::Tree;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::MOST_TEXT;

static CASES: LazyLock<Vec<(Rows, Oracle)>> = LazyLock::new(|| {
    let case = |schema: &&str| (Rows::of(&info("JSON", schema)).expect("the schema is right"), Oracle::new(schema));
    SCHEMAS.iter().map(case).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, payload)) = data.split_first() else { return };
    let (rows, oracle) = &CASES[usize::from(*choice) % CASES.len()];
    let row = within(8 * MOST_TEXT + 512 * payload.len(), || rows.fields(None, payload));
    match (Document::parse(payload), row) {
        (Document::Refused, Ok(fields)) => panic!("{fields:?} of what is no JSON"),
        (Document::Refused, Err(_)) | (Document::Unknown, _) => {}
        (Document::Read(value), row) => match (oracle.columns(&value), row) {
            (Some(columns), Ok(fields)) => {
                assert_eq!(columns.len(), fields.len());
                for (column, field) in columns.iter().zip(&fields) {
                    assert!(column.is_in_column(field.as_deref()), "{field:?} instead of {column:?}");
                }
            }
            (Some(columns), Err(reason)) => {
                let is_large = columns.iter().map(Tree::least_length).sum::<usize>() > MOST_TEXT / 4;
                let may_be = columns.iter().any(Tree::may_be_refused) || (reason.starts_with("too-large") && is_large);
                assert!(may_be, "{reason}, and serde_json reads {columns:?}");
            }
            (None, Ok(fields)) => panic!("{fields:?} of what is no object"),
            (None, Err(_)) => {}
        },
    }
});
