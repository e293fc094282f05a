//! What a well-formed catalog command looks like: the limits that need no state to be checked.

use alloc::collections::BTreeSet;
use alloc::format;

use crate::command::{Event, EventStatus, EventViews, Performer, SaleSummary, SaleTerms, Venue};
use crate::outcome::Rejection;
use crate::pricing::policies_fault;
use crate::time::Millis;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// The longest description of an event, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 8_000;

/// The longest city, genre or category, in bytes.
pub const WORD_BYTES_MAX: usize = 120;

/// The longest name of a time zone, in bytes.
pub const TIME_ZONE_BYTES_MAX: usize = 64;

/// The most performers of an event.
pub const PERFORMERS_MAX: usize = 32;

/// The most images of an event.
pub const IMAGES_MAX: usize = 8;

/// The highest price, in minor units: a whole house at it still fits in 64 bits.
pub const PRICE_MAX: u64 = 1_000_000_000_000;

/// The most lines of one command of sales figures.
pub const SUMMARIES_MAX: usize = 10_000;

/// The most events of one command of views.
pub const VIEWED_MAX: usize = 1_000;

/// The most views of one event in one command.
const VIEWS_MAX: u32 = 1_000_000;

const HOLD_TTL_MIN: Millis = Millis::from_mins(2);
const HOLD_TTL_MAX: Millis = Millis::from_mins(30);

type Check = Result<(), Rejection>;

pub fn malformed(pointer: &str, detail: &str) -> Rejection {
    Rejection::Malformed { pointer: pointer.into(), detail: detail.into() }
}

pub fn venue(venue: &Venue) -> Check {
    name(&venue.name)?;
    at_most("/city", &venue.city, WORD_BYTES_MAX)?;
    let code = venue.country.as_bytes();
    if !(code.is_empty() || (code.len() == 2 && code.iter().all(u8::is_ascii_uppercase))) {
        return Err(malformed("/country", "an ISO 3166 alpha-2 code, two capital letters, or nothing"));
    }
    let zone = venue.time_zone.as_bytes();
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(byte);
    if zone.is_empty() || zone.len() > TIME_ZONE_BYTES_MAX || !zone.iter().all(letter) {
        return Err(malformed("/time_zone", "the name of an IANA time zone, such as Europe/Berlin"));
    }
    Ok(())
}

pub fn performer(performer: &Performer) -> Check {
    name(&performer.name)?;
    at_most("/genre", &performer.genre, WORD_BYTES_MAX)
}

pub fn event(event: &Event) -> Check {
    name(&event.name)?;
    at_most("/description", &event.description, DESCRIPTION_BYTES_MAX)?;
    at_most("/category", &event.category, WORD_BYTES_MAX)?;
    if event.performers.len() > PERFORMERS_MAX {
        return Err(malformed("/performers", "at most 32 performers"));
    }
    let mut seen = BTreeSet::new();
    if let Some(place) = event.performers.iter().position(|performer| !seen.insert(*performer)) {
        return Err(malformed(&format!("/performers/{place}"), "the performer is in the list already"));
    }
    if event.version == 0 && event.previous_start.is_some() {
        return Err(malformed("/previous_start", "a new event was not postponed"));
    }
    if event.images.len() > IMAGES_MAX {
        return Err(malformed("/images", "at most 8 images"));
    }
    let mut seen = BTreeSet::new();
    if let Some(place) = event.images.iter().position(|image| !seen.insert(*image)) {
        return Err(malformed(&format!("/images/{place}"), "the image is in the list already"));
    }
    if event.version == 0 && event.status == EventStatus::Cancelled {
        return Err(malformed("/status", "an event begins as draft or published"));
    }
    terms(&event.terms)
}

pub fn terms(terms: &SaleTerms) -> Check {
    if terms.hold_ttl < HOLD_TTL_MIN || terms.hold_ttl > HOLD_TTL_MAX {
        return Err(malformed("/terms/hold_ttl", "2 to 30 minutes"));
    }
    if let Some((pointer, detail)) = terms.refunds.fault() {
        return Err(malformed(pointer, detail));
    }
    if let Some(problem) = terms.entry.problem() {
        return Err(malformed("/terms/entry", problem));
    }
    if let Some((pointer, detail)) = policies_fault(&terms.pricing, &terms.prices) {
        return Err(malformed(&format!("/terms/pricing{pointer}"), &detail));
    }
    match terms.prices.iter().position(|&price| price > PRICE_MAX) {
        Some(place) => Err(malformed(&format!("/terms/prices/{place}"), "at most 1,000,000,000,000 minor units")),
        None => Ok(()),
    }
}

pub fn summaries(summaries: &[SaleSummary]) -> Check {
    if summaries.len() > SUMMARIES_MAX { Err(malformed("/summaries", "at most 10,000 lines")) } else { Ok(()) }
}

pub fn views(lines: &[EventViews]) -> Check {
    if lines.len() > VIEWED_MAX {
        return Err(malformed("/views", "at most 1,000 events"));
    }
    match lines.iter().position(|line| line.views > VIEWS_MAX) {
        Some(place) => Err(malformed(&format!("/views/{place}"), "at most 1,000,000 views")),
        None => Ok(()),
    }
}

fn name(name: &str) -> Check {
    if name.is_empty() {
        return Err(malformed("/name", "a name is needed"));
    }
    at_most("/name", name, NAME_BYTES_MAX)
}

fn at_most(pointer: &str, text: &str, most: usize) -> Check {
    if text.len() <= most { Ok(()) } else { Err(malformed(pointer, &format!("at most {most} bytes"))) }
}
