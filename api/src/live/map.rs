//! An event's map as a feed keeps it: states, counts, what changed, and its JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use boxoffice_ledger::outcome::SaleState;
use boxoffice_ledger::plan::SeatIndex;

use super::feed::Item;
use crate::backend::SeatMap;
use crate::json;
use crate::layout::Layout;

/// Free, held, sold.
pub type Counts = [u32; 3];

/// The map at one revision.
pub struct Map {
    layout: Layout,
    /// One state a seat, two bits used.
    states: Vec<u8>,
    /// Section of each seat.
    sections: Vec<u16>,
    /// Sections in plan order, then areas.
    counts: Vec<Counts>,
    prices: Vec<u64>,
    sale: SaleState,
}

/// What changed between two revisions. Later states win.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Seats and their states now.
    pub seats: BTreeMap<u32, u8>,
    /// Sections and areas whose counts changed.
    pub counts: BTreeSet<usize>,
    /// The sale's state, if it moved.
    pub sale: Option<SaleState>,
    /// Changes of prices, the oldest first.
    pub prices: Vec<Repriced>,
}

/// A change of the price of a level, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repriced {
    /// The level.
    pub level: u16,
    /// The price's version now; 0 = it was noticed afterwards.
    pub version: u32,
    /// The price before.
    pub from: u64,
    /// The price now.
    pub to: u64,
    /// Why.
    pub cause: &'static str,
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty() && self.counts.is_empty() && self.sale.is_none() && self.prices.is_empty()
    }

    /// Adds what changed after it.
    pub fn extend(&mut self, later: &Self) {
        self.seats.extend(&later.seats);
        self.counts.extend(&later.counts);
        self.sale = later.sale.or(self.sale);
        self.prices.extend(&later.prices);
    }
}

impl Map {
    /// The map that the backend gave.
    pub fn new(map: &SeatMap) -> Self {
        let layout = Layout::new(map.layout, &map.plan);
        let mut new = Self {
            states: unpack(&map.states, layout.seat_count()),
            sections: (0..layout.seat_count()).map(|seat| layout.section_of(SeatIndex(seat)).map_or(0, |section| section.0)).collect(),
            counts: Vec::new(),
            prices: map.prices.clone(),
            sale: map.state,
            layout,
        };
        new.counts = new.count(map);
        new
    }

    fn count(&self, map: &SeatMap) -> Vec<Counts> {
        let plan = self.layout.plan();
        let mut counts = vec![[0; 3]; plan.sections.len() + plan.areas.len()];
        for (&section, &state) in self.sections.iter().zip(&self.states) {
            if let Some(count) = counts[usize::from(section)].get_mut(usize::from(state)) {
                *count += 1;
            }
        }
        // The backend counts areas, in plan order after the sections.
        for (count, given) in counts.iter_mut().zip(&map.counts).skip(plan.sections.len()) {
            *count = [given.available, given.held, given.sold];
        }
        counts
    }

    /// Takes over a later map from the backend; gives the difference.
    pub fn replace(&mut self, map: &SeatMap) -> Difference {
        let states = unpack(&map.states, self.layout.seat_count());
        let changed = (0..).zip(states.iter().zip(&self.states)).filter(|(_, (now, before))| now != before);
        let mut difference = Difference { seats: changed.map(|(seat, (now, _))| (seat, *now)).collect(), ..Difference::default() };
        self.states = states;
        let counts = self.count(map);
        difference.counts = (0..counts.len()).filter(|&at| counts[at] != self.counts[at]).collect();
        self.counts = counts;
        difference.sale = Some(map.state).filter(|state| *state != self.sale);
        self.sale = map.state;
        let moved = (0_u16..).zip(self.prices.iter().zip(&map.prices)).filter(|(_, (from, to))| from != to);
        let version = |level: u16| map.price_versions.get(usize::from(level)).copied().unwrap_or(0);
        difference.prices =
            moved.map(|(level, (&from, &to))| Repriced { level, version: version(level), from, to, cause: "seen_later" }).collect();
        self.prices.clone_from(&map.prices);
        difference
    }

    /// Applies one change; what it changed is added to `difference`.
    pub fn apply(&mut self, item: &Item, difference: &mut Difference) {
        match item {
            Item::Seats(seats, state) => seats.iter().for_each(|&seat| self.set(seat, *state, difference)),
            Item::Area(area, counts) => {
                let at = self.layout.plan().sections.len() + usize::from(area.0);
                if let Some(known) = self.counts.get_mut(at).filter(|known| *known != counts) {
                    *known = *counts;
                    difference.counts.insert(at);
                }
            }
            Item::Sale(state) if *state != self.sale => {
                self.sale = *state;
                difference.sale = Some(*state);
            }
            Item::Sale(_) => {}
            Item::Price(change) => {
                if let Some(price) = self.prices.get_mut(usize::from(change.level)) {
                    *price = change.to;
                    difference.prices.push(*change);
                }
            }
        }
    }

    fn set(&mut self, seat: SeatIndex, state: u8, difference: &mut Difference) {
        let at = seat.0 as usize;
        let Some(known) = self.states.get_mut(at).filter(|known| **known != state) else { return };
        let section = usize::from(self.sections[at]);
        if let Some(count) = self.counts[section].get_mut(usize::from(*known)) {
            *count -= 1;
        }
        if let Some(count) = self.counts[section].get_mut(usize::from(state)) {
            *count += 1;
        }
        *known = state;
        difference.seats.insert(seat.0, state);
        difference.counts.insert(section);
    }

    /// The delta message from `prev` to `rev`. Counts are those of now.
    pub fn delta(&self, prev: u64, rev: u64, difference: &Difference) -> String {
        let mut text = format!("{{\"type\":\"delta\",\"prev\":{prev},\"rev\":{rev},\"set\":[");
        for (number, (seat, state)) in difference.seats.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let _ = write!(text, "{comma}[{seat},{state}]");
        }
        text.push(']');
        if !difference.counts.is_empty() {
            text.push_str(",\"agg\":{");
            self.write_counts(&mut text, difference.counts.iter().copied());
            text.push('}');
        }
        if let Some(sale) = difference.sale {
            let _ = write!(text, ",\"sale\":\"{}\"", json::sale_state(sale));
        }
        if !difference.prices.is_empty() {
            write_prices(&mut text, &difference.prices);
        }
        text.push('}');
        text
    }

    /// The snapshot message.
    pub fn snapshot(&self, rev: u64) -> String {
        let mut text = format!(
            "{{\"type\":\"snapshot\",\"rev\":{rev},\"layout\":\"{}\",\"seats\":{},\"sale\":\"{}\",\"state\":\"{}\",\"prices\":{{",
            self.layout.hash,
            self.states.len(),
            json::sale_state(self.sale),
            BASE64.encode(pack(&self.states)),
        );
        for (level, price) in self.prices.iter().enumerate() {
            let comma = if level == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\"{level}\":{price}");
        }
        text.push_str("},\"agg\":{");
        self.write_counts(&mut text, 0..self.counts.len());
        text.push_str("}}");
        text
    }

    fn write_counts(&self, text: &mut String, which: impl Iterator<Item = usize>) {
        let plan = self.layout.plan();
        let name = |at: usize| match plan.sections.get(at) {
            Some(section) => section.name.as_str(),
            None => plan.areas.get(at - plan.sections.len()).map_or("", |area| area.name.as_str()),
        };
        for (number, at) in which.enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let [available, held, sold] = self.counts[at];
            let name = serde_json::to_string(name(at)).unwrap_or_default();
            let _ = write!(text, "{comma}{name}:[{available},{held},{sold}]");
        }
    }
}

/// Changes of prices, as they go into a delta.
fn write_prices(text: &mut String, changes: &[Repriced]) {
    text.push_str(",\"prices\":[");
    for (number, change) in changes.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let Repriced { level, version, from, to, cause } = change;
        let _ = write!(text, "{comma}{{\"level\":{level},\"amount\":{to},\"from\":{from},\"version\":{version},\"cause\":\"{cause}\"}}");
    }
    text.push(']');
}

/// Two bits a seat -> one byte a seat. Seats that are missing are not for sale.
fn unpack(packed: &[u8], seats: u32) -> Vec<u8> {
    (0..seats as usize).map(|seat| packed.get(seat / 4).map_or(3, |byte| byte >> (seat % 4 * 2) & 3)).collect()
}

/// One byte a seat -> two bits a seat, lowest bits of each byte first.
fn pack(states: &[u8]) -> Vec<u8> {
    states.chunks(4).map(|four| four.iter().enumerate().fold(0, |byte, (at, state)| byte | state << (at * 2))).collect()
}
