//! Venues and performers, as the catalog knows them.

use alloc::string::String;

use crate::ids::{PerformerId, PlanHash, VenueId};

/// What the catalog says of a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Its id.
    pub id: VenueId,
    /// For people, at most 200 bytes.
    pub name: String,
    /// City, at most 120 bytes.
    pub city: String,
    /// ISO 3166 alpha-2, or empty.
    pub country: String,
    /// IANA time zone.
    pub time_zone: String,
    /// The seating plan, once it has one.
    pub plan: Option<PlanHash>,
    /// How many people the plan holds (seats and areas), 0 without a plan.
    pub capacity: u32,
    /// Raised by each change, from 1.
    pub version: u64,
}

/// What the catalog says of a performer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performer {
    /// Its id.
    pub id: PerformerId,
    /// For people, at most 200 bytes.
    pub name: String,
    /// Such as "orchestra", "national team"; may be empty.
    pub genre: String,
    /// Raised by each change, from 1.
    pub version: u64,
}
