//! The keeper against a metastore in this process, which hangs, breaks off and refuses on demand.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::hive::thrift::tests::{answer, read_call};
use crate::hive::thrift::{Answer, Value};
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive as HiveText;
use crate::row::partition::{Partitioning, TimeSource, Unit};
use crate::schema::table::ensure;
use crate::storage::memory::Memory;
use crate::value::column::{Column, ColumnType};
use crate::value::conversion::Wanted;

/// The bound on a call of which it is known that it hangs.
const HANGING: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Behaviour {
    #[default]
    Works,
    Hangs,
    BreaksOff,
    Refuses,
}

/// What a metastore holds.
#[derive(Default)]
struct Holding {
    behaviour: Behaviour,
    /// What is asked of this table is never answered.
    hanging_table: Option<String>,
    tables: BTreeMap<String, Struct>,
    partitions: BTreeMap<String, Vec<String>>,
    /// How many columns each partition of any table has.
    widths: BTreeMap<String, usize>,
    /// What a table becomes, by another instance's doing, just before partitions are added to it.
    altered_before_adding: Option<Struct>,
    calls: Vec<String>,
}

#[derive(Clone)]
struct Fake {
    holding: Arc<Mutex<Holding>>,
    address: Address,
}

impl Fake {
    async fn start() -> Self {
        Fake::start_at("127.0.0.1:0").await
    }

    async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = Address::parse(&format!("thrift://{}", listener.local_addr().unwrap())).unwrap();
        let fake = Fake { holding: Arc::default(), address };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        fake
    }

    fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap()
    }

    fn behave(&self, behaviour: Behaviour) {
        self.holding().behaviour = behaviour;
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Ok((method, number, arguments)) = read_call(&mut stream).await {
            let hangs = {
                let holding = self.holding();
                holding.hanging_table.is_some() && holding.hanging_table == Some(arguments.fields(1).text(2))
            };
            let behaviour = if hangs { Behaviour::Hangs } else { self.holding().behaviour };
            let reply = match behaviour {
                Behaviour::Works => self.holding().answer(&method, &arguments),
                Behaviour::Hangs => std::future::pending().await,
                Behaviour::BreaksOff => return,
                Behaviour::Refuses => Answer::Refused("Internal error processing\n\tat Java".to_owned()),
            };
            stream.write_all(&answer(&method, number, reply)).await.unwrap();
        }
    }
}

impl Holding {
    fn answer(&mut self, method: &str, arguments: &Struct) -> Answer {
        self.calls.push(method.to_owned());
        let request = arguments.fields(1);
        let body = match method {
            "get_table_req" => match self.tables.get(&request.text(2)) {
                Some(table) => Struct::default().with(0, Struct::default().with(1, table.clone())),
                None => Struct::default().with(2, Struct::default().with(1, "table not found")),
            },
            "create_table_with_environment_context" => {
                self.tables.insert(request.text(1), request);
                Struct::default()
            }
            "alter_table_with_environment_context" => {
                assert_eq!(arguments.fields(4).text_map(1)["CASCADE"], "true");
                self.tables.insert(arguments.text(2), arguments.fields(3));
                Struct::default()
            }
            "get_partition_names" => {
                let values = self.partitions.get(&arguments.text(2)).cloned().unwrap_or_default();
                Struct::default().with(0, Value::texts(values.iter().map(|value| format!("dt={value}"))))
            }
            "add_partitions_req" => {
                assert!(request.items(3).len() <= BATCH);
                if let Some(altered) = self.altered_before_adding.take() {
                    self.tables.insert(request.text(2), altered);
                }
                let there = self.partitions.entry(request.text(2)).or_default();
                for partition in request.structs(3) {
                    let value = partition.items(1)[0].text();
                    self.widths.insert(value.clone(), partition.fields(6).items(1).len());
                    if !there.contains(&value) {
                        there.push(value);
                    }
                }
                Struct::default().with(0, Struct::default())
            }
            "alter_partitions" => {
                for partition in arguments.structs(3) {
                    self.widths.insert(partition.items(1)[0].text(), partition.fields(6).items(1).len());
                }
                Struct::default()
            }
            other => panic!("{other}"),
        };
        Answer::Reply(body)
    }

    fn columns(&self, table: &str) -> Vec<String> {
        let storage = self.tables[table].fields(7);
        storage.structs(1).map(|column| format!("{} {}", column.text(1), column.text(2))).collect()
    }
}

fn keeper(addresses: &[&Address]) -> Keeper {
    let settings = HiveSettings {
        tls: None,
        principal: None,
        addresses: addresses.iter().map(|address| (*address).clone()).collect(),
        database: "market".to_owned(),
    };
    let dialect = Dialect::Hive(HiveText { delimiter: b',' });
    let partitioning = Partitioning {
        column: "dt".to_owned(),
        unit: Unit::Day,
        source: TimeSource::PublishTime,
        past_limit: Duration::ZERO,
        future_limit: Duration::ZERO,
    };
    let rows = RowSettings {
        format: FileFormat { dialect, compression: Compression::None },
        metadata: Vec::new(),
        partitioning: Some(partitioning),
    };
    let mut keeper = Keeper::new(settings, Security::default(), "hdfs://nn:8020".to_owned(), "me".to_owned(), rows);
    keeper.pause = |_| Duration::from_millis(1);
    keeper
}

fn table(name: &str) -> TableLayout {
    TableLayout::new("/d", name).unwrap()
}

async fn put_columns(memory: &Memory, table: &TableLayout, columns: &[(&str, ColumnType)]) {
    let wanted = |(name, column_type): &(&str, ColumnType)| Wanted {
        column: Column { name: (*name).to_owned(), column_type: *column_type },
        otherwise: None,
    };
    ensure(memory, table, &columns.iter().map(wanted).collect::<Vec<_>>()).await.unwrap().unwrap();
}

/// Rows are committed to this partition directory.
fn commit(keeper: &Keeper, memory: &Memory, table: &TableLayout, version: u64, directory: &str) {
    memory.put(&table.path(&format!("{directory}/f.csv")), b"1\n");
    keeper.committed(table, version, std::iter::once(directory));
}

/// Runs the keeper until the condition holds.
async fn run_until(keeper: &Keeper, memory: &Memory, metrics: &Metrics, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = keeper.run(memory, metrics) => {}
        waited = timeout(Duration::from_secs(60), waiting) => waited.expect("it did not come about"),
    }
}

async fn run_until_known(keeper: &Keeper, memory: &Memory, metrics: &Metrics) {
    run_until(keeper, memory, metrics, || keeper.pending() == 0).await;
}

#[tokio::test]
async fn a_commit_makes_the_table_its_columns_and_its_partition_known() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let (keeper, offers) = (keeper(&[&fake.address]), table("Offers.v2"));
    put_columns(&memory, &offers, &[("Id", ColumnType::Int)]).await;
    commit(&keeper, &memory, &offers, 1, "dt=2026-11-24");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().columns("offers_v2"), ["id int"]);
    assert_eq!(fake.holding().partitions["offers_v2"], ["2026-11-24"]);

    let calls = fake.holding().calls.len();
    commit(&keeper, &memory, &offers, 1, "dt=2026-11-24");
    assert_eq!((keeper.pending(), fake.holding().calls.len()), (0, calls), "what is known is not told again");

    put_columns(&memory, &offers, &[("Id", ColumnType::BigInt), ("note", ColumnType::String)]).await;
    commit(&keeper, &memory, &offers, 2, "dt=2026-11-24");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().columns("offers_v2"), ["id bigint", "note string"]);

    commit(&keeper, &memory, &offers, 2, "dt=__HIVE_DEFAULT_PARTITION__");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().partitions["offers_v2"], ["2026-11-24", "__HIVE_DEFAULT_PARTITION__"]);
    assert_eq!(metrics.hive_failures.get(), 0);
}

#[tokio::test]
async fn what_was_missed_is_made_up_however_the_metastore_failed() {
    for behaviour in [Behaviour::Hangs, Behaviour::BreaksOff, Behaviour::Refuses] {
        let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
        let (mut keeper, offers) = (keeper(&[&fake.address]), table("offers"));
        keeper.call_limit = HANGING;
        fake.behave(behaviour);
        put_columns(&memory, &offers, &[("id", ColumnType::Int)]).await;
        commit(&keeper, &memory, &offers, 1, "dt=2026-11-24");
        run_until(&keeper, &memory, &metrics, || metrics.hive_failures.get() >= 2).await;
        assert_eq!(keeper.pending(), 1, "{behaviour:?}");
        commit(&keeper, &memory, &offers, 1, "dt=2026-11-25");
        fake.behave(Behaviour::Works);
        run_until_known(&keeper, &memory, &metrics).await;
        assert_eq!(fake.holding().partitions["offers"], ["2026-11-24", "2026-11-25"], "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_metastore_that_begins_to_listen_later_is_found_and_the_second_one_stands_in_for_the_first() {
    let (second, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let first = Address::parse(&format!("thrift://{address}")).unwrap();
    let offers = table("offers");
    put_columns(&memory, &offers, &[("id", ColumnType::Int)]).await;

    let both = keeper(&[&first, &second.address]);
    both.mark(&offers);
    run_until_known(&both, &memory, &metrics).await;
    assert_eq!(second.holding().columns("offers"), ["id int"]);

    let alone = keeper(&[&first]);
    alone.mark(&offers);
    run_until(&alone, &memory, &metrics, || metrics.hive_failures.get() >= 3).await;
    let begun = Fake::start_at(&address).await;
    run_until_known(&alone, &memory, &metrics).await;
    assert_eq!(begun.holding().columns("offers"), ["id int"]);
}

#[tokio::test]
async fn a_metastore_that_takes_connections_and_hangs_gives_way_to_the_next() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let (memory, metrics, offers) = (Memory::new(), Metrics::default(), table("offers"));
    first.behave(Behaviour::Hangs);
    put_columns(&memory, &offers, &[("id", ColumnType::Int)]).await;
    let mut keeper = keeper(&[&first.address, &second.address]);
    keeper.call_limit = HANGING;
    keeper.mark(&offers);
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(second.holding().columns("offers"), ["id int"]);
}

#[tokio::test]
async fn hundreds_of_partitions_are_made_up_in_batches_and_those_that_are_there_stay() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let (keeper, offers) = (keeper(&[&fake.address]), table("offers"));
    put_columns(&memory, &offers, &[("id", ColumnType::Int)]).await;
    for hour in 0..350 {
        memory.put(&offers.path(&format!("dt=2026-11-24-{hour:03}/f.csv")), b"1\n");
    }
    for other in ["dt=abc/f.csv", "dt=/f.csv", "other/f.csv", "_commits/offers/1.json"] {
        memory.put(&offers.path(other), b"1\n");
    }
    fake.holding().partitions.insert("offers".to_owned(), vec!["2026-11-24-007".to_owned()]);
    keeper.mark(&offers);
    run_until_known(&keeper, &memory, &metrics).await;
    let mut values = fake.holding().partitions["offers"].clone();
    values.sort();
    assert_eq!(values, (0..350).map(|hour| format!("2026-11-24-{hour:03}")).collect::<Vec<_>>());
    let calls = fake.holding().calls.iter().filter(|call| *call == "add_partitions_req").count();
    assert_eq!(calls, 4);
}

#[tokio::test]
async fn a_partition_that_is_added_while_another_instance_adds_a_column_gets_it_too() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let (keeper, offers) = (keeper(&[&fake.address]), table("offers"));
    put_columns(&memory, &offers, &[("id", ColumnType::Int), ("note", ColumnType::String)]).await;
    keeper.mark(&offers);
    run_until_known(&keeper, &memory, &metrics).await;
    // As it was before the other instance came.
    let newer = fake.holding().tables["offers"].clone();
    let mut storage = newer.fields(7);
    storage.set(1, Value::structs(storage.structs(1).take(1).cloned().collect::<Vec<_>>()));
    fake.holding().tables.insert("offers".to_owned(), newer.clone().with(7, storage));
    fake.holding().altered_before_adding = Some(newer);
    memory.remove("/d/offers/_schema/00000000000000000001.json");
    put_columns(&memory, &offers, &[("id", ColumnType::Int)]).await;
    commit(&keeper, &memory, &offers, 1, "dt=2026-11-24");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().widths["2026-11-24"], 2);
}

#[tokio::test]
async fn a_table_of_someone_elses_stays_as_it_is_and_holds_up_no_other() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let keeper = keeper(&[&fake.address]);
    let theirs = Struct::default().with(1, "offers").with(12, "MANAGED_TABLE");
    fake.holding().tables.insert("offers".to_owned(), theirs.clone());
    for name in ["offers", "visits"] {
        put_columns(&memory, &table(name), &[("id", ColumnType::Int)]).await;
        commit(&keeper, &memory, &table(name), 1, "dt=2026-11-24");
    }
    run_until(&keeper, &memory, &metrics, || {
        metrics.hive_failures.get() >= 2 && fake.holding().partitions.contains_key("visits")
    })
    .await;
    assert_eq!(keeper.pending(), 1);
    assert_eq!(fake.holding().tables["offers"], theirs);
    assert!(!fake.holding().partitions.contains_key("offers"));

    fake.holding().tables.remove("offers");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().columns("offers"), ["id int"]);
}

#[tokio::test]
async fn a_table_of_which_the_metastore_says_nothing_holds_up_no_other() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let mut keeper = keeper(&[&fake.address]);
    keeper.call_limit = HANGING;
    fake.holding().hanging_table = Some("offers".to_owned());
    // The first one that is asked for is the one that hangs.
    for name in ["offers", "orders", "visits"] {
        put_columns(&memory, &table(name), &[("id", ColumnType::Int)]).await;
        commit(&keeper, &memory, &table(name), 1, "dt=2026-11-24");
    }
    run_until(&keeper, &memory, &metrics, || {
        let are_told = ["orders", "visits"].iter().all(|name| fake.holding().partitions.contains_key(*name));
        are_told && keeper.pending() == 1
    })
    .await;
    fake.holding().hanging_table = None;
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().columns("offers"), ["id int"]);
}

#[tokio::test]
async fn a_table_over_which_the_metastore_takes_long_holds_up_no_other_meanwhile() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let mut keeper = keeper(&[&fake.address]);
    keeper.patience = HANGING;
    fake.holding().hanging_table = Some("offers".to_owned());
    for name in ["offers", "orders", "visits"] {
        put_columns(&memory, &table(name), &[("id", ColumnType::Int)]).await;
        commit(&keeper, &memory, &table(name), 1, "dt=2026-11-24");
    }
    run_until(&keeper, &memory, &metrics, || keeper.pending() == 1).await;
    assert_eq!(fake.holding().partitions.keys().collect::<Vec<_>>(), ["orders", "visits"]);
    assert_eq!(metrics.hive_failures.get(), 0, "the call has not failed");
}

#[tokio::test]
async fn of_two_metastores_of_which_one_hangs_the_other_is_told_while_the_first_is_waited_for() {
    let (first, second) = (Fake::start().await, Fake::start().await);
    let (memory, metrics) = (Memory::new(), Metrics::default());
    first.behave(Behaviour::Hangs);
    let mut keeper = keeper(&[&first.address, &second.address]);
    keeper.patience = HANGING;
    for name in ["offers", "orders"] {
        put_columns(&memory, &table(name), &[("id", ColumnType::Int)]).await;
        keeper.mark(&table(name));
    }
    run_until(&keeper, &memory, &metrics, || keeper.pending() == 1).await;
    assert_eq!(second.holding().columns("orders"), ["id int"]);
}

#[tokio::test]
async fn what_someone_took_from_the_metastore_is_there_again_with_rows_that_come_long_after_the_last_comparison() {
    let (fake, memory, metrics, visits) = (Fake::start().await, Memory::new(), Metrics::default(), table("visits"));
    let mut keeper = keeper(&[&fake.address]);
    put_columns(&memory, &visits, &[("id", ColumnType::BigInt)]).await;
    commit(&keeper, &memory, &visits, 1, "dt=2026-11-01");
    run_until_known(&keeper, &memory, &metrics).await;
    fake.holding().partitions.clear();
    commit(&keeper, &memory, &visits, 1, "dt=2026-11-01");
    assert_eq!(keeper.pending(), 0, "it was compared just now");
    keeper.look_again = Duration::ZERO;
    commit(&keeper, &memory, &visits, 1, "dt=2026-11-01");
    run_until_known(&keeper, &memory, &metrics).await;
    assert_eq!(fake.holding().partitions["visits"], ["2026-11-01"]);
}

#[tokio::test]
async fn a_table_without_columns_yet_is_no_table_of_hives() {
    let (fake, memory, metrics) = (Fake::start().await, Memory::new(), Metrics::default());
    let keeper = keeper(&[&fake.address]);
    keeper.mark(&table("offers"));
    run_until_known(&keeper, &memory, &metrics).await;
    assert!(fake.holding().tables.is_empty());
}
