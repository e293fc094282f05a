//! Listings of events as they are brought in through the backend.

use async_trait::async_trait;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::time::Timestamp;

use super::{Answer, Caller, Context, Problem, Written};

/// A place that is found by its name and city, or made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportPlace {
    /// For people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166 alpha-2, or nothing.
    pub country: String,
    /// IANA name of a zone that exists.
    pub time_zone: String,
    /// People that it holds, if it is made: one area, where places are not numbered.
    pub capacity: u32,
}

/// An event that is made unless it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportItem {
    /// The name that its source has for it: with the caller, this says which event it is, for ever.
    pub key: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Such as "concert".
    pub category: String,
    /// Where.
    pub place: ImportPlace,
    /// Who, as (name, genre); found by their names, or made.
    pub performers: Vec<(String, String)>,
    /// When.
    pub starts_at: Timestamp,
    /// Currency of the price.
    pub currency: Currency,
    /// Price of every place, in minor units.
    pub price: u64,
    /// Most tickets per user; 0 = no limit.
    pub per_user_limit: u32,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It was made; it can be held soon.
    Created(EventId),
    /// It was there, and stays as it is.
    Existing(EventId),
    /// It cannot be made.
    Refused(Vec<Problem>),
}

/// How many were made, and how many were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportTally {
    /// Made.
    pub created: usize,
    /// Found.
    pub reused: usize,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// One for each item, in order.
    pub outcomes: Vec<ImportOutcome>,
    /// Venues.
    pub venues: ImportTally,
    /// Performers.
    pub performers: ImportTally,
}

/// Bringing many events in at once.
#[async_trait]
pub trait Imports: Send + Sync + 'static {
    /// Makes the events that are not there, with their venues and performers. A repeat makes nothing.
    async fn import_events(&self, cx: Context, caller: Caller, items: Vec<ImportItem>) -> Answer<Written<ImportReport>>;
}
