//! The task that keeps the metastore up with the tables.
//!
//! It holds no list of what happened: a table is marked, and then what is on HDFS is compared with what the metastore has.
//! So a start, an outage that ends, and a new partition are the same case.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::hive::client::{Address, BATCH, CALL_LIMIT, CallError, Metastore, Security};
use crate::hive::table::{Description, Found, same_columns};
use crate::hive::thrift::Struct;
use crate::hive::{HiveSettings, table_name};
use crate::metrics::Metrics;
use crate::protocol::layout::TableLayout;
use crate::row::partition::NO_VALUE;
use crate::row::settings::RowSettings;
use crate::schema::table::read_newest;
use crate::storage::Storage;

mod pending;

use pending::{Known, Pending, State};

/// How often a table is compared anew in one attempt, because it was created or altered.
const COMPARISONS: usize = 5;
/// How long a table may take until the others go on beside it, on another connection: a new column of a table with very many
/// partitions takes the metastore minutes.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a table that was compared needs no comparison when rows come into directories of then: others, too, drop tables and
/// partitions, and what retention took from HDFS and Hive can be made anew by a late event.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A pause of 0.5 s, doubling up to a minute.
fn pause_between_attempts(attempt: u32) -> Duration {
    Duration::from_millis(500u64 << attempt.min(7)).min(LONGEST_PAUSE)
}

/// What became of an attempt.
enum Failure {
    /// No metastore is there: nothing can be done for any table.
    Away(String),
    /// This table could not be made known.
    Table(String),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Away(message) => Failure::Away(message),
            refused => Failure::Table(refused.to_string()),
        }
    }
}

/// Keeps a metastore up with the tables of one sink.
pub(crate) struct Keeper {
    settings: HiveSettings,
    security: Security,
    /// `hdfs://host:port`, before the path of a table.
    file_system: String,
    /// Who owns the tables that are created.
    owner: String,
    rows: RowSettings,
    pause: fn(attempt: u32) -> Duration,
    call_limit: Duration,
    patience: Duration,
    look_again: Duration,
    state: Mutex<State>,
    changed: Notify,
    settled: Notify,
}

impl Keeper {
    /// For tables whose rows are written so, on this file system, by this user.
    pub(crate) fn new(
        settings: HiveSettings,
        security: Security,
        file_system: String,
        owner: String,
        rows: RowSettings,
    ) -> Self {
        Keeper {
            settings,
            security,
            file_system,
            owner,
            rows,
            pause: pause_between_attempts,
            call_limit: CALL_LIMIT,
            patience: PATIENCE,
            look_again: LOOK_AGAIN,
            state: Mutex::new(State::new(Instant::now())),
            changed: Notify::new(),
            settled: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The table may not be in the metastore as it is on HDFS.
    pub(crate) fn mark(&self, table: &TableLayout) {
        let now = Instant::now();
        let mut state = self.state();
        let pending = state.pending.entry(table.clone()).or_insert(Pending { marks: 0, attempts: 0, due: now });
        pending.marks += 1;
        drop(state);
        self.changed.notify_one();
    }

    /// Rows were committed, under this version of the table's columns, into these partition directories.
    pub(crate) fn committed<'d>(
        &self,
        table: &TableLayout,
        version: u64,
        mut directories: impl Iterator<Item = &'d str>,
    ) {
        let is_known = self.state().known.get(table).is_some_and(|known| {
            known.told.is_some_and(|told| told.elapsed() < self.look_again)
                && version <= known.version
                && directories.all(|directory| known.directories.contains(directory))
        });
        if !is_known {
            self.mark(table);
        }
    }

    /// Tables of which the metastore does not yet have all.
    pub(crate) fn pending(&self) -> u64 {
        self.state().pending.len() as u64
    }

    /// Waits until each marked table was tried once, or no metastore is there.
    pub(crate) async fn tried(&self) {
        loop {
            let settled = self.settled.notified();
            let is_tried = {
                let state = self.state();
                state.unreached > 0 || state.pending.values().all(|pending| pending.attempts > 0)
            };
            if is_tried {
                return;
            }
            settled.await;
        }
    }

    /// Tells the metastore what it lacks, for ever.
    pub(crate) async fn run<S: Storage>(&self, storage: &S, metrics: &Metrics) {
        {
            // Of a run that was dropped.
            let mut state = self.state();
            state.under_way.clear();
            state.connecting = false;
        }
        let mut addresses = self.settings.addresses.clone();
        let mut rounds = FuturesUnordered::new();
        loop {
            let next = self.state().next_round(rounds.len(), self.patience);
            if next.is_some_and(|next| next <= Instant::now()) {
                if !rounds.is_empty() {
                    // Who takes long over one table may take long over all.
                    addresses.rotate_left(1);
                }
                self.state().connecting = true;
                rounds.push(self.round(storage, metrics, addresses.clone()));
                continue;
            }
            tokio::select! {
                biased;
                Some(ended) = rounds.next(), if !rounds.is_empty() => {
                    if let Some((address, answers)) = ended {
                        // Who answers is tried first, and who takes connections and does not answer last.
                        addresses.sort_by_key(|other| match *other == address {
                            true => if answers { 0 } else { 2 },
                            false => 1,
                        });
                    }
                    self.settled.notify_waiters();
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Goes over the tables that are due, on one connection, until a call is not answered: that table waits for its next turn, and
    /// the next round goes on with the others. Whose connection it was, and whether all was answered; none when nobody took one.
    async fn round<S: Storage>(
        &self,
        storage: &S,
        metrics: &Metrics,
        addresses: Vec<Address>,
    ) -> Option<(Address, bool)> {
        let connected = Metastore::connect(&addresses, &self.security, self.call_limit).await;
        self.state().connecting = false;
        self.changed.notify_one();
        let mut metastore = match connected {
            Ok(metastore) => metastore,
            Err(error) => {
                self.unreached(metrics, &error.to_string());
                return None;
            }
        };
        while let Some((table, marks)) = self.next_table() {
            let compared = self.reconcile(storage, &mut metastore, &table).await;
            let is_silent = matches!(compared, Err(Failure::Away(_)));
            match compared {
                Ok(known) => self.told(table, marks, known),
                Err(Failure::Table(error) | Failure::Away(error)) => self.failed(metrics, &table, &error),
            }
            if is_silent {
                return Some((metastore.address().clone(), false));
            }
        }
        Some((metastore.address().clone(), true))
    }

    /// Begins with the next table: which, and how often it was marked.
    fn next_table(&self) -> Option<(TableLayout, u64)> {
        self.state().begin(Instant::now())
    }

    /// No metastore is there: all tables wait.
    fn unreached(&self, metrics: &Metrics, error: &str) {
        metrics.hive_failures.add(1);
        let mut state = self.state();
        state.not_before = Instant::now() + (self.pause)(state.unreached);
        state.unreached += 1;
        let (attempt, tables) = (state.unreached, state.pending.len());
        drop(state);
        if attempt.is_power_of_two() {
            tracing::warn!(
                attempt,
                tables,
                "the Hive metastore cannot be told of new tables, columns and partitions: {error}; commits go on, and it is told later"
            );
        }
    }

    fn told(&self, table: TableLayout, marks: u64, known: Known) {
        let mut state = self.state();
        let outage = std::mem::take(&mut state.unreached);
        state.under_way.remove(&table);
        if let Some(pending) = state.pending.get_mut(&table) {
            if pending.marks == marks {
                state.pending.remove(&table);
            } else {
                (pending.attempts, pending.due) = (0, Instant::now());
            }
        }
        state.known.insert(table, Known { told: Some(Instant::now()), ..known });
        drop(state);
        if outage > 0 {
            tracing::info!("the Hive metastore is there again");
        }
    }

    fn failed(&self, metrics: &Metrics, table: &TableLayout, error: &str) {
        metrics.hive_failures.add(1);
        let mut state = self.state();
        state.unreached = 0;
        state.under_way.remove(table);
        let Some(pending) = state.pending.get_mut(table) else { return };
        pending.due = Instant::now() + (self.pause)(pending.attempts);
        pending.attempts += 1;
        let attempt = pending.attempts;
        drop(state);
        if attempt.is_power_of_two() {
            let name = self.name_of(table);
            tracing::error!(
                attempt,
                "the Hive table {name} is not as {} is on HDFS: {error}; commits go on, and it is tried again",
                table.root()
            );
        }
    }

    fn name_of(&self, table: &TableLayout) -> String {
        format!("{}.{}", self.settings.database, table_name(table.name()))
    }

    /// Makes the metastore's table what the one on HDFS is.
    async fn reconcile<S: Storage>(
        &self,
        storage: &S,
        metastore: &mut Metastore,
        table: &TableLayout,
    ) -> Result<Known, Failure> {
        let (database, name) = (self.settings.database.as_str(), table_name(table.name()));
        let on_hdfs = |error: &dyn std::fmt::Display| Failure::Table(error.to_string());
        for _ in 0..COMPARISONS {
            // The columns are read after the table: another instance puts a version before it tells the metastore of it.
            let found = metastore.table(database, &name).await?;
            let columns = read_newest(storage, table).await.map_err(|error| on_hdfs(&error))?;
            if columns.version == 0 {
                return Ok(Known::default());
            }
            let version = columns.version;
            let description = Description {
                database: database.to_owned(),
                name: name.clone(),
                owner: self.owner.clone(),
                location: format!("{}{}", self.file_system, table.root()),
                dialect: self.rows.format.dialect,
                columns: columns.columns,
                partition_column: self.rows.partitioning.as_ref().map(|partitioning| partitioning.column.clone()),
            };
            let Some(found) = found else {
                metastore.create_table(description.table()).await?;
                tracing::info!("the Hive table {database}.{name} was created, for {}", description.location);
                continue;
            };
            match description.compare(&found) {
                Found::Behind(altered) => {
                    metastore.alter_table(database, &name, altered).await?;
                    let count = description.columns.len();
                    tracing::info!(
                        "the Hive table {database}.{name} has the columns of version {version} now: {count}"
                    );
                }
                Found::Other(difference) => {
                    return Err(Failure::Table(format!(
                        "it is another table, and stays as it is: {difference}. Rename or drop it, or give the sink another \
                         hiveDatabase or tableNamePattern"
                    )));
                }
                Found::Same => {
                    let listed = storage.list(table.root()).await.map_err(|error| on_hdfs(&error))?;
                    let names = listed.into_iter().filter(|entry| entry.is_directory).map(|entry| entry.name);
                    let directories: HashSet<String> = match &description.partition_column {
                        None => HashSet::from([String::new()]),
                        Some(column) => names.filter(|name| value_of(column, name).is_some()).collect(),
                    };
                    self.add_partitions(metastore, &description, &found, &directories).await?;
                    return Ok(Known { version, directories, told: None });
                }
            }
        }
        Err(Failure::Table(format!(
            "it changed {COMPARISONS} times while it was compared; does another program alter it?"
        )))
    }

    /// Adds the partitions of these directories that the metastore has not.
    async fn add_partitions(
        &self,
        metastore: &mut Metastore,
        description: &Description,
        found: &Struct,
        directories: &HashSet<String>,
    ) -> Result<(), Failure> {
        let Some(column) = &description.partition_column else { return Ok(()) };
        let (database, name) = (&description.database, &description.name);
        let names = metastore.partition_names(database, name).await?;
        let there: HashSet<&str> = names.iter().filter_map(|name| Some(name.split_once('=')?.1)).collect();
        let mut missing: Vec<(&str, &String)> = directories
            .iter()
            .filter_map(|directory| Some((value_of(column, directory)?, directory)))
            .filter(|(value, _)| !there.contains(value))
            .collect();
        missing.sort_unstable();
        for batch in missing.chunks(BATCH) {
            let partitions = |table: &Struct| {
                batch.iter().map(|(value, directory)| description.partition(table, value, directory)).collect()
            };
            metastore.add_partitions(database, name, partitions(found)).await?;
            // Another instance may have added a column meanwhile, to the partitions that it saw: these would keep the old ones.
            let mut under = found.clone();
            for _ in 0..COMPARISONS {
                match metastore.table(database, name).await? {
                    Some(now) if !same_columns(&now, &under) => {
                        metastore.alter_partitions(database, name, partitions(&now)).await?;
                        under = now;
                    }
                    _ => break,
                }
            }
            let (first, last) = (batch[0].0, batch[batch.len() - 1].0);
            tracing::info!(
                "the Hive table {database}.{name} has {} new partitions now, {first} to {last}",
                batch.len()
            );
        }
        Ok(())
    }
}

/// The value of the partition whose directory this is; none when the sink makes no such directory.
fn value_of<'d>(column: &str, directory: &'d str) -> Option<&'d str> {
    let value = directory.strip_prefix(column)?.strip_prefix('=')?;
    let is_time = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (is_time || value == NO_VALUE).then_some(value)
}

#[cfg(test)]
mod tests;
