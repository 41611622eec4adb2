//! Writers' schemas from the broker's registry, in the form in which the connector compiles them.

use anyhow::{Context, Result};
use pulsar::proto::Schema;
use pulsar::proto::schema::Type;
use pulsar_io_hdfs_csv::schema::writer::{PartInfo, SchemaInfo};

/// What the broker says of a schema, as the connector's Java class would hand it over. None is a version that the broker
/// does not know.
pub fn schema_info(version: &[u8], schema: Option<&Schema>) -> Result<SchemaInfo> {
    let version = version.iter().map(|byte| format!("{byte:02x}")).collect();
    let Some(schema) = schema else {
        return Ok(SchemaInfo { schema_type: "NONE".to_owned(), version, ..SchemaInfo::default() });
    };
    let property = |key: &str| schema.properties.iter().find(|own| own.key == key).map(|own| own.value.clone());
    let schema_type = Type::try_from(schema.r#type).map_or("UNKNOWN".to_owned(), name);
    if schema_type != "KEY_VALUE" {
        let schema = String::from_utf8_lossy(&schema.schema_data).into_owned();
        return Ok(SchemaInfo { schema_type, schema, version, ..SchemaInfo::default() });
    }
    let (key, rest) = part(&schema.schema_data).context("the KeyValue schema's key")?;
    let (value, _) = part(rest).context("the KeyValue schema's value")?;
    let described = |kind: &str, schema: &[u8]| {
        let schema_type = property(&format!("{kind}.schema.type")).unwrap_or_else(|| "BYTES".to_owned());
        Some(PartInfo { schema_type, schema: String::from_utf8_lossy(schema).into_owned() })
    };
    Ok(SchemaInfo {
        schema_type,
        schema: String::new(),
        version,
        key: described("key", key),
        value: described("value", value),
        encoding: property("kv.encoding.type").or_else(|| Some("INLINE".to_owned())),
    })
}

/// A schema behind its length, and what follows it.
fn part(data: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>().context("its length is cut off")?;
    // No schema text has the length -1.
    let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
    rest.split_at_checked(length).context("it is cut off")
}

/// Pulsar's `SchemaType` name.
fn name(schema_type: Type) -> String {
    match schema_type {
        Type::Bool => "BOOLEAN",
        Type::KeyValue => "KEY_VALUE",
        Type::LocalDate => "LOCAL_DATE",
        Type::LocalTime => "LOCAL_TIME",
        Type::LocalDateTime => "LOCAL_DATE_TIME",
        Type::ProtobufNative => "PROTOBUF_NATIVE",
        other => return other.as_str_name().to_ascii_uppercase(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsar::proto::KeyValue;
    use pulsar_io_hdfs_csv::schema::writer::WriterSchema;

    fn schema(schema_type: Type, data: &[u8], properties: &[(&str, &str)]) -> Schema {
        let property = |(key, value): &(&str, &str)| KeyValue { key: (*key).to_owned(), value: (*value).to_owned() };
        Schema {
            name: "t".to_owned(),
            schema_data: data.to_vec(),
            r#type: schema_type.into(),
            properties: properties.iter().map(property).collect(),
        }
    }

    #[test]
    fn every_schema_type_that_the_sink_writes_has_the_name_that_it_knows() {
        use Type::{Bool, Date, Double, Float, Instant, Int8, Int16, Int32, Int64, LocalDate, LocalDateTime};
        let primitives = [Bool, Int8, Int16, Int32, Int64, Float, Double, Date, Instant, LocalDate, LocalDateTime];
        for primitive in primitives.into_iter().chain([Type::String, Type::Time, Type::Timestamp, Type::LocalTime]) {
            let info = schema_info(&[0], Some(&schema(primitive, b"", &[]))).unwrap();
            assert!(WriterSchema::compile(&info).is_ok(), "{primitive:?} is {}", info.schema_type);
        }
        let unknown = schema_info(&[0, 255], None).unwrap();
        assert_eq!((unknown.schema_type.as_str(), unknown.version.as_str()), ("NONE", "00ff"));
    }

    #[test]
    fn the_parts_of_a_key_value_schema_are_read_and_one_that_is_cut_off_is_an_error() {
        let record = br#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
        let mut data = vec![0, 0, 0, 0, 0, 0, 0, record.len() as u8];
        data.extend_from_slice(record);
        let properties =
            [("key.schema.type", "STRING"), ("value.schema.type", "AVRO"), ("kv.encoding.type", "SEPARATED")];
        let info = schema_info(&[0], Some(&schema(Type::KeyValue, &data, &properties))).unwrap();
        let columns: Vec<_> = WriterSchema::compile(&info).unwrap().columns().into_iter().map(|own| own.name).collect();
        assert_eq!(columns, ["key", "a"]);
        assert!(schema_info(&[0], Some(&schema(Type::KeyValue, &data[..20], &properties))).is_err());
    }
}
