use proptest::prelude::*;

use crate::decode::fields::MOST_LEVELS;
use crate::schema::oracle::{Ty, Val, any_record, info, plan, read_column, record_schema, row, to_jackson};
use crate::value::Reason;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn every_value_of_every_schema_comes_back_from_its_row((fields, values) in any_record(false), reversed: bool) {
        let payload = to_jackson(&Ty::Record(fields.clone()), &Val::List(values.clone()));
        let plan = plan(&info("JSON", &record_schema(&fields).to_string()), reversed);
        let mut row = row(&plan, None, payload.as_bytes()).unwrap();
        if reversed {
            row.reverse();
        }
        for ((field, value), text) in fields.iter().zip(&values).zip(&row) {
            prop_assert_eq!(&read_column(field, text.as_deref()), value, "{:?} as {:?}", field, text);
        }
    }

    #[test]
    fn any_change_of_a_payload_ends_in_a_row_or_a_reason(
        (fields, values) in any_record(false),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\"\\{}[],:-+.eE019tfnu \n\x01x\xff".to_vec()),
        cut: bool,
    ) {
        let mut payload = to_jackson(&Ty::Record(fields.clone()), &Val::List(values)).into_bytes();
        let at = at.index(payload.len());
        payload[at] = byte;
        let plan = plan(&info("JSON", &record_schema(&fields).to_string()), false);
        let changed = row(&plan, None, &payload);
        if serde_json::from_slice::<serde::de::IgnoredAny>(&payload).is_err() {
            prop_assert!(changed.is_err());
        }
        if cut {
            prop_assert!(row(&plan, None, &payload[..at]).is_err());
        }
    }
}

/// The row of an object `{"v":…}` whose field is of this type.
fn field(schema: &str, value: &str) -> Result<Option<String>, Reason> {
    whole(schema, &format!("{{\"v\":{value}}}"))
}

fn whole(schema: &str, payload: &str) -> Result<Option<String>, Reason> {
    let schema = format!(r#"{{"type":"record","name":"R","fields":[{{"name":"v","type":{schema}}}]}}"#);
    let mut row = row(&plan(&info("JSON", &schema), false), None, payload.as_bytes()).map_err(|bad| bad.reason)?;
    assert_eq!(row.len(), 1);
    Ok(row.remove(0))
}

#[test]
fn values_are_taken_by_name_and_what_is_missing_is_null() {
    assert_eq!(whole(r#""int""#, "{}"), Ok(None));
    assert_eq!(whole(r#""int""#, r#" { "w" : [ 1 , { "v" : 2 } ] , "v" : 3 } "#), Ok(Some("3".to_owned())));
    assert_eq!(whole(r#""int""#, r#"{"v":1,"v":2}"#), Ok(Some("2".to_owned())), "the last one counts");
    assert_eq!(whole(r#""int""#, r#"{"v":1,"\u0076":null}"#), Ok(None), "a name is compared without its escapes");
    assert_eq!(field(r#""int""#, "null"), Ok(None));
}

#[test]
fn each_reason_has_a_payload() {
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}"#;
    let symbols = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    let ints = r#"{"type":"array","items":"int"}"#;
    for (schema, value, reason) in [
        (r#""int""#, "\"one\"", Reason::WrongType),
        (r#""int""#, "\"\"", Reason::WrongType),
        (r#""int""#, "\"1 2\"", Reason::WrongType),
        (r#""int""#, "\"1.5\"", Reason::WrongType),
        (r#""int""#, "\"\\u0031\"", Reason::WrongType),
        (r#""int""#, "\"2147483648\"", Reason::OutOfRange),
        (r#""boolean""#, "\"1\"", Reason::WrongType),
        (r#""int""#, "1.5", Reason::WrongType),
        (r#""int""#, "2147483648", Reason::OutOfRange),
        (r#""long""#, "9223372036854775808", Reason::OutOfRange),
        (r#""long""#, "01", Reason::Malformed),
        (r#""long""#, "tru", Reason::WrongType),
        (r#""boolean""#, "1", Reason::WrongType),
        (r#""boolean""#, "trub", Reason::Malformed),
        (r#""string""#, "[1]", Reason::WrongType),
        (r#""string""#, "tru", Reason::Malformed),
        (r#""string""#, "\"\\ud800\"", Reason::Malformed),
        (r#""string""#, "\"\n\"", Reason::Malformed),
        (r#""double""#, "1e400", Reason::OutOfRange),
        (r#""double""#, "\"nan\"", Reason::WrongType),
        (r#""float""#, "1e39", Reason::OutOfRange),
        (r#""bytes""#, "\"?\"", Reason::Malformed),
        (decimal, "0.001", Reason::OutOfRange),
        (decimal, "\"0.001\"", Reason::OutOfRange),
        (symbols, "true", Reason::WrongType),
        (r#"{"type":"fixed","name":"F","size":2}"#, "\"AA==\"", Reason::Malformed),
        (ints, "{}", Reason::WrongType),
        (
            r#"{"type":"array","items":{"type":"record","name":"P","fields":[{"name":"key","type":"int"},{"name":"value","type":"int"}]}}"#,
            r#"{"x":1}"#,
            Reason::Malformed,
        ),
        (ints, "[1,\"b\"]", Reason::WrongType),
        (ints, "[1,]", Reason::Malformed),
        (r#"{"type":"int","logicalType":"date"}"#, "2932897", Reason::OutOfRange),
    ] {
        assert_eq!(field(schema, value), Err(reason), "{schema} {value}");
    }
    for (payload, reason) in [
        ("", Reason::Truncated),
        ("[]", Reason::WrongType),
        ("null", Reason::WrongType),
        ("{\"v\":1", Reason::Truncated),
        ("{\"v\":1}}", Reason::TrailingBytes),
        ("{v:1}", Reason::Malformed),
    ] {
        assert_eq!(whole(r#""int""#, payload), Err(reason), "{payload}");
    }
    let plan = plan(&info("JSON", r#""string""#), false);
    assert_eq!(row(&plan, None, b"\"\xff\"").unwrap_err().reason, Reason::InvalidUtf8);
}

#[test]
fn numbers_are_exact_and_texts_unescaped() {
    let text = |schema: &str, value: &str| field(schema, value).unwrap().unwrap();
    assert_eq!(text(r#""long""#, "9007199254740993"), "9007199254740993");
    assert_eq!(text(r#""long""#, "-9223372036854775808"), "-9223372036854775808");
    assert_eq!(text(r#""long""#, "-0"), "0");
    assert_eq!(text(r#""double""#, "\"-Infinity\""), "-Infinity");
    assert_eq!(text(r#""float""#, "16777217"), "16777216.0");
    assert_eq!(text(r#""string""#, r#""\ud83d\ude00\u0000\/\"""#), "😀\0/\"");
    assert_eq!(text(r#"["null","int","string"]"#, "{ \"a\" : 1.50 }"), "{\"a\":1.50}");
}

#[test]
fn what_clients_write_beyond_the_schema_is_read_exactly() {
    let text = |schema: &str, value: &str| field(schema, value).unwrap().unwrap();
    assert_eq!(text(r#""string""#, "12.30"), "12.30");
    assert_eq!(text(r#""string""#, "-123456789012345678901234567890"), "-123456789012345678901234567890");
    assert_eq!(text(r#""string""#, "true"), "true");
    assert_eq!(text(r#""long""#, "5.0"), "5");
    assert_eq!(text(r#""int""#, "5e0"), "5");
    assert_eq!(text(r#""long""#, "\"9007199254740993\""), "9007199254740993");
    assert_eq!(text(r#""int""#, "\" -5 \""), "-5");
    assert_eq!(text(r#""boolean""#, "\"true\""), "true");
    assert_eq!(text(r#""double""#, "\"0.1\""), "0.1");
    assert_eq!(text(r#"{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}"#, "\"1.5\""), "1.50");
    assert_eq!(text(r#"{"type":"array","items":"long"}"#, "[\"9007199254740993\"]"), "[9007199254740993]");
    assert_eq!(text(r#""double""#, "NaN"), "NaN");
    assert_eq!(text(r#""float""#, "-Infinity"), "-Infinity");
    assert_eq!(text(r#"{"type":"enum","name":"E","symbols":["chat","phone"]}"#, "1"), "1");
    assert_eq!(text(r#"{"type":"enum","name":"E","symbols":["CHAT"]}"#, "\"chat\""), "chat");
    assert_eq!(text(r#"["null","double","string"]"#, "[NaN]"), "[\"NaN\"]");
    assert_eq!(
        text(r#"{"type":"long","logicalType":"timestamp-millis"}"#, "\"1970-01-01T00:00:00Z\""),
        "1970-01-01 00:00:00.000000000"
    );
    let character = r#"["null",{"type":"int","java-class":"java.lang.Character"}]"#;
    assert_eq!(text(character, "\"B\""), "66");
    assert_eq!(text(character, "\"5\""), "53");
    assert_eq!(text(character, "66"), "66");
    assert_eq!(field(character, "\"BB\""), Err(Reason::WrongType));
    assert_eq!(field(character, "\"👢\""), Err(Reason::WrongType));
    let nested = format!(
        r#"{{"type":"record","name":"A","fields":[{{"name":"n","type":"int"}},{{"name":"b","type":{{"type":"record","name":"B",
            "fields":[{{"name":"n","type":"int"}},{{"name":"c","type":{character}}}]}}}},{{"name":"c","type":{character}}}]}}"#
    );
    assert_eq!(text(&nested, r#"{"n":1,"b":{"n":2,"c":"x"},"c":"y"}"#), r#"{"n":1,"b":{"n":2,"c":120},"c":121}"#);
    assert_eq!(field(&nested, r#"{"n":"x"}"#), Err(Reason::WrongType));
    let date = r#"{"type":"record","name":"Date","namespace":"java.util","fields":[]}"#;
    assert_eq!(text(date, "1793491200000"), "1793491200000");
    let sku = r#"{"type":"record","name":"Sku","fields":[{"name":"text","type":"string"}]}"#;
    assert_eq!(text(sku, r#""A-1""#), r#""A-1""#);
    assert_eq!(field(sku, r#"["A-1"]"#), Err(Reason::WrongType));
    let characters = r#"["null",{"type":"array","items":{"type":"int","java-class":"java.lang.Character"}}]"#;
    assert_eq!(text(characters, r#""B👢""#), "[66,55357,56418]");
    assert_eq!(text(characters, r#"["B",67]"#), "[66,67]");
    assert_eq!(text(date, r#"{ "a" : 1 }"#), r#"{"a":1}"#);
    let pairs = |key: &str| {
        format!(
            r#"{{"type":"array","items":{{"type":"record","name":"P","fields":[{{"name":"key","type":{key}}},{{"name":"value","type":"long"}}]}}}}"#
        )
    };
    assert_eq!(text(&pairs(r#""int""#), r#"{"1":5,"-2":6}"#), r#"[{"key":1,"value":5},{"key":-2,"value":6}]"#);
    let character_key = r#"{"type":"int","java-class":"java.lang.Character"}"#;
    assert_eq!(text(&pairs(character_key), r#"{"5":1,"x":2}"#), r#"[{"key":53,"value":1},{"key":120,"value":2}]"#);
    assert_eq!(text(&pairs(r#""string""#), r#"{"a":5}"#), r#"[{"key":"a","value":5}]"#);
    assert_eq!(whole(r#""int""#, "\u{feff}{\"x\":[NaN,-Infinity],\"v\":1}"), Ok(Some("1".to_owned())));
}

#[test]
fn nested_objects_are_in_the_schemas_order_and_complete() {
    let nested = r#"{"type":"record","name":"N","fields":[{"name":"a","type":"long"},{"name":"n","type":["null","N"]},{"name":"b","type":"bytes"}]}"#;
    let text = field(nested, r#"{"b":"AA==","x":{},"n":{"a":9007199254740993},"a":1,"a":2}"#).unwrap().unwrap();
    assert_eq!(text, r#"{"a":2,"n":{"a":9007199254740993,"n":null,"b":null},"b":"AA=="}"#);
    let levels = |levels: usize| format!("{}null{}", "{\"n\":".repeat(levels), "}".repeat(levels));
    assert!(field(nested, &levels(MOST_LEVELS)).is_ok());
    assert_eq!(field(nested, &levels(MOST_LEVELS + 1)), Err(Reason::TooLarge));
    assert_eq!(field(nested, &levels(100_000)), Err(Reason::TooLarge));
}

#[test]
fn what_is_missing_takes_no_more_text_than_there_is_a_bound_on_all_fields_together() {
    // A record without members is its fields' names and nulls: 100 KB of text for two bytes of the payload.
    let inner: Vec<_> = (0..1_000).map(|at| format!(r#"{{"name":"{}{at}","type":"int"}}"#, "x".repeat(90))).collect();
    let first = format!(r#"{{"type":"array","items":{{"type":"record","name":"I","fields":[{}]}}}}"#, inner.join(","));
    let again = r#"{"type":"array","items":"I"}"#;
    let fields: Vec<_> = (0..9)
        .map(|at| format!(r#"{{"name":"f{at}","type":{}}}"#, if at == 0 { first.as_str() } else { again }))
        .collect();
    let schema = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
    let plan = plan(&info("JSON", &schema), false);
    let of = |fields: usize| {
        let items = vec!["{}"; 100].join(",");
        let members: Vec<_> = (0..fields).map(|at| format!(r#""f{at}":[{items}]"#)).collect();
        row(&plan, None, format!("{{{}}}", members.join(",")).as_bytes()).map_err(|bad| bad.reason).map(drop)
    };
    assert_eq!((of(6), of(7)), (Ok(()), Err(Reason::TooLarge)));
}
