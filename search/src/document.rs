//! An event as it is found, and what of it the ranking looks at.

use crate::dates::LocalDay;

/// How much is left of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Availability {
    /// Nothing, or it is not for sale.
    #[default]
    SoldOut,
    /// Less than a tenth.
    Few,
    /// A tenth or more.
    Available,
}

impl Availability {
    /// Of so many free places out of so many.
    #[must_use]
    pub fn of(free: u32, capacity: u32) -> Self {
        match u64::from(free) {
            0 => Self::SoldOut,
            free if free * 10 < u64::from(capacity) => Self::Few,
            _ => Self::Available,
        }
    }
}

/// An event as it is found. A draft is simply never handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventDoc {
    /// The event's id.
    pub id: u128,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who plays.
    pub performers: Vec<String>,
    /// Their ids, in any order.
    pub performer_ids: Vec<u128>,
    /// The venue's name.
    pub venue: String,
    /// The venue's id.
    pub venue_id: u128,
    /// The venue's city.
    pub city: String,
    /// The venue's country.
    pub country: String,
    /// Such as "football" or "concert".
    pub category: String,
    /// When it starts, microseconds since the Unix epoch.
    pub starts_at_us: u64,
    /// The day when it starts, on the clock of its city.
    pub day: LocalDay,
    /// The lowest price with something free, in minor units; none while there is none.
    pub from_price: Option<u64>,
    /// How much is free.
    pub availability: Availability,
    /// Whether places can be held now.
    pub on_sale: bool,
    /// The larger, the more people look at it. Counts logarithmically.
    pub popularity: u64,
}

/// What two documents of an event differ in. Equal documents have equal prints on every node and in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prints {
    /// Of the texts, ids and times.
    pub content: u64,
    /// Of what sales change: price, availability, popularity as far as it counts.
    pub figures: u64,
}

impl EventDoc {
    /// The prints of this document.
    #[must_use]
    pub fn prints(&self) -> Prints {
        let mut content = Fnv::default();
        let texts = [&self.name, &self.description, &self.venue, &self.city, &self.country, &self.category];
        texts.into_iter().chain(&self.performers).for_each(|text| content.text(text));
        self.performer_ids.iter().chain([&self.venue_id]).for_each(|id| content.bytes(&id.to_le_bytes()));
        content.bytes(&self.starts_at_us.to_le_bytes());
        content.bytes(&self.day.year.to_le_bytes());
        content.bytes(&[self.day.month, self.day.day, self.day.weekday]);
        let mut figures = Fnv::default();
        figures.bytes(&[self.availability as u8, u8::from(self.on_sale), popularity_step(self.popularity)]);
        figures.bytes(&[u8::from(self.from_price.is_some())]);
        figures.bytes(&self.from_price.unwrap_or(0).to_le_bytes());
        Prints { content: content.0, figures: figures.0 }
    }
}

/// Popularity as far as it counts: its number of binary digits.
pub(crate) fn popularity_step(popularity: u64) -> u8 {
    (u64::BITS - popularity.leading_zeros()) as u8
}

/// FNV-1a: only accidents are to be told apart here.
pub(crate) struct Fnv(pub u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv {
    /// Takes in bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    }

    /// Takes in a text with its length, so that no two lists of texts look alike.
    fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_enough() {
        let cases = [(0, 0, Availability::SoldOut), (0, 9, Availability::SoldOut), (9, 100, Availability::Few)];
        for (free, capacity, class) in cases {
            assert_eq!(Availability::of(free, capacity), class);
        }
        assert_eq!(Availability::of(10, 100), Availability::Available);
        assert_eq!(Availability::of(u32::MAX, u32::MAX), Availability::Available);
    }

    #[test]
    fn prints_tell_what_changed() {
        let event = EventDoc { name: "ab".into(), venue: "c".into(), popularity: 5, ..EventDoc::default() };
        let prints = event.prints();
        assert_ne!(EventDoc { name: "a".into(), venue: "bc".into(), ..event.clone() }.prints().content, prints.content);
        assert_eq!(EventDoc { popularity: 7, ..event.clone() }.prints(), prints, "the same number of digits");
        let sold = EventDoc { popularity: 8, ..event.clone() }.prints();
        assert_eq!((sold.content, sold.figures == prints.figures), (prints.content, false));
        assert_ne!(EventDoc { from_price: Some(0), ..event }.prints().figures, prints.figures);
    }
}
