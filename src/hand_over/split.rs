//! The records of a hand-over, by source partition.

use crate::error::{Error, Result};
use crate::hand_over::frame::entry_bytes;

/// Records by source partition.
pub(crate) type Parts = Vec<(u32, Vec<u8>)>;

/// The buffer's records by source partition, in order, and how many there are.
pub(crate) fn split(buffer: &[u8]) -> Result<(Parts, u64)> {
    let mut count = 0;
    let mut parts = Parts::new();
    let mut current = 0;
    let mut run = 0..0;
    while run.end < buffer.len() {
        let entry = entry_bytes(buffer, run.end).map_err(Error::bug)?;
        if parts.get(current).is_none_or(|(id, _)| *id != entry.source_partition) {
            if let Some((_, part)) = parts.get_mut(current) {
                part.extend_from_slice(&buffer[run.clone()]);
            }
            run = run.end..run.end;
            current = parts.iter().position(|(id, _)| *id == entry.source_partition).unwrap_or_else(|| {
                parts.push((entry.source_partition, Vec::new()));
                parts.len() - 1
            });
        }
        run.end += entry.length;
        count += u64::from(entry.records);
    }
    if let Some((_, part)) = parts.get_mut(current) {
        part.extend_from_slice(&buffer[run]);
    }
    Ok((parts, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hand_over::frame::{ENTRY_HEADER, RecordOffset, Records, pack};
    use crate::position::Position;
    use crate::record::Record;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hand_over_is_split_by_source_partition_without_loss_and_in_order(ids in prop::collection::vec(0..4u32, 0..40)) {
            let payloads: Vec<_> = (0..ids.len()).map(|at| vec![7; at % 5]).collect();
            // Two records of an entry, if they are of one source partition.
            let records = ids.iter().zip(&payloads).enumerate().map(|(at, (id, payload))| {
                let position = Position { ledger: 1, entry: at as u64 / 2, batch_index: at as u32 };
                Record { source_partition: *id, ..Record::plain(position, payload) }
            });
            let buffer = pack(records);
            let (parts, count) = split(&buffer).unwrap();
            prop_assert_eq!(count, ids.len() as u64);
            prop_assert_eq!(parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), buffer.len());
            for (id, bytes) in parts {
                let found: Vec<_> = Records::from(&bytes, RecordOffset::default()).map(|record| record.unwrap()).collect();
                let expected: Vec<_> = ids.iter().enumerate().filter(|(_, own)| **own == id).map(|(at, _)| at as u32).collect();
                prop_assert!(found.iter().all(|record| record.source_partition == id));
                prop_assert_eq!(found.iter().map(|record| record.position.batch_index).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn a_malformed_hand_over_is_an_error_and_not_a_panic() {
        assert!(split(&[1; ENTRY_HEADER + 1]).is_err());
    }
}
