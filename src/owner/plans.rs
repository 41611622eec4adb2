//! Plans: how the records of each writer's schema become rows of the table, made when its first record comes.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::owner::state::{Owner, Planned};
use crate::record::NO_SCHEMA;
use crate::schema::plan::{Plan, wanted_columns, without_partition_time};
use crate::schema::table::ensure;
use crate::schema::writers::CompiledSchema;
use crate::storage::Storage;
use crate::value::{BadRecord, Reason};

impl<S: Storage> Owner<S> {
    /// Returns false when the batch cannot take its rows, because they have more columns than a header that is written.
    pub(super) async fn make_plan(&mut self, schema: u32) -> Result<bool> {
        let compiled = match schema {
            NO_SCHEMA => None,
            id => {
                let _waiting = self.health.wait("waiting for a schema");
                Some(self.shared.schemas.get(id).await?)
            }
        };
        if let Some(planned) = compiled.as_ref().and_then(|compiled| self.take_plan(compiled)) {
            self.plans.insert(schema, planned);
            return Ok(true);
        }
        let plan = self.plan(compiled.as_deref()).await?;
        let mut fits = true;
        if let Ok(plan) = &plan {
            let others = self.plans.len();
            // All rows are written under the newest columns that are known: one header is right for them.
            self.plans.retain(|_, other| other.plan.as_ref().map_or(true, |other| other.version >= plan.version));
            fits = self.plans.len() == others || self.batch.take_header(plan.header());
        }
        self.plans.insert(schema, Planned { schema: compiled, plan });
        Ok(fits)
    }

    /// Commits the batch in the midst of a hand-over, so that other rows begin files of their own.
    pub(super) async fn end_files(&mut self) -> Result<()> {
        self.end_commit().await?;
        self.begin_commit()?;
        if self.batch.extent.is_none() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Storage,
            format_args!(
                "{} has got a new column while a file with a header of the old ones was being written, and dead letters keep it \
                 from being committed, so this instance ends and the broker sends its records again; nothing is lost",
                self.topic
            ),
        ))
    }

    /// The plan of the same schema under another id: each ledger has ids of its own, so the other one is that of an earlier
    /// ledger. Should its records be taken again, the plan comes back the same way.
    fn take_plan(&mut self, compiled: &Arc<CompiledSchema>) -> Option<Planned> {
        let is_same = |planned: &Planned| planned.schema.as_ref().is_some_and(|schema| Arc::ptr_eq(schema, compiled));
        let id = self.plans.iter().find_map(|(id, planned)| is_same(planned).then_some(*id))?;
        self.plans.remove(&id)
    }

    async fn plan(&mut self, compiled: Option<&CompiledSchema>) -> Result<Result<Plan, BadRecord>> {
        let Some(compiled) = compiled else {
            let detail = "the message was sent without a schema; send it with the topic's schema".to_owned();
            return Ok(Err(BadRecord { reason: Reason::NoSchema, detail }));
        };
        let incompatible = |detail: String| Ok(Err(BadRecord { reason: Reason::IncompatibleSchema, detail }));
        let schema = match compiled {
            Ok(schema) => schema,
            Err(unsupported) => return incompatible(unsupported.to_string()),
        };
        let wanted = wanted_columns(&self.shared.rows, schema);
        if let Some(partitioning) = &self.shared.rows.partitioning
            && wanted.iter().any(|own| own.column.name.eq_ignore_ascii_case(&partitioning.column))
        {
            return incompatible(format!(
                "field `{}` has the name of the partition column; set partitionColumn to another name",
                partitioning.column
            ));
        }
        let (shared, layout) = (&self.shared, &self.layout);
        if let Some(problem) = without_partition_time(&shared.rows, schema) {
            tracing::warn!(
                topic = %self.topic,
                "in a schema of this topic {problem}: its rows go to Hive's default partition. Set partitionTime to a field that \
                 is a date or a timestamp, to eventTime or to publishTime"
            );
        }
        match shared.repeat(&self.health, "adding columns", || ensure(&shared.storage, &layout.table, &wanted)).await? {
            Ok(columns) => Ok(Ok(Plan::new(&shared.rows, schema, &columns))),
            Err(incompatible_columns) => incompatible(incompatible_columns.to_string()),
        }
    }
}
