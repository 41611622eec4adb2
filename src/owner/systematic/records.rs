//! The topic of a search: record `n`, from 1 on, is entry `n` and has the batch index `n` and the row `n,n`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::Budget;
use crate::config::{OnBadRecord, OnNullValue};
use crate::hand_over::answers::Answers;
use crate::hand_over::part::HandOverPart;
use crate::metrics::Metrics;
use crate::owner::row_memory::RowMemory;
use crate::owner::shared::Shared;
use crate::owner::systematic::config::Settings;
use crate::owner::systematic::gate::Gated;
use crate::owner::systematic::name::Blob;
use crate::owner::systematic::tasks::Tasks;
use crate::owner::tests::shared_with;
use crate::position::Position;
use crate::protocol::folding::{Folding, FoldingMemory};
use crate::record::Record;
use crate::row::metadata::Metadata;
use crate::row::settings::RowSettings;
use crate::slots::Slots;
use crate::storage::memory::Memory;

pub const TOPIC: &str = "persistent://t/n/visits";
/// A row that something else wrote into a file.
pub const FOREIGN: &[u8] = b"foreign\n";
const DAY: i64 = 86_400_000;
/// Longer than any search.
const DAYS_LONG: Duration = Duration::from_secs(1_000_000);

thread_local! {
    /// What the other tests of the source partition share, without and with a directory a day.
    static LIKE: [Arc<Shared<Memory>>; 2] =
        [false, true].map(|by_day| shared_with(&Memory::new(), OnBadRecord::Skip, by_day));
    /// The days of the search's records.
    pub static DAYS: Cell<&'static [u8]> = const { Cell::new(&[]) };
    static ROWS: RefCell<HashMap<Blob, Option<Rc<[u8]>>>> = RefCell::default();
}

pub fn shared(storage: Gated, tasks: Tasks, settings: &Settings) -> Arc<Shared<Gated>> {
    let by_day = settings.days.windows(2).any(|pair| pair[0] != pair[1]);
    let like = LIKE.with(|like| Arc::clone(&like[usize::from(by_day)]));
    let budget = Budget::new(1 << 30);
    Arc::new(Shared {
        storage,
        rows: RowSettings { metadata: vec![Metadata::BatchIndex], ..like.rows.clone() },
        max_batch_rows: settings.full_at,
        max_file_size: 1 << 30,
        ordered: true,
        asks_about_gaps: settings.asks_about_gaps,
        folding: Folding {
            below: settings.fold_below,
            format: like.rows.format.into(),
            memory: FoldingMemory::new(&budget),
        },
        keep_manifests: settings.keep_manifests,
        on_bad_record: OnBadRecord::Skip,
        on_null_value: OnNullValue::Skip,
        schemas: like.schemas.clone(),
        row_memory: RowMemory::new(&budget),
        budget,
        answers: Answers::default(),
        metrics: Metrics::default(),
        streaming: settings.streaming,
        hive: None,
        commits: Slots::new(8),
        files: Slots::new(8),
        streamed: Slots::new(8),
        abandoned_limit: if settings.waits_for_other { DAYS_LONG } else { Duration::ZERO },
        forget_after: DAYS_LONG,
        acknowledgement_delay: Duration::ZERO,
        pause: |_| Duration::ZERO,
        waits_for_repair: false,
        spawn: Box::new(move |task| tasks.begin(task)),
    })
}

/// What an owner asks about a gap: which records stand between these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub number: u64,
    /// 0 for none.
    pub behind: u8,
    pub before: u8,
}

/// What an owner answers.
#[derive(Clone, Default)]
pub struct Answered {
    /// The last hand-over that was told to be committed.
    pub committed: Option<u64>,
    /// What is asked about gaps.
    pub gaps: Vec<Question>,
    /// The broker is to send again, and a hand-over to begin at this record; 0 for none.
    pub sends_again: Option<u8>,
}

/// What is answered since the last call.
pub fn answers(answers: &Answers) -> Answered {
    let mut room = [0; 1_024];
    let written = answers.take(&mut room).unwrap();
    let mut answered = Answered::default();
    let mut rest = &room[..written];
    while !rest.is_empty() {
        let small = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let large = |at: usize| u64::from_le_bytes(rest[at..at + 8].try_into().unwrap());
        match small(4) {
            1 => answered.committed = Some(large(16)),
            3 => answered.gaps.push(Question { number: large(16), behind: large(32) as u8, before: large(48) as u8 }),
            5 => answered.sends_again = Some(large(24) as u8),
            other => panic!("an answer of kind {other}"),
        }
        rest = &rest[small(0) as usize..];
    }
    answered
}

pub fn part(shared: &Shared<Gated>, hand_over: u8, records: &[u8]) -> HandOverPart {
    let days = DAYS.get();
    // A long below 64 in Avro.
    let payloads: Vec<u8> = records.iter().map(|number| number << 1).collect();
    let records = records.iter().zip(payloads.chunks(1)).map(|(number, payload)| {
        let day = days.get(*number as usize - 1).copied().unwrap_or(0);
        Record { publish_time: i64::from(day) * DAY, ..Record::plain(position(*number), payload) }
    });
    HandOverPart::packed(&shared.budget, hand_over.into(), records)
}

pub fn position(number: u8) -> Position {
    Position { ledger: 1, entry: number.into(), batch_index: number.into() }
}

/// The records whose rows these are, 0 for a foreign row; none if a row is torn.
pub fn rows(blob: Blob) -> Option<Rc<[u8]>> {
    ROWS.with_borrow_mut(|known| {
        known
            .entry(blob)
            .or_insert_with(|| {
                let bytes = blob.bytes();
                let lines = bytes.split_inclusive(|byte| *byte == b'\n');
                let row = |line: &[u8]| {
                    if line == FOREIGN {
                        return Some(0);
                    }
                    let (batch_index, value) = std::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(',')?;
                    (batch_index == value).then(|| value.parse().ok()).flatten()
                };
                lines.map(row).collect::<Option<Vec<u8>>>().map(Rc::from)
            })
            .clone()
    })
}
