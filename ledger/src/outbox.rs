//! What an event group has yet to tell the groups of its buyers. Replicated state: written by the same entry that sells.
//!
//! Each target slot has a queue of its own with sequence numbers from 1, dense and never used again, and forgets what its
//! target has acknowledged. So a dead target holds up no other.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::command::Delivery;
use crate::ids::UserId;

/// Records that are shared or copied together while a snapshot is written.
const CHUNK: usize = 64;

/// The queues of all targets.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    targets: BTreeMap<u32, Arc<Queue>>,
    waiting: u64,
}

/// One target's queue.
#[derive(Clone, Debug, Default)]
struct Queue {
    /// Sequence number of the last record that was acknowledged.
    acknowledged: u64,
    /// Sequence number of the last record.
    last: u64,
    /// How many records of the first chunk are acknowledged.
    skip: usize,
    /// The others, and the first `skip` that are not; every chunk but the last has [`CHUNK`] records.
    chunks: VecDeque<Arc<Vec<Delivery>>>,
}

impl Queue {
    fn iter(&self) -> impl Iterator<Item = (u64, &Delivery)> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .skip(self.skip)
            .zip(self.acknowledged + 1..)
            .map(|(record, number)| (number, record))
    }

    fn push(&mut self, record: Delivery) -> u64 {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(record),
            _ => {
                let mut chunk = Vec::with_capacity(4);
                chunk.push(record);
                self.chunks.push_back(Arc::new(chunk));
            }
        }
        self.last += 1;
        self.last
    }

    /// Forgets the first record.
    fn pop(&mut self) {
        self.acknowledged += 1;
        self.skip += 1;
        if self.skip == CHUNK || self.acknowledged == self.last {
            self.chunks.pop_front();
            self.skip = 0;
        }
    }
}

impl Outbox {
    /// Appends a record and gives its sequence number.
    pub(crate) fn push(&mut self, target: u32, record: Delivery) -> u64 {
        self.waiting += 1;
        Arc::make_mut(self.targets.entry(target).or_default()).push(record)
    }

    /// Forgets the target's records up to number `upto`, calling `forgotten` for each. A number that was acknowledged
    /// before does nothing; one that was never given counts as the last one that was.
    pub(crate) fn acknowledge(&mut self, target: u32, upto: u64, mut forgotten: impl FnMut(u64, &Delivery)) {
        let Some(queue) = self.targets.get_mut(&target) else { return };
        let upto = upto.min(queue.last);
        if upto <= queue.acknowledged {
            return;
        }
        let queue = Arc::make_mut(queue);
        let count = upto - queue.acknowledged;
        for (number, record) in queue.iter().take(usize::try_from(count).unwrap_or(usize::MAX)) {
            forgotten(number, record);
        }
        for _ in 0..count {
            queue.pop();
        }
        self.waiting -= count;
    }

    /// Sequence number of the last record that the target has acknowledged.
    #[must_use]
    pub fn acknowledged(&self, target: u32) -> u64 {
        self.targets.get(&target).map_or(0, |queue| queue.acknowledged)
    }

    /// How many records wait, over all targets.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Targets with something waiting, ascending.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        self.targets.iter().filter(|(_, queue)| queue.last > queue.acknowledged).map(|(&target, _)| target)
    }

    /// The first records that wait for a target, with their sequence numbers.
    pub fn records(&self, target: u32) -> impl Iterator<Item = (u64, &Delivery)> {
        self.targets.get(&target).into_iter().flat_map(|queue| queue.iter())
    }

    /// Records that wait for one user's group and concern that user, oldest first. Reads that user's target only.
    #[must_use]
    pub fn undelivered(&self, user: UserId) -> Vec<Delivery> {
        self.records(target_of(user)).map(|(_, record)| record).filter(|record| user_of(record) == user).cloned().collect()
    }

    /// Every target ever written to, with the numbers of its last acknowledged and its last record; ascending.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = (u32, u64, u64)> + '_ {
        self.targets.iter().map(|(&target, queue)| (target, queue.acknowledged, queue.last))
    }

    /// Puts a target back as it was, empty: its records follow by [`Outbox::push`].
    pub(crate) fn restore(&mut self, target: u32, acknowledged: u64) {
        self.targets.insert(target, Arc::new(Queue { acknowledged, last: acknowledged, ..Queue::default() }));
    }
}

/// The target slot of a user's records.
#[must_use]
pub fn target_of(user: UserId) -> u32 {
    u32::from(user.slot().number())
}

/// Whom a record concerns.
#[must_use]
pub fn user_of(record: &Delivery) -> UserId {
    match record {
        Delivery::Ticket(ticket) => ticket.user,
        Delivery::Order(order) => order.user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::OrderRecord;
    use crate::ids::{EventId, OrderId, Slot};
    use crate::money::Currency;
    use crate::outcome::OrderState;
    use crate::time::Timestamp;
    use alloc::vec;

    fn record(user: UserId, receipt: u64) -> Delivery {
        Delivery::Order(OrderRecord {
            discount: 0,
            id: OrderId(receipt.into()),
            revision: 1,
            user,
            event: EventId(1),
            total: 0,
            refunded: 0,
            currency: Currency::parse("EUR").unwrap(),
            receipt,
            tickets: 1,
            confirmed_at: Timestamp(1),
            state: OrderState::AwaitingPayment,
        })
    }

    /// Pushes and acknowledgements of all sizes against a plain list.
    #[test]
    fn numbers_are_dense_and_only_acknowledged_records_go() {
        let user = UserId::new(1, Slot::new(4), 1);
        let (mut outbox, mut acknowledged, mut last) = (Outbox::default(), 0, 0);
        let mut frozen = (outbox.clone(), 0..0);
        for step in 0..3000_u64 {
            let size = step * 7919 % 97;
            if step % 3 == 0 {
                let upto = acknowledged + size;
                let mut forgotten = vec![];
                outbox.acknowledge(4, upto, |number, _| forgotten.push(number));
                let upto = upto.min(last);
                assert_eq!(forgotten, (acknowledged + 1..=upto).collect::<Vec<_>>());
                acknowledged = acknowledged.max(upto);
            } else {
                for _ in 0..size % 50 {
                    last += 1;
                    assert_eq!(outbox.push(4, record(user, last)), last);
                }
            }
            let seen: Vec<u64> = outbox.records(4).map(|(number, _)| number).collect();
            assert_eq!(seen, (acknowledged + 1..=last).collect::<Vec<_>>());
            assert!(outbox.records(4).all(|(number, one)| *one == record(user, number)));
            assert_eq!((outbox.waiting(), outbox.acknowledged(4)), (last - acknowledged, acknowledged));
            if step % 500 == 7 {
                frozen = (outbox.clone(), acknowledged + 1..last + 1);
            }
        }
        assert!(frozen.0.records(4).map(|(number, _)| number).eq(frozen.1));
    }

    #[test]
    fn a_target_that_is_silent_holds_up_no_other() {
        let users = [UserId::new(1, Slot::new(4), 1), UserId::new(1, Slot::new(4), 2), UserId::new(1, Slot::new(5), 3)];
        let mut outbox = Outbox::default();
        for receipt in 0..300 {
            let user = users[receipt as usize % 3];
            outbox.push(target_of(user), record(user, receipt));
        }
        assert_eq!(outbox.targets().collect::<Vec<_>>(), [4, 5]);
        outbox.acknowledge(5, 100, |_, _| ());
        outbox.acknowledge(6, 1, |_, _| ());
        assert_eq!((outbox.targets().collect::<Vec<_>>(), outbox.waiting()), (vec![4], 200));
        assert_eq!((outbox.undelivered(users[0]).len(), outbox.undelivered(users[2]).len()), (100, 0));
        assert_eq!(outbox.cursors().collect::<Vec<_>>(), [(4, 0, 200), (5, 100, 100)]);
    }
}
