use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::catalogue::Catalogue;
use crate::encode::Encoder;

const DAY: i64 = 86_400_000;
const START: i64 = 1_793_491_200_000;

fn plan(seed: u64, count: u64) -> Plan {
    Plan { seed, count, kinds: EventKind::ALL.to_vec(), start: START, end: START + 7 * DAY }
}

fn counts(plan: &Plan) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for event in Traffic::new(plan) {
        *counts.entry(event.kind.name()).or_default() += 1;
    }
    counts
}

#[test]
fn a_seed_gives_the_same_bytes() {
    let catalogue = Catalogue::load().unwrap();
    let encoder = Encoder::new(&catalogue).unwrap();
    let bytes = |seed| -> Vec<Vec<u8>> {
        Traffic::new(&plan(seed, 20_000)).map(|event| encoder.encode(&event).unwrap()).collect()
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn the_bytes_of_a_seed_never_change() {
    let catalogue = Catalogue::load().unwrap();
    let encoder = Encoder::new(&catalogue).unwrap();
    // FNV-1a over all payloads.
    let mut sum: u64 = 0xCBF2_9CE4_8422_2325;
    for event in Traffic::new(&plan(1, 50_000)) {
        for byte in encoder.encode(&event).unwrap() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    assert_eq!(sum, 10_011_628_845_472_573_474, "the traffic has changed: put this sum here if that was meant");
}

#[test]
fn a_plan_gives_exactly_its_count() {
    for count in [0, 1, 2, 1000, 12_345] {
        assert_eq!(Traffic::new(&plan(3, count)).count() as u64, count);
    }
}

#[test]
fn a_few_thousand_hold_every_event() {
    for seed in 0..60 {
        let counts = counts(&plan(seed, 3000));
        assert_eq!(counts.len(), 21, "seed {seed}: {counts:?}");
    }
}

#[test]
fn the_proportions_are_a_marketplaces() {
    for seed in 0..3 {
        let counts = counts(&plan(seed, 200_000));
        for (event, count) in &counts {
            assert!(*count >= 200, "{event}: {count}");
        }
        let mut ranking: Vec<_> = counts.iter().map(|(event, count)| (*count, *event)).collect();
        ranking.sort_unstable();
        ranking.reverse();
        assert_eq!((ranking[0].1, ranking[1].1), ("page_visit", "searching"), "{ranking:?}");
        assert!(counts["cart_add"] > 3 * counts["ordering"], "{counts:?}");
        assert!(counts["ordering"] > 3 * counts["order_cancel"], "{counts:?}");
        assert!(counts["ordering"] > 3 * counts["item_return"], "{counts:?}");
        assert!(counts["cart_add"] > counts["cart_delete"], "{counts:?}");
        assert!(counts["logging_in"] > counts["registering"], "{counts:?}");
        assert!(counts["ordering"] > counts["promo_usage"], "{counts:?}");
    }
}

#[test]
fn a_subset_is_only_that() {
    for &kind in EventKind::ALL {
        let plan = Plan { kinds: vec![kind], ..plan(5, 50) };
        let events: Vec<Event> = Traffic::new(&plan).collect();
        assert_eq!(events.len(), 50);
        assert!(events.iter().all(|event| event.kind == kind));
    }
    let none = Plan { kinds: Vec::new(), ..plan(5, 50) };
    assert_eq!(Traffic::new(&none).count(), 0);
}

#[test]
fn times_stay_in_the_range_and_are_roughly_ordered() {
    for (seed, span) in [(1, 7 * DAY), (2, DAY / 4), (3, 60_000), (4, 1)] {
        let plan = Plan { end: START + span, ..plan(seed, 20_000) };
        let (mut newest, mut late) = (START, 0);
        for event in Traffic::new(&plan) {
            let at = event.timestamp();
            assert!((START..START + span).contains(&at), "{at}");
            assert!(at > newest - 700_000, "{} came {} ms late", event.kind.name(), newest - at);
            late += usize::from(at < newest - 2_000);
            newest = newest.max(at);
        }
        assert!(late < 400, "{late} of 20000 came late");
    }
}

#[test]
fn the_last_hours_are_as_busy_as_those_of_the_day_before() {
    const PIECE: i64 = DAY / 48;
    for (seed, end) in [(1, START + 7 * DAY), (2, START + 7 * DAY + 9 * DAY / 24), (3, START + 8 * DAY - 10_800_000)] {
        let times: Vec<i64> =
            Traffic::new(&Plan { end, ..plan(seed, 200_000) }).map(|event| event.timestamp()).collect();
        let between = |from, to| times.iter().filter(|at| (from..to).contains(*at)).count() as f64;
        for piece in 0..10 {
            let from = end - (piece + 1) * PIECE;
            let [now, then] = [from, from - DAY].map(|from| between(from, from + PIECE));
            assert!(
                (0.6..1.6).contains(&(now / then)),
                "seed {seed}, {piece} before the end: {now}, a day before {then}"
            );
        }
        assert!(between(end - 120_000, end) > 0.0);
    }
}

#[test]
fn a_visit_is_over_before_the_end() {
    let end = START + session::LONGEST;
    let mut world = World { market: Market::new(), texts: Texts::new(), rng: Rng::new(8), pace: 1.0, end };
    for visit in 0..5000 {
        let start = START + visit * 1700;
        let times: Vec<i64> = session::visit(&mut world, start).iter().map(Event::timestamp).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(times.iter().all(|at| (start..end).contains(at)), "{visit}: {times:?}");
    }
}

#[test]
fn a_short_visit_of_one_user_goes_forward() {
    let mut world = World { market: Market::new(), texts: Texts::new(), rng: Rng::new(9), pace: 1.0, end: i64::MAX };
    for visit in 0..5000 {
        let events = session::visit(&mut world, START + visit * 1000);
        let times: Vec<i64> = events.iter().map(Event::timestamp).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(times.iter().all(|at| at - (START + visit * 1000) < session::LONGEST));
        assert!(events.iter().all(|event| event.values[1] == events[0].values[1]));
    }
}

#[test]
fn orders_come_before_what_refers_to_them() {
    let mut world = World { market: Market::new(), texts: Texts::new(), rng: Rng::new(2), pace: 1.0, end: i64::MAX };
    let mut ordered = HashMap::new();
    let mut closed = BTreeSet::new();
    for event in (0..20_000).flat_map(|visit| session::visit(&mut world, START + visit * 500)) {
        let Value::Long(user) = event.values[1] else { panic!("{event:?}") };
        let (at, order) = match (event.kind, &event.values[2..]) {
            (EventKind::Ordering, [Value::Long(order)]) => {
                assert!(ordered.insert(*order, (user, event.timestamp())).is_none());
                continue;
            }
            (EventKind::OrderCancel, [Value::Long(order)]) => (event.timestamp(), order),
            (EventKind::PromoUsage, [_, Value::Long(order)]) => (event.timestamp(), order),
            (EventKind::ItemReturn, [_, Value::Long(order), ..]) => (event.timestamp(), order),
            _ => continue,
        };
        let (owner, placed) = ordered[order];
        assert_eq!(owner, user);
        assert!(at > placed);
        assert!(event.kind == EventKind::PromoUsage || closed.insert(*order), "{order} was closed twice");
    }
    assert!(closed.len() > 100);
}

#[test]
fn every_event_encodes_and_comes_back() {
    let catalogue = Catalogue::load().unwrap();
    let encoder = Encoder::new(&catalogue).unwrap();
    for event in Traffic::new(&plan(4, 10_000)) {
        let schema = catalogue.schema(event.kind);
        let payload = encoder.encode(&event).unwrap();
        let reader = apache_avro::reader::datum::GenericDatumReader::builder(schema).build().unwrap();
        let mut rest = payload.as_slice();
        let apache_avro::types::Value::Record(fields) = reader.read_value(&mut rest).unwrap() else { panic!() };
        assert!(rest.is_empty());
        let values: Vec<Value> = fields.into_iter().map(|(_, value)| plain(value)).collect();
        assert_eq!(values, event.values);
    }
}

fn plain(value: apache_avro::types::Value) -> Value {
    use apache_avro::types::Value as Avro;
    match value {
        Avro::Union(_, inner) => plain(*inner),
        Avro::Null => Value::Null,
        Avro::Int(value) => Value::Int(value),
        Avro::Long(value) => Value::Long(value),
        Avro::Double(value) => Value::Double(value),
        Avro::String(value) => Value::Text(value),
        Avro::TimestampMillis(value) => Value::Timestamp(value),
        other => panic!("{other:?}"),
    }
}

#[test]
fn codes_are_those_of_the_schema() {
    let catalogue = Catalogue::load().unwrap();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in Traffic::new(&plan(6, 100_000)) {
        for (field, value) in catalogue.fields(event.kind).unwrap().iter().zip(&event.values) {
            if let (Some(_), Value::Int(code)) = (field.custom_attributes.get("codes"), value) {
                seen.entry(field.name.clone()).or_default().insert(code.to_string());
            }
        }
    }
    for &kind in EventKind::ALL {
        for field in catalogue.fields(kind).unwrap() {
            if let Some(codes) = field.custom_attributes.get("codes") {
                let named: BTreeSet<String> = codes.as_object().unwrap().keys().cloned().collect();
                assert_eq!(seen[&field.name], named, "{}", field.name);
            }
        }
    }
}

#[test]
fn awkward_texts_and_nulls_are_there() {
    let mut queries = BTreeSet::new();
    let mut messages = BTreeSet::new();
    let mut nulls: BTreeMap<(&str, usize), [u64; 2]> = BTreeMap::new();
    for event in Traffic::new(&plan(1, 200_000)) {
        for (index, value) in event.values.iter().enumerate() {
            nulls.entry((event.kind.name(), index)).or_default()[usize::from(*value == Value::Null)] += 1;
        }
        match (event.kind, event.values.into_iter().next_back()) {
            (EventKind::Searching, Some(Value::Text(query))) => queries.insert(query),
            (EventKind::ItemReturn, Some(Value::Text(message))) => messages.insert(message),
            _ => false,
        };
    }
    for text in text::AWKWARD {
        assert!(queries.contains(*text) || messages.contains(*text), "{text:?}");
    }
    assert!(queries.iter().any(|query| query.len() > 10_000));
    assert!(messages.iter().filter(|message| text::AWKWARD.contains(&message.as_str())).count() > 20);
    let nullable: Vec<_> = nulls.iter().filter(|(_, counts)| counts[1] > 0).collect();
    assert_eq!(nullable.len(), 6, "{nullable:?}");
    assert!(nullable.iter().all(|(_, counts)| counts[0] > 50 && counts[1] > 50), "{nullable:?}");
}
