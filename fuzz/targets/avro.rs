//! Avro payloads of any bytes, by the schemas of `fuzz/src/schemas.rs`: what apache-avro reads becomes the same row, and what it
//! does not read becomes none.

#![no_main]

use std::sync::LazyLock;

use hdfs_csv_fuzz::avro::{Decoded, Oracle};
use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::connector::{Rows, info};
use hdfs_csv_fuzz::schemas::SCHEMAS;
use hdfs_csv_fuzz::tree::Tree;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::MOST_TEXT;

struct Case {
    rows: Rows,
    reversed: Rows,
    oracle: Oracle,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let case = |schema: &&str| Case {
        rows: Rows::of(&info("AVRO", schema)).expect("the schema is right"),
        reversed: Rows::reversed(&info("AVRO", schema)).expect("the schema is right"),
        oracle: Oracle::new(schema),
    };
    SCHEMAS.iter().map(case).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, payload)) = data.split_first() else { return };
    let Case { rows, reversed, oracle } = &CASES[usize::from(*choice) % CASES.len()];
    // The text of nested values, in a buffer that grows to twice its size, and the row of it.
    let most = 8 * MOST_TEXT + 64 * payload.len();
    let row = within(most, || rows.fields(None, payload));
    let other = reversed.fields(None, payload).map(|mut fields| {
        fields.reverse();
        fields
    });
    assert_eq!(row.as_ref().ok(), other.as_ref().ok(), "the order of the columns changes the row");
    match (oracle.read(payload), row) {
        (Decoded::Columns(Some(columns)), Ok(fields)) => {
            assert_eq!(columns.len(), fields.len());
            for (column, field) in columns.iter().zip(&fields) {
                assert!(column.is_in_column(field.as_deref()), "{field:?} instead of {column:?}");
            }
        }
        (Decoded::Columns(Some(columns)), Err(reason)) => {
            assert!(may_be_refused(&columns, payload, &reason), "{reason}, and apache-avro reads {columns:?}");
        }
        (Decoded::Columns(None) | Decoded::Refused, Ok(fields)) => panic!("{fields:?} of what is no payload"),
        (Decoded::Columns(None) | Decoded::Refused, Err(_)) | (Decoded::TooLarge, _) => {}
    }
});

/// Where the connector is stricter than apache-avro.
fn may_be_refused(columns: &[Tree], payload: &[u8], reason: &str) -> bool {
    // Depth and size have bounds.
    let is_large = columns.iter().any(|column| column.levels() > 200 || column.least_length() > MOST_TEXT / 4);
    // A number of ten bytes has room for one bit in the last; apache-avro leaves the others out.
    let has_too_many_bits = payload.windows(10).any(|ten| ten[..9].iter().all(|byte| *byte >= 0x80) && ten[9] > 1);
    // Of a map's members of one name apache-avro gives the last only: another one can be what no column holds.
    let is_there_twice =
        |name: &str| payload.windows(name.len() + 1).filter(|at| at[1..] == *name.as_bytes()).count() > 1;
    columns.iter().any(Tree::may_be_refused)
        || ((reason.starts_with("out-of-range") || reason.starts_with("malformed"))
            && columns.iter().flat_map(Tree::names).any(is_there_twice))
        || (reason.starts_with("too-large") && is_large)
        || (reason.starts_with("malformed") && has_too_many_bits)
}
