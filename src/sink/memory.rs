//! Memory: which source partitions give it back when it is short.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use crate::budget::Budget;
use crate::sink::task::Message;
use crate::sink::{Handle, SourcePartitions};

impl SourcePartitions {
    /// Has those that hold most give memory back, once all together hold half of the bound in batches, until the others hold a
    /// quarter of it: the other half is for what commits meanwhile, and the fewer they are, the more is in each commit. When
    /// records wait for memory, or no more can be taken at all, one of them gives, whatever they hold.
    pub(super) fn free_memory(&self, budget: &Budget, records_wait: bool) {
        let held = |handle: &Handle| handle.state.held.load(Ordering::Relaxed);
        let asked = |handle: &Handle| handle.state.freeing_memory.load(Ordering::Relaxed);
        let mut holders: Vec<_> = self.handles.iter().filter(|handle| held(handle) > 0 && !asked(handle)).collect();
        let all: usize = holders.iter().map(|handle| held(handle)).sum();
        let mut excess = if all * 2 >= budget.bound() {
            all - budget.bound() / 4
        } else {
            usize::from(records_wait || budget.claimed() >= budget.bound())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::sink::task::TaskState;

    fn partitions(held: &[usize]) -> (SourcePartitions, Vec<UnboundedReceiver<Message>>) {
        let mut all = SourcePartitions::default();
        let inboxes = held.iter().map(|bytes| {
            let (sender, inbox) = unbounded_channel();
            let (topic, state, health) = (String::new(), Arc::<TaskState>::default(), Arc::default());
            state.held.store(*bytes, Ordering::Relaxed);
            all.handles.push(Handle { topic, sender, state, health, task: None });
            inbox
        });
        let inboxes = inboxes.collect();
        (all, inboxes)
    }

    fn asked(held: &[usize], used: usize, records_wait: bool) -> Vec<bool> {
        let (all, mut inboxes) = partitions(held);
        let budget = Budget::new(100);
        let _used = budget.charge(used);
        all.free_memory(&budget, records_wait);
        inboxes.iter_mut().map(|inbox| inbox.try_recv().is_ok()).collect()
    }

    #[test]
    fn the_largest_are_asked_from_half_on_and_one_where_records_wait_or_nothing_is_left_but_none_that_has_nothing_to_give()
     {
        assert_eq!(asked(&[30, 5, 20], 60, false), [true, false, false]);
        assert_eq!(asked(&[20, 20, 20], 60, false), [true, true, false]);
        assert_eq!(asked(&[10, 0, 20], 90, false), [false, false, false]);
        assert_eq!(asked(&[10, 0, 20], 90, true), [false, false, true]);
        assert_eq!(asked(&[10, 0, 20], 100, false), [false, false, true]);
        assert_eq!(asked(&[0, 0, 1], 100, true), [false, false, true]);
    }
}
