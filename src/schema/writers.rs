//! The writers' schemas that a sink has met. A record is taken before its schema is known: the broker is asked for it, and
//! records of all other schemas go on meanwhile.
//!
//! Each source partition asks anew for each of its ledgers, so most are known: what is alike is kept once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::SetOnce;

use crate::error::{Error, Result};
use crate::schema::writer::{SchemaInfo, UnsupportedSchema, WriterSchema};

/// A compiled writer's schema, or why its records are bad.
pub(crate) type CompiledSchema = std::result::Result<WriterSchema, UnsupportedSchema>;

/// The schemas by their ids.
#[derive(Debug, Default)]
pub(crate) struct WriterSchemas {
    by_id: RwLock<Vec<Arc<SetOnce<Arc<CompiledSchema>>>>>,
    known: Mutex<HashMap<SchemaInfo, Arc<CompiledSchema>>>,
}

impl WriterSchemas {
    /// The id of a schema that will be given later.
    pub(crate) fn announce(&self) -> Result<u32> {
        let mut all = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let id = u32::try_from(all.len()).map_err(Error::bug)?;
        all.push(Arc::default());
        Ok(id)
    }

    /// Gives the schema of an id. One that cannot be written is taken: its records are bad.
    pub(crate) fn give(&self, id: u32, info: &SchemaInfo) -> Result<()> {
        let given = self.of(id)?.set(self.compiled(info));
        given.map_err(|_| Error::bug(format_args!("writer's schema {id} is given twice")))
    }

    /// The schema of an id, once it is given: Java asks the broker until it answers.
    pub(crate) async fn get(&self, id: u32) -> Result<Arc<CompiledSchema>> {
        Ok(Arc::clone(self.of(id)?.wait().await))
    }

    /// How often members of JSON records were left out, by their names.
    pub(crate) fn left_out(&self) -> BTreeMap<Box<str>, u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = BTreeMap::new();
        for schema in known.values().filter_map(|compiled| compiled.as_ref().as_ref().ok()) {
            for (name, count) in schema.input.left_out() {
                *all.entry(name).or_default() += count;
            }
        }
        all
    }

    fn compiled(&self, info: &SchemaInfo) -> Arc<CompiledSchema> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = known.entry(info.clone()).or_insert_with(|| Arc::new(WriterSchema::compile(info)));
        Arc::clone(compiled)
    }

    fn of(&self, id: u32) -> Result<Arc<SetOnce<Arc<CompiledSchema>>>> {
        let found = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id as usize).map(Arc::clone);
        found.ok_or_else(|| Error::bug(format_args!("writer's schema {id} was never announced")))
    }
}

#[cfg(test)]
impl Clone for WriterSchemas {
    fn clone(&self) -> Self {
        WriterSchemas { by_id: RwLock::new(self.by_id.read().unwrap().clone()), known: Mutex::default() }
    }
}

#[cfg(test)]
impl WriterSchemas {
    /// One more schema that is known.
    pub(crate) fn known(&self, info: &SchemaInfo) -> u32 {
        let id = self.announce().unwrap();
        self.give(id, info).unwrap();
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::writer::Input;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn info(schema_type: &str) -> SchemaInfo {
        SchemaInfo { schema_type: schema_type.to_owned(), version: "00".to_owned(), ..SchemaInfo::default() }
    }

    #[test]
    fn a_schema_is_waited_for_until_it_is_given_and_others_are_not() {
        let schemas = WriterSchemas::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _in_runtime = runtime.enter();
        let (late, early) = (schemas.announce().unwrap(), schemas.announce().unwrap());
        schemas.give(early, &info("INT64")).unwrap();
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting = pin!(schemas.get(late));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        assert!(matches!(pin!(schemas.get(early)).poll(&mut context), Poll::Ready(Ok(schema)) if schema.is_ok()));
        schemas.give(late, &info("PROTOBUF")).unwrap();
        assert!(matches!(waiting.poll(&mut context), Poll::Ready(Ok(schema)) if schema.is_err()));
    }

    #[test]
    fn schemas_that_are_alike_are_compiled_once() {
        let schemas = WriterSchemas::default();
        let ids = [schemas.known(&info("INT64")), schemas.known(&info("INT64")), schemas.known(&info("INT32"))];
        let [first, second, other] = ids.map(|id| Arc::clone(schemas.of(id).unwrap().get().unwrap()));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn members_that_are_no_field_are_counted_by_name() {
        let schemas = WriterSchemas::default();
        let schema = r#"{"type":"record","name":"R","fields":[{"name":"userId","type":["null","long"]},
            {"name":"n","type":["null",{"type":"record","name":"N","fields":[{"name":"a","type":"int"}]}]}]}"#;
        let id = schemas.known(&SchemaInfo { schema: schema.to_owned(), ..info("JSON") });
        let compiled = Arc::clone(schemas.of(id).unwrap().get().unwrap());
        let Input::Payload(format) = &*compiled.as_ref().as_ref().unwrap().input else { panic!("no payload") };
        for payload in [r#"{"user_id":7,"n":{"a":1,"b":2}}"#, r#"{"user_id":8,"userId":9}"#] {
            assert!(format.open(payload.as_bytes()).is_ok());
        }
        assert_eq!(schemas.left_out(), BTreeMap::from([("user_id".into(), 2), ("b".into(), 1)]));
    }

    #[test]
    fn ids_that_were_not_announced_and_schemas_given_twice_are_bugs() {
        let schemas = WriterSchemas::default();
        assert!(schemas.give(0, &info("INT64")).is_err());
        let id = schemas.known(&info("INT64"));
        assert!(schemas.give(id, &info("INT64")).is_err());
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(pin!(schemas.get(id + 1)).poll(&mut context), Poll::Ready(Err(_))));
    }
}
