//! Payloads that the Java client's own schema classes wrote (tests/oracle/PulsarBytes.java), and the rows that they become.

use std::collections::HashMap;

use crate::schema::oracle::{info, plan, row};
use crate::schema::writer::{PartInfo, SchemaInfo};

/// Each printed line is a name and bytes in hexadecimal.
fn printed() -> HashMap<&'static str, Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let lines = include_str!("../../tests/oracle/pulsar-bytes.txt").lines();
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, hex)| (name, hex.as_bytes().chunks(2).map(byte).collect()))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn texts(row: Vec<Option<String>>) -> Vec<String> {
    row.into_iter().map(|field| field.unwrap_or_else(|| "NULL".to_owned())).collect()
}

#[test]
fn primitive_values() {
    let printed = printed();
    for (schema_type, expected) in [
        ("STRING", "é,\n"),
        ("BYTES", "/wA="),
        ("BOOLEAN", "true"),
        ("INT8", "-2"),
        ("INT16", "-300"),
        ("INT32", "-2147483648"),
        ("INT64", "-9223372036854775807"),
        ("FLOAT", "-0.1"),
        ("DOUBLE", "5e-324"),
        ("DATE", "1969-12-31 23:59:59.999"),
        ("TIME", "1970-01-01 12:30:15.123"),
        ("TIMESTAMP", "2026-11-01 00:00:00.001"),
        ("INSTANT", "1969-12-31 23:59:59.999999999"),
        ("LOCAL_DATE", "0001-01-01"),
        ("LOCAL_TIME", "23:59:59.999999999"),
        ("LOCAL_DATE_TIME", "9999-12-31 23:59:59.999999999"),
    ] {
        let plan = plan(&info(schema_type, ""), false);
        let payload = &printed[schema_type];
        assert_eq!(texts(row(&plan, None, payload).unwrap()), [expected], "{schema_type}");
        if !matches!(schema_type, "STRING" | "BYTES") {
            assert!(row(&plan, None, &payload[1..]).is_err(), "{schema_type} too short");
            assert!(row(&plan, None, &[&payload[..], &[0]].concat()).is_err(), "{schema_type} too long");
        }
    }
}

#[test]
fn keys_and_values() {
    let printed = printed();
    let plan_of = |encoding: &str| {
        let key = PartInfo { schema_type: "INT32".to_owned(), schema: String::new() };
        let value = PartInfo { schema_type: "AVRO".to_owned(), schema: text(&printed["inner-schema"]) };
        let encoding = Some(encoding.to_owned());
        plan(&SchemaInfo { key: Some(key), value: Some(value), encoding, ..info("KEY_VALUE", "") }, false)
    };
    let (inline, separated) = (plan_of("INLINE"), plan_of("SEPARATED"));
    assert_eq!(texts(row(&inline, None, &printed["inline"]).unwrap()), ["7", "x", "1"]);
    assert_eq!(texts(row(&inline, None, &printed["inline-null-value"]).unwrap()), ["7", "NULL", "NULL"]);
    assert_eq!(texts(row(&inline, None, &printed["inline-null-key"]).unwrap()), ["NULL", "x", "1"]);
    let key = Some(&printed["separated-key"][..]);
    assert_eq!(texts(row(&separated, key, &printed["separated"]).unwrap()), ["7", "x", "1"]);
    assert_eq!(texts(row(&separated, None, &printed["separated"]).unwrap()), ["NULL", "x", "1"]);
    assert!(row(&separated, key, &printed["inline"]).is_err());
}

#[test]
fn a_class_as_avro_and_as_json_becomes_the_same_row() {
    let printed = printed();
    let of = |schema_type: &str, name: &str| {
        let plan = plan(&info(schema_type, &text(&printed[format!("{name}-schema").as_str()])), false);
        texts(row(&plan, None, &printed[name]).unwrap())
    };
    let avro = of("AVRO", "avro");
    assert_eq!(of("JSON", "json"), avro);
    let expected = [
        "-9223372036854775808",
        "/wA=",
        "GREEN",
        "-12.345",
        "true",
        r#"{"a":"x","z":1}"#,
        "[1,2]",
        r#"{"k":9223372036854775807}"#,
        "NULL",
        "3",
        "0.1",
        "-2",
        "é\"\\\n\0😀",
        "-1",
        "NaN",
    ];
    assert_eq!(avro, expected);
    let moments = ["2026-11-24", "1969-12-31 23:59:59.999000000", "12:30:15.123000000"];
    assert_eq!(of("JSON", "moments"), moments);
}
