//! The table's columns, one file per version under `_schema/`, put if absent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::protocol::failure::Failure;
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::nonce::nonce;
use crate::protocol::put_if_absent::put_if_absent;
use crate::schema::writer::WriterSchema;
use crate::storage::{Operation, Storage, StorageError, StorageErrorKind};
use crate::value::column::Column;
use crate::value::conversion::Wanted;

/// A version of a table's columns. A later version has the columns of an earlier one first, some of them widened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumns {
    /// From 1; 0 before the first.
    pub version: u64,
    /// In the order of a row.
    pub columns: Vec<Column>,
}

/// A writer's schema that does not fit the table's columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{name}` is {table} in the table, but {wanted} in the record's schema")]
pub struct Incompatible {
    name: String,
    table: String,
    wanted: String,
}

impl TableColumns {
    /// The columns with those of a schema added and widened; none when they have them all.
    pub fn with_columns_of(&self, schema: &WriterSchema) -> Result<Option<Vec<Column>>, Incompatible> {
        self.with(&schema.wanted)
    }

    /// The columns with what is wanted added and widened; none when they have it all.
    pub(crate) fn with(&self, wanted: &[Wanted]) -> Result<Option<Vec<Column>>, Incompatible> {
        let mut columns = self.columns.clone();
        // Thousands of columns are possible.
        let mut place_of: HashMap<String, usize> =
            columns.iter().enumerate().map(|(at, own)| (own.name.to_ascii_lowercase(), at)).collect();
        for one in wanted {
            let column = &one.column;
            match place_of.entry(column.name.to_ascii_lowercase()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(columns.len());
                    columns.push(column.clone());
                }
                Entry::Occupied(occupied) => {
                    let own = &mut columns[*occupied.get()];
                    let fitting = one.fit(own.column_type).filter(|_| own.name == column.name);
                    (own.column_type, _) = fitting.ok_or_else(|| Incompatible {
                        name: own.name.clone(),
                        table: own.column_type.to_string(),
                        wanted: format!("`{}` {}", column.name, column.column_type),
                    })?;
                }
            }
        }
        Ok((columns != self.columns).then_some(columns))
    }
}

/// How often a new version is tried when other owners add versions at the same time, before it pauses.
const ENSURE_ATTEMPTS: usize = 20;

/// The newest version, extended by what is wanted. What it returns was read back: after a lost put the other owner's
/// version is extended instead.
pub(crate) async fn ensure<S: Storage>(
    storage: &S,
    table: &TableLayout,
    wanted: &[Wanted],
) -> Result<Result<TableColumns, Incompatible>, Failure> {
    for _ in 0..ENSURE_ATTEMPTS {
        let newest = read_newest(storage, table).await?;
        let columns = match newest.with(wanted) {
            Ok(None) => return Ok(Ok(newest)),
            Ok(Some(columns)) => columns,
            Err(incompatible) => return Ok(Err(incompatible)),
        };
        let next = TableColumns { version: newest.version + 1, columns };
        let json = serde_json::to_vec_pretty(&next)
            .map_err(|error| Error::bug(format_args!("columns cannot be written: {error}")))?;
        put_if_absent(storage, &table.temporary("schema", &nonce()), &table.schema(next.version), json.into()).await?;
    }
    Err(Failure::Again(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: Operation::Rename,
        path: table.schemas(),
        message: format!("another instance added a version of the columns {ENSURE_ATTEMPTS} times in a row"),
    }))
}

/// The newest version of a table's columns; version 0 without columns before the first.
pub(crate) async fn read_newest<S: Storage>(storage: &S, table: &TableLayout) -> Result<TableColumns, Failure> {
    let listed = storage.list(&table.schemas()).await?;
    let newest = listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).max();
    let Some(version) = newest else { return Ok(TableColumns::default()) };
    let path = table.schema(version);
    let bytes = storage.read(&path).await?;
    let columns: TableColumns = serde_json::from_slice(&bytes).map_err(|error| {
        Error::protocol(format_args!("the columns {path} cannot be used: {error}. Restore the file from a snapshot"))
    })?;
    if columns.version != version {
        return Err(
            Error::protocol(format_args!("the columns {path} say that their version is {}", columns.version)).into()
        );
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::{Fault, Memory};
    use crate::value::column::ColumnType;

    fn column(name: &str, column_type: ColumnType) -> Wanted {
        Wanted { column: Column { name: name.to_owned(), column_type }, otherwise: None }
    }

    fn columns(wanted: &[&Wanted]) -> Vec<Column> {
        wanted.iter().map(|one| one.column.clone()).collect()
    }

    fn table() -> TableLayout {
        TableLayout::new("/t", "t").unwrap()
    }

    #[tokio::test]
    async fn new_columns_go_to_the_end_and_gone_ones_stay() {
        let memory = Memory::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| column(name, ColumnType::Int));
        ensure(&memory, &table(), &[a.clone(), b.clone()]).await.unwrap().unwrap();
        let second = ensure(&memory, &table(), &[c.clone(), a.clone()]).await.unwrap().unwrap();
        assert_eq!(second, TableColumns { version: 2, columns: columns(&[&a, &b, &c]) });
        assert_eq!(ensure(&memory, &table(), &[a]).await.unwrap().unwrap(), second);
    }

    #[tokio::test]
    async fn an_int_becomes_a_bigint_and_a_string_never_an_int() {
        let memory = Memory::new();
        ensure(&memory, &table(), &[column("a", ColumnType::Int)]).await.unwrap().unwrap();
        let wider = ensure(&memory, &table(), &[column("a", ColumnType::BigInt)]).await.unwrap().unwrap();
        assert_eq!(wider.columns, columns(&[&column("a", ColumnType::BigInt)]));
        assert_eq!(ensure(&memory, &table(), &[column("a", ColumnType::Int)]).await.unwrap().unwrap(), wider);
        let error = ensure(&memory, &table(), &[column("a", ColumnType::String)]).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "column `a` is bigint in the table, but `a` string in the record's schema");
        assert!(ensure(&memory, &table(), &[column("A", ColumnType::Int)]).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_put_whose_answer_is_lost_is_read_back_by_the_next_call() {
        let memory = Memory::new();
        memory.fail_next(Operation::Rename, "_schema/", Fault::AnswerLost);
        let wanted = [column("a", ColumnType::Int)];
        assert!(matches!(ensure(&memory, &table(), &wanted).await, Err(Failure::Again(_))));
        assert_eq!(ensure(&memory, &table(), &wanted).await.unwrap().unwrap().version, 1);
    }

    #[tokio::test]
    async fn a_put_that_fails_leaves_nothing_in_staging() {
        for (operation, fault) in [
            (Operation::Write, Fault::Refused),
            (Operation::Hsync, Fault::RequestLost),
            (Operation::Close, Fault::AnswerLost),
            (Operation::Rename, Fault::Refused),
            (Operation::Rename, Fault::AnswerLost),
        ] {
            let memory = Memory::new();
            memory.fail_next(operation, "", fault);
            assert!(ensure(&memory, &table(), &[column("a", ColumnType::Int)]).await.is_err());
            let left: Vec<_> = memory.files().into_keys().filter(|path| path.contains("/_staging/")).collect();
            assert_eq!(left, [""; 0], "after {operation} {fault:?}");
        }
    }

    #[tokio::test]
    async fn a_version_of_another_owner_is_extended_not_replaced() {
        let memory = Memory::new();
        let (mine, other) = (column("mine", ColumnType::Int), column("other", ColumnType::Int));
        ensure(&memory, &table(), std::slice::from_ref(&other)).await.unwrap().unwrap();
        // The version of the other owner appears after this one has listed: its put finds the name taken.
        let first = "/t/t/_schema/00000000000000000001.json";
        let bytes = memory.files()[first].clone();
        memory.remove(first);
        memory.before_next(Operation::Rename, "_schema/", move |memory| memory.put(first, &bytes));
        let both = ensure(&memory, &table(), std::slice::from_ref(&mine)).await.unwrap().unwrap();
        assert_eq!(both, TableColumns { version: 2, columns: columns(&[&other, &mine]) });
    }
}
