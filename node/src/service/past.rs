//! The seats of an event as they were: the map of now, with what the change journal says taken back.
//!
//! Every change says which state its seats were in. So a seat's state at an index is what its first change after that index says it
//! came from; one without such a change stands as it did. That holds whatever the map of now has already seen, as long as the journal
//! has all that the map has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_api::backend::{Answer, Context, Failure, Freshness, Read, Revision, SeatMap};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::change::{Change, ChangeId};
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::{AreaIndex, PlanIndex, SeatIndex};
use bytes::Bytes;

use super::Service;
use super::events::invalid;
use crate::journal::{Journal, WHOLE};

/// Bytes of the journal that are read at once, and how often, before it is too far back.
const READ_BYTES: usize = 1024 * 1024;
const READS_MAX: usize = 64;
/// The applier tells what it did right after it: how often that is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What was before the first change after an index.
#[derive(Debug, Default, PartialEq, Eq)]
struct Before {
    seats: BTreeMap<SeatIndex, u8>,
    areas: BTreeMap<AreaIndex, [u32; 3]>,
    sale: Option<SaleState>,
    /// Prices of levels with their versions.
    prices: BTreeMap<u16, (u64, u32)>,
}

impl Service {
    /// The map at a revision of the event's group.
    pub async fn read_past_map(&self, cx: Context, id: EventId, revision: Revision) -> Answer<Read<SeatMap>> {
        let group = self.event_group(id);
        if revision.group != group.0 {
            return Err(invalid("?as_of", "invalid", &format!("the seats of this event are in group {group}")));
        }
        let cx = Context { freshness: Freshness::AtLeast(revision), ..cx };
        let found = self.find(cx, group, || self.counted_map(id)).await?;
        let ((mut map, steps), now, age_ms) = found.ok_or(Failure::NotFound("event"))?;
        let replica = self.seats(id)?;
        while !replica.has_told(steps) {
            if Instant::now() > cx.deadline {
                return Err(Failure::Overloaded(1_000));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let (feed, applied) = (self.feed.clone(), now.index);
        let read = move || before(feed.journal(), id, group, revision.index, applied);
        let before = tokio::task::spawn_blocking(read).await.map_err(|_| Failure::Overloaded(1_000))?;
        take_back(&mut map, &before.ok_or_else(|| self.changes_gone(std::iter::once(group)))?);
        Ok(Read { value: map, revision: Revision { index: revision.index, ..now }, age_ms })
    }
}

/// Reads the journal from an index to its end; `None` when it does not reach back so far.
fn before(journal: &Journal, event: EventId, group: GroupId, index: u64, applied: u64) -> Option<Before> {
    if !journal.flush(group) {
        return None;
    }
    let mut found = Before::default();
    let mut after = ChangeId { group: group.0, index, number: WHOLE };
    for _ in 0..READS_MAX {
        let batch = journal.read(after, applied, READ_BYTES).ok()?;
        for row in &batch.rows {
            row.changes.iter().for_each(|(_, change)| found.note(event, change));
            after.index = row.index;
        }
        if batch.is_end {
            return Some(found);
        }
    }
    None
}

impl Before {
    fn note(&mut self, event: EventId, change: &Change) {
        match change {
            Change::Seats { event: of, seats, from, .. } if *of == event => {
                for &seat in seats {
                    self.seats.entry(seat).or_insert(from.two_bits());
                }
            }
            Change::Area { event: of, area, before, .. } if *of == event => drop(self.areas.entry(*area).or_insert(*before)),
            Change::Sale { event: of, from, .. } if *of == event => drop(self.sale.get_or_insert(*from)),
            Change::Price { event: of, level, change } if *of == event => {
                self.prices.entry(level.0).or_insert((change.from, change.version.saturating_sub(1)));
            }
            _ => {}
        }
    }
}

fn take_back(map: &mut SeatMap, before: &Before) {
    map.state = before.sale.unwrap_or(map.state);
    for (&level, &(price, version)) in &before.prices {
        map.prices.get_mut(usize::from(level)).into_iter().for_each(|now| *now = price);
        map.price_versions.get_mut(usize::from(level)).into_iter().for_each(|now| *now = version);
    }
    let sections = map.plan.sections.len();
    let index = PlanIndex::new(Arc::clone(&map.plan));
    let mut states = map.states.to_vec();
    for (&seat, &state) in &before.seats {
        let (at, shift) = (seat.0 as usize / 4, seat.0 % 4 * 2);
        let (Some(byte), Some(section)) = (states.get_mut(at), index.place(seat).map(|place| place.section)) else { continue };
        let count = map.counts.get_mut(usize::from(section.0));
        let now = *byte >> shift & 3;
        *byte = *byte & !(3 << shift) | state << shift;
        let Some(count) = count else { continue };
        for (state, by) in [(now, -1), (state, 1)] {
            let figure = [&mut count.available, &mut count.held, &mut count.sold].into_iter().nth(usize::from(state));
            if let Some(figure) = figure {
                *figure = figure.saturating_add_signed(by);
            }
        }
    }
    map.states = Bytes::from(states);
    for (area, &figures) in &before.areas {
        if let Some(count) = map.counts.get_mut(sections + usize::from(area.0)) {
            [count.available, count.held, count.sold] = figures;
        }
    }
}
