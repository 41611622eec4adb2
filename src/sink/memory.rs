//! Memory: which source partitions give it back when it is short.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use crate::budget::Budget;
use crate::sink::task::Message;
use crate::sink::{Handle, SourcePartitions};

impl SourcePartitions {
    /// Has those that hold most give memory back, once all together hold half of the bound in batches, until the others hold a
    /// quarter of it: the other half is for what commits meanwhile, and the fewer they are, the more is in each commit. When no
    /// more can be taken at all, one of them gives, whatever they hold.
    pub(super) fn free_memory(&self, budget: &Budget) {
        let held = |handle: &Handle| handle.state.held.load(Ordering::Relaxed);
        let asked = |handle: &Handle| handle.state.freeing_memory.load(Ordering::Relaxed);
        let mut holders: Vec<_> = self.handles.iter().filter(|handle| held(handle) > 0 && !asked(handle)).collect();
        let all: usize = holders.iter().map(|handle| held(handle)).sum();
        let mut excess = if all * 2 >= budget.bound() {
            all - budget.bound() / 4
        } else {
            usize::from(budget.claimed() >= budget.bound())
        };
        if excess == 0 {
            return;
        }
        holders.sort_unstable_by_key(|handle| Reverse(held(handle)));
        for handle in holders {
            handle.state.freeing_memory.store(true, Ordering::Relaxed);
            let _ = handle.sender.send(Message::FreeMemory);
            excess = excess.saturating_sub(held(handle));
            if excess == 0 {
                return;
            }
        }
    }
}
