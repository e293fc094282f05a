//! Published events in the orders in which they are listed, kept up from what changes: a page costs what is on it, and a filter
//! looks at numbers only. The order is that of the replicated catalog, so that it is the same on every node.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use boxoffice_api::backend::{EventFilter, Sort};
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{Event, EventStatus};
use boxoffice_ledger::ids::{EventId, PerformerId, VenueId};
use boxoffice_ledger::time::Timestamp;
use boxoffice_search::fold;
use parking_lot::Mutex;

use crate::replica::Replica;

/// Where an event stands in an order, by two numbers, a name, and its id. Least is first; no two are equal.
pub type Rank = (u64, u64, String, EventId);

/// How much of a name is compared, in bytes.
const NAME_BYTES: usize = 128;

/// See the module.
#[derive(Default)]
pub struct Popular {
    orders: Mutex<Orders>,
}

#[derive(Default)]
struct Orders {
    filled: bool,
    lines: HashMap<EventId, Line>,
    popular: BTreeSet<Rank>,
    soonest: BTreeSet<Rank>,
    named: BTreeSet<Rank>,
    /// Cities and categories that are in use, folded, by number.
    words: HashMap<String, u32>,
}

/// What the filters look at.
struct Line {
    popular: Rank,
    soonest: Rank,
    named: Rank,
    city: u32,
    category: u32,
    venue: VenueId,
    performers: Vec<PerformerId>,
    starts_at: Timestamp,
    available: bool,
    from_price: u64,
}

/// What changed in the catalog since it was last asked for.
#[derive(Debug, Default)]
pub struct Unranked {
    /// Events, or their figures.
    pub events: BTreeSet<EventId>,
    /// Venues.
    pub venues: BTreeSet<VenueId>,
    /// All of it: it was replaced.
    pub everything: bool,
}

impl Popular {
    /// Follows the catalog as applied here. What changed is taken under the lock, so that whoever comes next sees it done.
    pub fn follow(&self, catalog: &Replica<CatalogLedger>, changed: impl FnOnce() -> Unranked) {
        let mut orders = self.orders.lock();
        let changed = changed();
        if orders.filled && !changed.everything && changed.events.is_empty() && changed.venues.is_empty() {
            return;
        }
        orders.follow(&catalog.read(), changed);
    }

    /// The next events of an order that fit and that `passes` lets pass, by rank; one more than `limit` if there are more.
    pub fn page(&self, filter: &EventFilter, after: Option<Rank>, limit: usize, passes: impl Fn(EventId) -> bool) -> Vec<Rank> {
        let orders = self.orders.lock();
        let Some(wanted) = Wanted::new(filter, &orders.words) else { return Vec::new() };
        let order = match filter.sort {
            Sort::Popular => &orders.popular,
            Sort::Start => &orders.soonest,
            Sort::Name => &orders.named,
        };
        let rest = order.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
        let fits = |rank: &&Rank| orders.lines.get(&rank.3).is_some_and(|line| wanted.fits(line)) && passes(rank.3);
        rest.filter(fits).take(limit + 1).cloned().collect()
    }
}

impl Orders {
    fn follow(&mut self, catalog: &CatalogLedger, changed: Unranked) {
        if changed.everything || !self.filled {
            *self = Self { filled: true, ..Self::default() };
            catalog.events().for_each(|event| self.put(catalog, event));
            return;
        }
        let moved = self.lines.iter().filter(|(_, line)| changed.venues.contains(&line.venue)).map(|(id, _)| *id);
        let events: BTreeSet<EventId> = if changed.venues.is_empty() { changed.events } else { moved.chain(changed.events).collect() };
        for id in events {
            self.remove(id);
            if let Some(event) = catalog.event(id) {
                self.put(catalog, event);
            }
        }
    }

    fn remove(&mut self, id: EventId) {
        if let Some(line) = self.lines.remove(&id) {
            self.popular.remove(&line.popular);
            self.soonest.remove(&line.soonest);
            self.named.remove(&line.named);
        }
    }

    fn put(&mut self, catalog: &CatalogLedger, event: &Event) {
        if event.status != EventStatus::Published {
            return;
        }
        let summary = catalog.summary(event.id);
        let lowest = event.terms.prices.iter().min().copied().unwrap_or(0);
        let line = Line {
            popular: (u64::MAX - catalog.demand(event.id).0, event.starts_at.0, String::new(), event.id),
            soonest: (event.starts_at.0, 0, String::new(), event.id),
            named: (0, 0, name_rank(&event.name), event.id),
            city: self.word(catalog.venue(event.venue).map_or("", |venue| &venue.city)),
            category: self.word(&event.category),
            venue: event.venue,
            performers: event.performers.clone(),
            starts_at: event.starts_at,
            // Before the first figures come, nothing is sold.
            available: summary.is_none_or(|summary| summary.available > 0),
            from_price: summary.and_then(|summary| summary.from_price).unwrap_or(lowest),
        };
        self.popular.insert(line.popular.clone());
        self.soonest.insert(line.soonest.clone());
        self.named.insert(line.named.clone());
        self.lines.insert(event.id, line);
    }

    fn word(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        *self.words.entry(fold(text)).or_insert(next)
    }
}

/// A name as it is compared.
fn name_rank(name: &str) -> String {
    let mut folded = fold(name);
    let mut end = folded.len().min(NAME_BYTES);
    while !folded.is_char_boundary(end) {
        end -= 1;
    }
    folded.truncate(end);
    folded
}

/// A filter with its words as numbers.
struct Wanted<'a> {
    filter: &'a EventFilter,
    city: Option<u32>,
    category: Option<u32>,
}

impl<'a> Wanted<'a> {
    /// `None` when no event can fit, because nothing has that word.
    fn new(filter: &'a EventFilter, words: &HashMap<String, u32>) -> Option<Self> {
        let number = |text: &Option<String>| match text {
            None => Some(None),
            Some(text) => words.get(&fold(text)).map(|&number| Some(number)),
        };
        Some(Self { filter, city: number(&filter.city)?, category: number(&filter.category)? })
    }

    fn fits(&self, line: &Line) -> bool {
        let filter = self.filter;
        self.city.is_none_or(|city| city == line.city)
            && self.category.is_none_or(|category| category == line.category)
            && filter.venue.is_none_or(|venue| venue == line.venue)
            && filter.performer.is_none_or(|performer| line.performers.contains(&performer))
            && filter.from.is_none_or(|from| line.starts_at >= from)
            && filter.to.is_none_or(|to| line.starts_at < to)
            && (!filter.available || line.available)
            && filter.min_price.is_none_or(|least| line.from_price >= least)
            && filter.max_price.is_none_or(|most| line.from_price <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_accents() {
        assert_eq!(name_rank("  \u{c9}tude No. 3"), "etude no 3");
        assert_eq!(name_rank(&"\u{4E16}".repeat(60)).len(), 126, "never half a letter");
    }
}
