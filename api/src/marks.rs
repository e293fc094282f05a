//! What changed since a page was rendered: one counter an event that somebody looks at, moved on the apply path.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use boxoffice_ledger::change::Change;
use boxoffice_ledger::ids::EventId;
use parking_lot::RwLock;

/// Events that are marked at once; more than pages are kept, so that there is always something to forget.
const EVENTS_MAX: usize = 16_384;

/// The changes of one event.
#[derive(Default)]
pub struct Mark {
    changes: AtomicU64,
    views: AtomicU32,
    /// Held while a page of the event is rendered, so that it is rendered once.
    pub rendering: tokio::sync::Mutex<()>,
}

impl Mark {
    /// Counts a look at the event's page.
    pub fn view(&self) {
        self.views.fetch_add(1, Ordering::Relaxed);
    }
}

/// All marks of a node.
#[derive(Default)]
pub struct Marks {
    events: RwLock<HashMap<EventId, Arc<Mark>>>,
    /// Changes that concern every event: a venue, a performer, a group that was replaced by a snapshot.
    common: AtomicU64,
}

/// How far an event's changes were at some moment. Equal stamps: nothing changed in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    own: u64,
    common: u64,
}

impl Marks {
    /// The mark of an event.
    pub fn of(&self, event: EventId) -> Arc<Mark> {
        if let Some(mark) = self.events.read().get(&event) {
            return Arc::clone(mark);
        }
        let mut events = self.events.write();
        if events.len() >= EVENTS_MAX {
            events.retain(|_, mark| Arc::strong_count(mark) > 1);
        }
        Arc::clone(events.entry(event).or_default())
    }

    /// Where a mark is now.
    pub fn stamp(&self, mark: &Mark) -> Stamp {
        Stamp { own: mark.changes.load(Ordering::SeqCst), common: self.common.load(Ordering::SeqCst) }
    }

    /// Notes what an entry changed, once its effects can be read. On the apply path.
    pub fn note(&self, changes: &[Change]) {
        let events = self.events.read();
        let mut last = None;
        for change in changes {
            let event = match change {
                Change::Seats { event, .. }
                | Change::Area { event, .. }
                | Change::Sale { event, .. }
                | Change::Price { event, .. }
                | Change::CatalogEvent { event, .. } => *event,
                Change::CatalogVenue { .. } | Change::CatalogPerformer { .. } => {
                    self.everything();
                    continue;
                }
                _ => continue,
            };
            if last.replace(event) != Some(event)
                && let Some(mark) = events.get(&event)
            {
                mark.changes.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// How often events were looked at since the last call.
    pub fn take_views(&self) -> Vec<(EventId, u32)> {
        let events = self.events.read();
        let taken = events.iter().map(|(event, mark)| (*event, mark.views.swap(0, Ordering::Relaxed)));
        taken.filter(|(_, views)| *views > 0).collect()
    }

    /// Notes that anything may have changed.
    pub fn everything(&self) {
        self.common.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::change::EventChange;
    use boxoffice_ledger::ids::VenueId;
    use boxoffice_ledger::outcome::SaleState;

    #[test]
    fn a_change_moves_the_marks_that_it_concerns() {
        let marks = Marks::default();
        let (one, two) = (marks.of(EventId(1)), marks.of(EventId(2)));
        let at = || (marks.stamp(&one), marks.stamp(&two));
        let first = at();
        marks.note(&[
            Change::Sale { event: EventId(1), from: SaleState::OnSale, state: SaleState::Paused },
            Change::CatalogEvent { event: EventId(3), what: EventChange::Updated },
        ]);
        let second = at();
        assert_ne!(first.0, second.0);
        assert_eq!(first.1, second.1);
        marks.note(&[Change::CatalogVenue { venue: VenueId(9) }]);
        assert_ne!(second.1, at().1);
    }

    #[test]
    fn what_nobody_keeps_is_forgotten() {
        let marks = Marks::default();
        let kept = marks.of(EventId(0));
        for number in 1..2 * EVENTS_MAX as u128 {
            drop(marks.of(EventId(number)));
        }
        assert!(marks.events.read().len() <= EVENTS_MAX);
        assert!(Arc::ptr_eq(&kept, &marks.of(EventId(0))));
    }
}
