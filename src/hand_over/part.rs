//! The records that one hand-over has for one source partition.

#[cfg(test)]
use crate::budget::Budget;
use crate::budget::Charge;
#[cfg(test)]
use crate::record::Record;

/// The records of one hand-over for one source partition.
#[derive(Debug)]
pub(crate) struct HandOverPart {
    /// The hand-over's number.
    pub(crate) hand_over: u64,
    /// The records, as docs/understand/hand-over.md lays them out.
    pub(crate) bytes: Vec<u8>,
    /// The memory that they take.
    pub(crate) charge: Charge,
}

#[cfg(test)]
impl HandOverPart {
    /// These records, packed and charged.
    pub(crate) fn packed<'r>(budget: &Budget, hand_over: u64, records: impl IntoIterator<Item = Record<'r>>) -> Self {
        let bytes = crate::hand_over::frame::pack(records);
        let charge = budget.charge(bytes.len());
        HandOverPart { hand_over, bytes, charge }
    }
}
