//! Writes valid inputs of each target to what `tool/fuzz` found, where fuzzing begins:
//! `RUSTFLAGS="--cfg fuzzing" cargo run --example seeds`.

use std::fs;
use std::io;
use std::path::Path;

use apache_avro::Schema;
use apache_avro::schema::Name;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use hdfs_csv_fuzz::connector::{Rows, info};
use hdfs_csv_fuzz::schemas::SCHEMAS;
// What is compiled for fuzzing wants its symbols.
use libfuzzer_sys as _;
use pulsar_io_hdfs_csv::fuzzing::metastore_table;
use pulsar_io_hdfs_csv::hand_over::frame::pack;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record;

/// JSON payloads by the number of their schema.
const JSON: [(u8, &str); 22] = [
    (0, r#"{"a":true,"b":-1,"c":9007199254740993,"d":1.5,"e":1e-7,"f":"a,\"\\\né","g":"AAE=","h":null}"#),
    (0, r#"{ "h" : null , "x" : [ { } , 1 ] , "b" : "7" , "a" : "true" , "f" : 12.30 , "e" : "NaN" }"#),
    (1, r#"{"c":5.0,"f":"\ud83d\ude00","a":null,"a":false,"g":""}"#),
    (1, "\u{feff}{\"d\":NaN,\"e\":-Infinity}"),
    (2, r#"{"a":20781,"b":1000,"c":86399999999,"d":1793491200000,"e":1793491200000001,"f":-1,"g":null,"h":1}"#),
    (2, r#"{"a":[2026,11,24],"b":[12,30],"c":[12,30,15,123000000],"d":1793491200.123000000,"e":[2026,11,24,12,30]}"#),
    (
        2,
        r#"{"a":"2026-11-24","b":"12:30:15.123","d":"2026-11-24T12:30:15.5+03:00","f":"2026-11-24 23:30:15.000000001"}"#,
    ),
    (3, r#"{"a":1.25,"b":-1.5E+2,"c":"0.1","d":12345678901234567890.5}"#),
    (
        4,
        r#"{"a":"A","b":"AAEC","c":"123e4567-e89b-12d3-a456-426614174000","d":"AQAAAAIAAAADAAAA","e":"","f":1,"g":"AAEC"}"#,
    ),
    (5, r#"{"a":[1,2,-3],"b":[null,null],"c":["x",null],"d":[[],[[null]]]}"#),
    (6, r#"{"a":{"k":"v","k":"w"},"b":{"x":1.5,"y":"Infinity"},"c":{"z":["AA=="]},"d":{"a":{"b":null,"c":2}}}"#),
    (7, r#"{"next":{"s":"b","next":null,"y":1},"s":"a","in":{"n":1,"back":{"n":2}}}"#),
    (8, r#"{"a":{"n":1},"b":"x","c":null,"d":7}"#),
    (8, r#"{"a":[1.50,NaN],"b":1,"c":{"n":5},"d":0}"#),
    (9, r#"{"a":[{"key":1,"value":"x"}],"b":"B","c":"B👢","d":1793491200000,"e":[{},1,"x"]}"#),
    (9, r#"{"a":{"1":"x","-2":"y"},"b":66,"c":["B",67],"d":{ "a" : 1 }}"#),
    (10, "-9223372036854775808"),
    (11, r#"{"a":0,"b":"1970-01-01T00:00:00Z"}"#),
    (12, r#""text""#),
    (12, "null"),
    (13, r#"[{"m":{"a":null,"b":{"m":{},"t":5,"x":0.0001}},"t":86399999,"x":-0.9999}]"#),
    (13, "[ ]"),
];

const MANIFESTS: [&str; 3] = [
    r#"{"formatVersion":1,"sequence":7,"nonce":"n","sourcePartition":"p","ordered":true,"sink":{"sink":"a/b/c","subscription":"s","topic":"t"},
"predecessorLast":"1:1:0","first":"1:2:0","last":"1:2:3","largestPublishTime":5,"rows":1,"dropped":0,"totalRows":1,"totalDropped":0,
"schemaVersion":1,"files":[{"staged":"_staging/p/7-n.csv","name":"dt=1/p-7.csv","content":{"length":4,"rows":1,"checksum":"0a1b2c3d",
"format":{"dialect":{"hive":{"delimiter":44}},"compression":"none"}},"replaces":{"length":2,"rows":0,"checksum":"00000000","format":null}}],
"openFiles":[{"directory":"dt=1","name":"dt=1/p-7.csv","content":{"length":4,"rows":1,"checksum":"0a1b2c3d","format":{"x":[1.5,"y"]}}}],
"openFilesSince":3}"#,
    r#"{"formatVersion":1,"sequence":7,"nonce":"n","sourcePartition":"p","ordered":false,"sink":{"sink":"a/b/c","subscription":"s","topic":"t",
"cluster":"eu"},"predecessorLast":null,"first":null,"last":null,"largestPublishTime":-1,"rows":0,"dropped":9,"totalRows":18446744073709551615,
"totalDropped":9,"schemaVersion":0,"files":[],"openFiles":[]}"#,
    r#"{"formatVersion":2,"sequence":8}"#,
];

const SETTINGS: [&str; 2] = [
    r#"{"configs":{"directory":"/events","commitInterval":"1m","maxMemory":"64MB","partitionBy":"day","hiveMetastoreUris":["thrift://a:1"]},
"sink":{"tenant":"t","namespace":"n","name":"s","cluster":"eu","subscription":"s","processingGuarantees":"EFFECTIVELY_ONCE",
"cleanupSubscription":false,"subscriptionPosition":"Earliest","looksIntoGaps":true,"timeoutMs":null,"instance":0,
"inputs":["persistent://t/n/page-partition-1","x"]}}"#,
    r#"{"configs":{"directory":"hdfs://nn:8020/e/","dialect":"rfc4180","header":true,"delimiter":"\\t","metadataColumns":"all",
"deliveryGuarantee":"at-least-once"},"sink":{"tenant":"t","namespace":"n","name":"s","subscription":"s","processingGuarantees":"ATLEAST_ONCE"}}"#,
];

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz/corpus");
    let put = |target: &str, number: usize, bytes: &[u8]| {
        fs::create_dir_all(corpus.join(target))?;
        fs::write(corpus.join(target).join(format!("seed-{number}")), bytes)
    };
    // From then on apache-avro takes Java's names.
    Rows::of(&info("AVRO", SCHEMAS[0])).expect("the schema is right");
    let mut number = 0;
    for (at, schema) in SCHEMAS.iter().enumerate() {
        put("avro_schema", at, schema.as_bytes())?;
        for variant in 0..4 {
            let payload = payload(schema, variant);
            put("avro", number, &[&[at as u8], &payload[..]].concat())?;
            // As the value behind an INT32 key, and as the key before a null.
            let length = (payload.len() as u32).to_be_bytes();
            put(
                "key_value",
                2 * number,
                &[&[5, 16 + at as u8, 0, 0, 0, 0, 4, 0, 0, 0, 7], &length[..], &payload].concat(),
            )?;
            put("key_value", 2 * number + 1, &[&[16 + at as u8, 0, 0], &length[..], &payload, &[255; 4]].concat())?;
            number += 1;
        }
    }
    for (at, (schema, text)) in JSON.iter().enumerate() {
        put("json", at, &[&[*schema], text.as_bytes()].concat())?;
        let apart = [&[at as u8 % 16, 30 + schema, 1, 1, 4], &b"12345678"[..4], text.as_bytes()].concat();
        put("key_value", 1_000 + at, &apart)?;
    }
    for (at, text) in MANIFESTS.iter().enumerate() {
        put("manifest", at, text.as_bytes())?;
    }
    for (at, text) in SETTINGS.iter().enumerate() {
        put("configuration", at, &[b"\0", text.as_bytes()].concat())?;
        put(
            "configuration",
            10 + at,
            &[1, 2, 5, 3, 2, b'1', b's', 8, 3, 2, b',', b',', 0, 9, b't', b'/', b'n', b'/', at as u8, b'-', b'p'],
        )?;
    }
    put("sink_identity", 0, br#"{"sink":"a/b/c","subscription":"s","topic":"persistent://a/b/t","cluster":"eu"}"#)?;
    put(
        "sink_identity",
        1,
        br#"{"version":3,"columns":[{"name":"a","type":"bigint"},{"name":"b","type":"decimal(38,2)"}]}"#,
    )?;
    let list = br#"{"files":{"dt=1/p-1.csv":{"sequence":1,"content":{"length":1,"rows":1,"checksum":"00000000","format":null}}}}"#;
    let first = [&[3, list.len() as u8], &list[..], &[27], b"pruned-00000000000000000002", &[2], b"{}"].concat();
    put("file_lists", 0, &[&first[..], br#"{"files":{}}"#].concat())?;
    put(
        "file_lists",
        1,
        &[&[2, 12], &br#"{"files":{}}"#[..], &[11], b"dt=1-b.json", &[list.len() as u8], list, list].concat(),
    )?;
    put("site_xml", 0, b"\0<configuration><property><name>fs.defaultFS</name><value> hdfs://nn:9000/ </value></property></configuration>")?;
    put("site_xml", 1, b"\0<?xml version=\"1.0\"?><!-- c --><c><property><value>&#x30;&amp;</value><name><![CDATA[x]]></name></property></c>")?;
    put("site_xml", 2, b"\x01\0\x04\x05hdfs:\x02\x0b\x03a<b\x02\x01\x02&]")?;
    let table = [&[0x80, 1, 0, 2, 0, 0, 0, 1, b'm', 0, 0, 0, 1, 12, 0, 0], &metastore_table()[13..], &[0]].concat();
    put("thrift", 0, &[&table[..13], &metastore_table()[13..]].concat())?;
    put("thrift", 1, &table)?;
    put("thrift", 2, b"\x80\x01\0\x02\0\0\0\x01m\0\0\0\x01\x0f\0\0\x0b\0\0\0\x02\0\0\0\x04dt=1\0\0\0\x04dt=2\0")?;
    put("thrift", 3, b"\x80\x01\0\x03\0\0\0\x01m\0\0\0\x01\x0b\0\x01\0\0\0\x02no\x08\0\x02\0\0\0\x06\0")?;
    let structs = [&[15, 0, 0, 12, 0, 0, 2, 0x58], &[2, 0, 1, 1, 0].repeat(600)[..], &[0]].concat();
    put("thrift", 4, &[b"\x80\x01\0\x02\0\0\0\x01m\0\0\0\x01", &structs[..]].concat())?;
    let records = [0, 0, 1, 2].map(|source_partition| Record {
        source_partition,
        key: (source_partition > 0).then_some(&b"key"[..]),
        key_is_bytes: source_partition == 2,
        event_time: (source_partition == 1).then_some(77),
        properties: (source_partition == 2).then_some(&b"{}"[..]),
        null_value: source_partition == 1,
        ..Record::plain(
            Position { ledger: 1, entry: 2, batch_index: source_partition },
            if source_partition == 1 { b"" } else { b"payload" },
        )
    });
    put("hand_over", 0, &pack(records))?;
    put("hand_over", 1, &pack(records[..2].iter().copied()))?;
    for at in 0..8u8 {
        let bytes: Vec<u8> = (0..200u16).map(|byte| (byte.wrapping_mul(u16::from(at) * 2 + 7) >> 2) as u8).collect();
        put("dead_letters", at.into(), &bytes)?;
        put("rows", at.into(), &[&[at, 4], &bytes[..]].concat())?;
    }
    Ok(())
}

/// A payload of a schema; each variant has others of the values and branches.
fn payload(schema: &str, variant: usize) -> Vec<u8> {
    let schema = Schema::parse_str(schema).expect("the schema is right");
    let names = apache_avro::schema::ResolvedSchema::try_from(&schema).expect("the schema is right");
    let value = value(&schema, &|name| (*names.get_names().get(name).expect("the name is known")).clone(), variant, 4);
    let writer = GenericDatumWriter::builder(&schema).validate(false).build().expect("the schema is right");
    writer.write_value_to_vec(value).expect("the value is of the schema")
}

fn value(schema: &Schema, named: &dyn Fn(&Name) -> Schema, variant: usize, levels: usize) -> Value {
    let number = variant as i64 * 1_000_003 - 7;
    match schema {
        Schema::Null => Value::Null,
        Schema::Boolean => Value::Boolean(variant % 2 == 1),
        Schema::Int => Value::Int(number as i32),
        Schema::Long => Value::Long(number * number * 1_000_003),
        Schema::Float => Value::Float(number as f32 / 3.0),
        Schema::Double => Value::Double(number as f64 / 3.0),
        Schema::Bytes => Value::Bytes(vec![variant as u8; variant]),
        Schema::String => Value::String(["", "a,b", "\\N\n\r", "Ц😀"][variant % 4].to_owned()),
        Schema::Fixed(fixed) => Value::Fixed(fixed.size, vec![variant as u8; fixed.size]),
        Schema::Enum(symbols) => {
            let at = variant % symbols.symbols.len();
            Value::Enum(at as u32, symbols.symbols[at].clone())
        }
        Schema::Decimal(_) => Value::Decimal([vec![0; 16], vec![7 + variant as u8]].concat().into()),
        Schema::BigDecimal => Value::BigDecimal(variant_decimal(variant)),
        Schema::Date => Value::Date(20_781 + variant as i32),
        Schema::TimeMillis => Value::TimeMillis(1_000 * variant as i32),
        Schema::TimeMicros => Value::TimeMicros(1_000_001 * variant as i64),
        Schema::TimestampMillis => Value::TimestampMillis(1_793_491_200_001 * variant as i64),
        Schema::TimestampMicros => Value::TimestampMicros(1_793_491_200_000_001 * variant as i64),
        Schema::TimestampNanos => Value::TimestampNanos(1_793_491_200_000_000_001 * variant as i64 / 2),
        Schema::LocalTimestampMillis => Value::LocalTimestampMillis(-1),
        Schema::LocalTimestampMicros => Value::LocalTimestampMicros(-1),
        Schema::LocalTimestampNanos => Value::LocalTimestampNanos(-1),
        Schema::Uuid(_) => Value::Uuid(apache_avro::Uuid::from_bytes([variant as u8 + 1; 16])),
        Schema::Duration(_) => Value::Duration([1, 0, 0, 0, 2, 0, 0, 0, variant as u8, 5, 0, 0].into()),
        Schema::Array(array) if levels > 0 => {
            Value::Array((0..variant % 3).map(|at| value(&array.items, named, variant + at, levels - 1)).collect())
        }
        Schema::Array(_) => Value::Array(Vec::new()),
        Schema::Map(map) if levels > 0 => {
            let member = |at: usize| (format!("k{at}"), value(&map.types, named, variant + at, levels - 1));
            Value::Map((0..variant % 3).map(member).collect())
        }
        Schema::Map(_) => Value::Map([].into()),
        Schema::Union(union) => {
            let branches = union.variants();
            let null = branches.iter().position(|branch| *branch == Schema::Null).filter(|_| levels == 0);
            let at = null.unwrap_or(variant % branches.len());
            Value::Union(at as u32, Box::new(value(&branches[at], named, variant, levels.saturating_sub(1))))
        }
        Schema::Record(record) => {
            let field = |field: &apache_avro::schema::RecordField| {
                (field.name.clone(), value(&field.schema, named, variant, levels))
            };
            Value::Record(record.fields.iter().map(field).collect())
        }
        Schema::Ref { name } => value(&named(name), named, variant, levels),
    }
}

fn variant_decimal(variant: usize) -> apache_avro::BigDecimal {
    ["0", "1.5", "-12345678901234567890.001", "1000"][variant % 4].parse().expect("it is a number")
}
