use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;

use crate::decode::fields::MOST_LEVELS;
use crate::schema::names::allow_names_of_java;
use crate::schema::oracle::{Ty, Val, any_record, encode, info, plan, read_column, record_schema, row, to_avro};
use crate::value::Reason;

/// The payload that apache-avro writes of a record.
pub(crate) fn payload(schema: &str, fields: &[Ty], values: &[Val]) -> Vec<u8> {
    // Whichever test parses first decides for all: the parser's rules are the process's.
    allow_names_of_java();
    let schema = Schema::parse_str(schema).unwrap();
    let record = to_avro(&Ty::Record(fields.to_vec()), &Val::List(values.to_vec()));
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(record).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn every_value_of_every_schema_comes_back_from_its_row((fields, values) in any_record(true), reversed: bool) {
        let schema = record_schema(&fields).to_string();
        let mut row = row(&plan(&info("AVRO", &schema), reversed), None, &payload(&schema, &fields, &values)).unwrap();
        if reversed {
            row.reverse();
        }
        prop_assert_eq!(row.len(), fields.len());
        for ((field, value), text) in fields.iter().zip(&values).zip(&row) {
            prop_assert_eq!(&read_column(field, text.as_deref()), value, "{:?} as {:?}", field, text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_payload_that_is_cut_off_or_too_long_is_bad(
        (fields, values) in any_record(true),
        cut in any::<prop::sample::Index>(),
        surplus in prop::collection::vec(any::<u8>(), 1..4),
    ) {
        let schema = record_schema(&fields).to_string();
        let plan = plan(&info("AVRO", &schema), false);
        let whole = payload(&schema, &fields, &values);
        if !whole.is_empty() {
            let reason = row(&plan, None, &whole[..cut.index(whole.len())]).unwrap_err().reason;
            prop_assert_eq!(reason, Reason::Truncated);
        }
        let reason = row(&plan, None, &[whole, surplus].concat()).unwrap_err().reason;
        prop_assert_eq!(reason, Reason::TrailingBytes);
    }

    #[test]
    fn any_bytes_end_in_a_row_or_a_reason(
        (fields, values) in any_record(true),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        garbage in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let schema = record_schema(&fields).to_string();
        let plan = plan(&info("AVRO", &schema), false);
        let mut changed = payload(&schema, &fields, &values);
        for (at, byte) in changes {
            if !changed.is_empty() {
                let at = at.index(changed.len());
                changed[at] = byte;
            }
        }
        for bytes in [changed, garbage] {
            if let Ok(row) = row(&plan, None, &bytes) {
                prop_assert_eq!(row.len(), fields.len());
            }
        }
    }
}

/// The row of a record with one field `v` of this type.
fn field(schema: &str, payload: &[u8]) -> Result<Option<String>, Reason> {
    let schema = format!(r#"{{"type":"record","name":"R","fields":[{{"name":"v","type":{schema}}}]}}"#);
    let mut row = row(&plan(&info("AVRO", &schema), false), None, payload).map_err(|bad| bad.reason)?;
    assert_eq!(row.len(), 1);
    Ok(row.remove(0))
}

fn text(schema: &str, payload: &[u8]) -> String {
    field(schema, payload).unwrap().unwrap()
}

#[test]
fn each_reason_has_a_payload() {
    let cases: [(&str, &[u8], Reason); 14] = [
        (r#""long""#, &[], Reason::Truncated),
        (r#""long""#, &[0, 0], Reason::TrailingBytes),
        (r#""boolean""#, &[2], Reason::Malformed),
        (r#""int""#, &[0xff, 0xff, 0xff, 0xff, 0x1f], Reason::Malformed),
        (r#""string""#, &[2, 0xff], Reason::InvalidUtf8),
        (r#"{"type":"map","values":"null"}"#, &[2, 2, 0xff, 0], Reason::InvalidUtf8),
        (r#"["null","int"]"#, &[4, 0], Reason::UnknownBranch),
        (r#"["null","int","string"]"#, &[6, 0], Reason::UnknownBranch),
        (r#"{"type":"enum","name":"E","symbols":["A"]}"#, &[2], Reason::UnknownBranch),
        (r#"{"type":"int","logicalType":"date"}"#, &[0xff, 0xff, 0xff, 0xff, 0x0f], Reason::OutOfRange),
        (r#"{"type":"int","logicalType":"time-millis"}"#, &[1], Reason::OutOfRange),
        (r#"{"type":"bytes","logicalType":"decimal","precision":2,"scale":0}"#, &[2, 100], Reason::OutOfRange),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":50,"scale":0}"#,
            &[36, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Reason::OutOfRange,
        ),
        (
            r#"{"type":"array","items":{"type":"bytes","logicalType":"decimal","precision":2}}"#,
            &[2, 0, 0],
            Reason::Malformed,
        ),
    ];
    for (schema, payload, reason) in cases {
        assert_eq!(field(schema, payload), Err(reason), "{schema}");
    }
}

#[test]
fn nested_values_are_json_and_a_null_is_a_null() {
    assert_eq!(text(r#"{"type":"array","items":"long"}"#, &[4, 2, 3, 2, 1, 0]), "[1,-2,-1]");
    assert_eq!(text(r#"{"type":"array","items":"long"}"#, &[3, 4, 2, 3, 0]), "[1,-2]", "a block with its size");
    assert_eq!(text(r#"{"type":"map","values":"bytes"}"#, &[2, 2, b'"', 2, 0xff, 0]), r#"{"\"":"/w=="}"#);
    assert_eq!(text(r#"["null","int","string"]"#, &[2, 2]), r#"{"int":1}"#);
    assert_eq!(field(r#"["null","int","string"]"#, &[0]), Ok(None));
    assert_eq!(field(r#"["null",{"type":"array","items":"int"}]"#, &[0]), Ok(None));
    assert_eq!(
        text(r#"{"type":"array","items":["null","int","string"]}"#, &[4, 0, 4, 2, b'x', 0]),
        r#"[null,{"string":"x"}]"#
    );
    let nested = r#"{"type":"record","name":"N","fields":[{"name":"b","type":"boolean"},{"name":"a","type":["null","double"]}]}"#;
    assert_eq!(text(nested, &[1, 0]), r#"{"b":true,"a":null}"#);
}

#[test]
fn an_array_that_claims_more_items_than_it_can_have_ends_in_bounded_time() {
    // 2^60 nulls take no bytes; so do 2^60 records without fields.
    let count = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    assert_eq!(field(r#"{"type":"array","items":"null"}"#, &count), Err(Reason::TooLarge));
    let empty = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    assert_eq!(field(empty, &count), Err(Reason::TooLarge));
    assert_eq!(field(r#"{"type":"array","items":"long"}"#, &count), Err(Reason::Truncated));
    // The least number has no positive counterpart.
    let least = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0];
    assert_eq!(field(r#"{"type":"array","items":"long"}"#, &least), Err(Reason::Truncated));
}

#[test]
fn the_nested_fields_of_a_record_have_a_bound_together() {
    // Each of 50 MB.
    let nulls = [0x80, 0xda, 0xc4, 0x09, 0];
    let field = |name: &str| format!(r#"{{"name":"{name}","type":{{"type":"array","items":"null"}}}}"#);
    let schema = |names: &[&str]| {
        let fields: Vec<_> = names.iter().map(|name| field(name)).collect();
        format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
    };
    let written =
        |names: &[&str]| encode(&plan(&info("AVRO", &schema(names)), false), None, &nulls.repeat(names.len()));
    assert_eq!(written(&["a"]).unwrap().len() / 1_000_000, 60, "with its commas escaped");
    assert_eq!(written(&["a", "b"]).unwrap_err().reason, Reason::TooLarge);
}

#[test]
fn recursive_values_are_written_up_to_a_depth() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    assert_eq!(text(list, &[2, 2, 0]), r#"{"next":{"next":{"next":null}}}"#);
    let levels = |levels: usize| [vec![2; levels - 1], vec![0]].concat();
    assert!(field(list, &levels(MOST_LEVELS)).is_ok());
    assert_eq!(field(list, &levels(MOST_LEVELS + 1)), Err(Reason::TooLarge));
    assert_eq!(field(list, &levels(1_000_000)), Err(Reason::TooLarge));
    // A record that is its own field has no end and no bytes.
    let endless = r#"{"type":"record","name":"L","fields":[{"name":"next","type":"L"}]}"#;
    assert_eq!(field(endless, &[]), Err(Reason::TooLarge));
    let tree = r#"{"type":"record","name":"T","fields":[{"name":"of","type":{"type":"array","items":"T"}}]}"#;
    assert_eq!(text(tree, &[4, 0, 2, 0, 0, 0]), r#"{"of":[{"of":[]},{"of":[{"of":[]}]}]}"#);
}

#[test]
fn every_type_at_its_extremes() {
    let long =
        |value: i64| GenericDatumWriter::builder(&Schema::Long).build().unwrap().write_value_to_vec(value).unwrap();
    assert_eq!(text(r#""long""#, &long(i64::MIN)), "-9223372036854775808");
    assert_eq!(text(r#""long""#, &long((1 << 53) + 1)), "9007199254740993");
    assert_eq!(
        text(r#"{"type":"array","items":"long"}"#, &[vec![2], long(i64::MIN), vec![0]].concat()),
        "[-9223372036854775808]"
    );
    assert_eq!(text(r#""int""#, &long(i32::MIN.into())), "-2147483648");
    let doubles = [
        (-0.0, "-0.0"),
        (f64::NAN, "NaN"),
        (f64::NEG_INFINITY, "-Infinity"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ];
    for (value, written) in doubles {
        assert_eq!(text(r#""double""#, &f64::to_le_bytes(value)), written);
    }
    for plain in ["", "\0", "\\N", "\r\n", "\u{10ffff}", "\u{feff}", ",\"'\t", &"x".repeat(1 << 20)] {
        let payload = [long(plain.len() as i64), plain.as_bytes().to_vec()].concat();
        assert_eq!(text(r#""string""#, &payload), plain);
        let in_json = text(r#"{"type":"array","items":"string"}"#, &[vec![2], payload, vec![0]].concat());
        assert_eq!(serde_json::from_str::<[String; 1]>(&in_json).unwrap(), [plain]);
    }
    let millis = r#"{"type":"long","logicalType":"timestamp-millis"}"#;
    assert_eq!(text(millis, &long(-62_135_596_800_000)), "0001-01-01 00:00:00.000");
    assert_eq!(text(millis, &long(253_402_300_799_999)), "9999-12-31 23:59:59.999");
    assert_eq!(field(millis, &long(253_402_300_800_000)), Err(Reason::OutOfRange));
    let nanos = r#"{"type":"long","logicalType":"timestamp-nanos"}"#;
    assert_eq!(text(nanos, &long(i64::MIN)), "1677-09-21 00:12:43.145224192");
    let duration = r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#;
    assert_eq!(text(duration, &[0xff; 12]), "P4294967295M4294967295DT4294967.295S");
    let uuid = r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#;
    assert_eq!(text(uuid, &[0xab; 16]), "abababab-abab-abab-abab-abababababab");
    let big = r#"{"type":"bytes","logicalType":"big-decimal"}"#;
    assert_eq!(text(big, &[6, 2, 0xff, 4]), "-0.01");
}

#[test]
fn a_schema_of_ten_thousand_fields_is_written_in_bounded_time() {
    let fields = vec![Ty::Int; 10_000];
    let began = std::time::Instant::now();
    let plan = plan(&info("AVRO", &record_schema(&fields).to_string()), true);
    let row = row(&plan, None, &[2; 10_000]).unwrap();
    assert!(row.len() == 10_000 && row.iter().all(|field| field.as_deref() == Some("1")));
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn records_of_a_hundred_megabytes_are_written_or_bad_in_bounded_time() {
    const SIZE: usize = 100_000_000;
    let began = std::time::Instant::now();
    let long =
        |value: i64| GenericDatumWriter::builder(&Schema::Long).build().unwrap().write_value_to_vec(value).unwrap();
    let text = [long(SIZE as i64), vec![b'x'; SIZE]].concat();
    assert_eq!(field(r#""string""#, &text).unwrap().unwrap().len(), SIZE);
    assert_eq!(field(r#""string""#, &text[..SIZE]), Err(Reason::Truncated));
    assert_eq!(field(r#""string""#, &[&text[..], b"x"].concat()), Err(Reason::TrailingBytes));
    assert_eq!(field(r#""string""#, &vec![0xff; SIZE]), Err(Reason::Malformed));
    // Each item takes two characters.
    let items = [long(SIZE as i64), vec![2; SIZE], vec![0]].concat();
    assert_eq!(field(r#"{"type":"array","items":"int"}"#, &items), Err(Reason::TooLarge));
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
}
