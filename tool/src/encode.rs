//! Events as Avro datums.

use anyhow::{Context, Result, ensure};
use apache_avro::Schema;
use apache_avro::schema::RecordField;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;

use crate::catalogue::Catalogue;
use crate::event::{Event, EventKind, Value};

/// Encodes events by the catalogue's schemas.
pub struct Encoder<'c> {
    plans: Vec<Plan<'c>>,
}

struct Plan<'c> {
    fields: &'c [RecordField],
    writer: GenericDatumWriter<'c>,
}

impl<'c> Encoder<'c> {
    /// An encoder for every event of the catalogue.
    pub fn new(catalogue: &'c Catalogue) -> Result<Encoder<'c>> {
        let plan = |&kind: &EventKind| {
            let schema = catalogue.schema(kind);
            let writer = GenericDatumWriter::builder(schema).build()?;
            Ok(Plan { fields: catalogue.fields(kind)?, writer })
        };
        Ok(Encoder { plans: EventKind::ALL.iter().map(plan).collect::<Result<_>>()? })
    }

    /// The event's payload: an Avro datum, without a header.
    pub fn encode(&self, event: &Event) -> Result<Vec<u8>> {
        let plan = &self.plans[event.kind.index()];
        ensure!(
            plan.fields.len() == event.values.len(),
            "{} has {} fields, the event {}",
            event.kind.name(),
            plan.fields.len(),
            event.values.len()
        );
        let field = |(field, value): (&RecordField, &Value)| (field.name.clone(), avro(&field.schema, value));
        let record = Avro::Record(plan.fields.iter().zip(&event.values).map(field).collect());
        plan.writer
            .write_value_to_vec(record)
            .with_context(|| format!("an event {} does not fit its schema", event.kind.name()))
    }
}

fn avro(schema: &Schema, value: &Value) -> Avro {
    let plain = match value {
        Value::Null => Avro::Null,
        Value::Int(value) => Avro::Int(*value),
        Value::Long(value) => Avro::Long(*value),
        Value::Double(value) => Avro::Double(*value),
        Value::Text(value) => Avro::String(value.clone()),
        Value::Timestamp(value) => Avro::TimestampMillis(*value),
    };
    match schema {
        // Every union of the catalogue is null first, then one other type.
        Schema::Union(_) => Avro::Union(u32::from(plain != Avro::Null), Box::new(plain)),
        _ => plain,
    }
}
