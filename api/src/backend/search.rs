//! Full-text search and suggestions as they go through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::{PerformerId, VenueId};
use boxoffice_ledger::time::Timestamp;

use super::{Answer, Context, EventView, Read};

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// What a person typed.
    pub text: String,
    /// Only in this city (words next to each other; case and accents do not matter).
    pub city: Option<String>,
    /// Only in this category.
    pub category: Option<String>,
    /// Only at this venue.
    pub venue: Option<VenueId>,
    /// Only with this performer.
    pub performer: Option<PerformerId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only if the lowest price is at least this, in minor units.
    pub min_price: Option<u64>,
    /// Only if the lowest price is at most this, in minor units.
    pub max_price: Option<u64>,
    /// Only with something free.
    pub available: bool,
    /// Only if places can be held now.
    pub on_sale: bool,
    /// What all hits are to be counted by.
    pub facets: Vec<Facet>,
}

/// What hits can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// By category.
    Category,
    /// By city.
    City,
    /// By venue.
    Venue,
    /// By the month of the start, on the clock of its city.
    Month,
}

/// How much is left of an event, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// A tenth or more.
    Available,
    /// Less than a tenth.
    Few,
    /// Nothing, or it is not for sale.
    SoldOut,
}

/// An event that was found.
#[derive(Clone, Debug)]
pub struct FoundEvent {
    /// The event.
    pub view: EventView,
    /// How much is left of it.
    pub availability: Availability,
}

/// A value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// The value; a venue's is its id.
    pub value: String,
    /// A venue's name.
    pub name: Option<String>,
    /// How many hits have it.
    pub events: u64,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// A page of events, best first.
    pub items: Vec<FoundEvent>,
    /// Where the next page begins, if there is one; opaque.
    pub next: Option<String>,
    /// The facets that were asked for, in that order; the most frequent values first.
    pub facets: Vec<(Facet, Vec<FacetValue>)>,
}

/// What a suggestion names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionKind {
    /// An event.
    Event,
    /// A performer.
    Performer,
    /// A venue.
    Venue,
    /// A city.
    City,
}

/// A text that goes on from what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it names.
    pub kind: SuggestionKind,
    /// The text.
    pub text: String,
    /// How many events have it.
    pub events: u64,
}

/// Searching in this node's own index; needs no quorum.
#[async_trait]
pub trait Search: Send + Sync + 'static {
    /// Published events by words and filters, best first. The revision is the one that the index reflects.
    async fn search_events(&self, cx: Context, query: &SearchQuery, limit: usize, cursor: Option<&str>) -> Answer<Read<Found>>;
    /// Names that go on from what was typed, best first, each once.
    async fn suggest(&self, cx: Context, typed: &str, limit: usize) -> Answer<Read<Vec<Suggestion>>>;
}
