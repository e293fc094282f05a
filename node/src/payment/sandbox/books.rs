//! The sandbox provider's books in memory: every object, by id and by age, and what is due. Rebuilt from the journal at a start.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::faults::Faults;
use super::record::{Delivery, Event, Intent, Key, Record, Refund, RefundStatus};

/// Events that are kept for `GET /v1/events` once they are delivered: enough to look at, few enough for a quick start.
const EVENTS_KEPT: usize = 1_000;

/// How long an idempotency key is remembered, in milliseconds.
const KEY_LIFE_MS: u64 = 24 * 3600 * 1000;

/// Something whose undecided state ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settling {
    /// An intent in `processing`.
    Intent(String),
    /// A refund in `pending`.
    Refund(String),
}

/// See the module.
#[derive(Default)]
pub struct Books {
    intents: BTreeMap<String, Intent>,
    by_age: BTreeMap<u64, String>,
    refunds: BTreeMap<String, Refund>,
    refunds_of: HashMap<String, Vec<String>>,
    events: BTreeMap<u64, Event>,
    undelivered: BTreeSet<(u64, u64)>,
    settling: BTreeSet<(u64, Settling)>,
    keys: HashMap<String, Key>,
    faults: Faults,
    newest: u64,
}

impl Books {
    /// Writes a change down.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Intent(intent) => self.put_intent(intent),
            Record::Refund(refund) => self.put_refund(refund),
            Record::Event(event) => self.put_event(event),
            Record::Delivery(delivery) => self.put_delivery(delivery),
            Record::Key(key) => drop(self.keys.insert(key.key.clone(), key)),
            Record::Faults(faults) => self.faults = faults,
        }
    }

    /// Everything that is worth keeping, as records from which equal books can be made.
    pub fn records(&self, now_ms: u64) -> impl Iterator<Item = Record> {
        let fresh = move |key: &&Key| now_ms.saturating_sub(key.at_ms) < KEY_LIFE_MS;
        std::iter::once(Record::Faults(self.faults.clone()))
            .chain(self.by_age.values().filter_map(|id| self.intents.get(id)).cloned().map(Record::Intent))
            .chain(self.refunds.values().cloned().map(Record::Refund))
            .chain(self.events.values().cloned().map(Record::Event))
            .chain(self.keys.values().filter(fresh).cloned().map(Record::Key))
    }

    /// The number after every one that was given out.
    pub fn next_seq(&self) -> u64 {
        self.newest + 1
    }

    /// The faults that are switched on.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// An intent.
    pub fn intent(&self, id: &str) -> Option<&Intent> {
        self.intents.get(id)
    }

    /// Intents before `before`, newest first.
    pub fn intents(&self, before: u64) -> impl Iterator<Item = &Intent> {
        self.by_age.range(..before).rev().filter_map(|(_, id)| self.intents.get(id))
    }

    /// Intents, oldest first.
    pub fn all_intents(&self) -> impl Iterator<Item = &Intent> {
        self.by_age.values().filter_map(|id| self.intents.get(id))
    }

    /// A refund.
    pub fn refund(&self, id: &str) -> Option<&Refund> {
        self.refunds.get(id)
    }

    /// What was given back of an intent, and what is on its way, in minor units.
    pub fn refunded(&self, intent: &str) -> (u64, u64) {
        let refunds = self.refunds_of.get(intent).into_iter().flatten().filter_map(|id| self.refunds.get(id));
        refunds.fold((0, 0), |(done, pending), refund| match refund.status {
            RefundStatus::Succeeded => (done + refund.amount, pending),
            RefundStatus::Pending => (done, pending + refund.amount),
            RefundStatus::Failed => (done, pending),
        })
    }

    /// Events before `before`, newest first.
    pub fn events(&self, before: u64) -> impl Iterator<Item = &Event> {
        self.events.range(..before).rev().map(|(_, event)| event)
    }

    /// The first answer under a key.
    pub fn key(&self, key: &str, now_ms: u64) -> Option<&Key> {
        self.keys.get(key).filter(|known| now_ms.saturating_sub(known.at_ms) < KEY_LIFE_MS)
    }

    /// Events that are to be delivered now, those that wait longest first.
    pub fn due_events(&self, now_ms: u64, most: usize) -> Vec<Event> {
        let due = self.undelivered.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).take(most);
        due.filter_map(|(_, seq)| self.events.get(seq)).cloned().collect()
    }

    /// What is to be decided now.
    pub fn due_settling(&self, now_ms: u64) -> Vec<Settling> {
        self.settling.iter().take_while(|(due_ms, _)| *due_ms <= now_ms).map(|(_, what)| what.clone()).collect()
    }

    /// When something is due next, in milliseconds since the Unix epoch.
    pub fn next_due_ms(&self) -> Option<u64> {
        let delivery = self.undelivered.first().map(|(due_ms, _)| *due_ms);
        let settling = self.settling.first().map(|(due_ms, _)| *due_ms);
        delivery.into_iter().chain(settling).min()
    }

    fn put_intent(&mut self, intent: Intent) {
        self.newest = self.newest.max(intent.seq);
        self.by_age.insert(intent.seq, intent.id.clone());
        let (id, settles_ms) = (intent.id.clone(), intent.settles_ms);
        let before = self.intents.insert(id.clone(), intent).and_then(|before| before.settles_ms);
        self.settles(before, settles_ms, Settling::Intent(id));
    }

    fn put_refund(&mut self, refund: Refund) {
        self.newest = self.newest.max(refund.seq);
        let (id, intent, settles_ms) = (refund.id.clone(), refund.intent.clone(), refund.settles_ms);
        let before = self.refunds.insert(id.clone(), refund);
        if before.is_none() {
            self.refunds_of.entry(intent).or_default().push(id.clone());
        }
        self.settles(before.and_then(|before| before.settles_ms), settles_ms, Settling::Refund(id));
    }

    fn settles(&mut self, before: Option<u64>, after: Option<u64>, what: Settling) {
        if let Some(before) = before {
            self.settling.remove(&(before, what.clone()));
        }
        if let Some(after) = after {
            self.settling.insert((after, what));
        }
    }

    fn put_event(&mut self, event: Event) {
        self.newest = self.newest.max(event.seq);
        if event.delivery.copies > 0 {
            self.undelivered.insert((event.delivery.due_ms, event.seq));
        }
        self.events.insert(event.seq, event);
        while self.events.len() > EVENTS_KEPT
            && let Some(oldest) = self.events.first_entry().filter(|oldest| oldest.get().delivery.copies == 0)
        {
            oldest.remove();
        }
    }

    fn put_delivery(&mut self, delivery: Delivery) {
        let Some(event) = self.events.get_mut(&delivery.seq) else { return };
        self.undelivered.remove(&(event.delivery.due_ms, event.seq));
        event.delivery = delivery;
        if delivery.copies > 0 {
            self.undelivered.insert((delivery.due_ms, delivery.seq));
        }
    }
}
