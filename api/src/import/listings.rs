//! Listings of events as archives and calendars publish them become neutral structs; what cannot be used is listed with its reason.
//!
//! Each listing has a key that its source will give it again next time, so that an import can be repeated. No I/O, no clock.

mod conferences;
mod orchestra;
mod places;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{ImportError, UPLOAD_BYTES_MAX};
use crate::route::event::{DESCRIPTION_BYTES_MAX, NAME_BYTES_MAX, PERFORMERS_MAX};

/// Where an event takes place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Such as "David Geffen Hall".
    pub name: String,
    /// Such as "New York".
    pub city: String,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: String,
    /// IANA name.
    pub time_zone: String,
    /// People; an assumption where the source does not say.
    pub capacity: u32,
}

/// Who performs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artist {
    /// As people say it: "Gustavo Dudamel".
    pub name: String,
    /// Such as "conductor" or "violin".
    pub genre: String,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The same for this event in every edition of its source.
    pub key: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Such as "concert".
    pub category: String,
    /// Where.
    pub place: Place,
    /// Who, without repetition.
    pub artists: Vec<Artist>,
    /// When, microseconds since the Unix epoch.
    pub starts_at_us: u64,
}

/// Why a listing was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipCode {
    /// It has no name.
    NoName,
    /// It has no day, or no time of the day.
    NoTime,
    /// It has no place: it is online only.
    NoPlace,
    /// Its place is in no country or city whose time zone is known here.
    UnknownPlace,
    /// It is not open to the public.
    Private,
    /// The same event stands in the files twice.
    Duplicate,
    /// It is over.
    Over,
}

impl SkipCode {
    /// For programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoName => "no_name",
            Self::NoTime => "no_time",
            Self::NoPlace => "no_place",
            Self::UnknownPlace => "unknown_place",
            Self::Private => "private",
            Self::Duplicate => "duplicate",
            Self::Over => "over",
        }
    }
}

/// A listing that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// JSON pointer into the file.
    pub pointer: String,
    /// For programs.
    pub code: SkipCode,
    /// For people.
    pub detail: String,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listings {
    /// In the order of the file.
    pub listings: Vec<Listing>,
    /// What was left out.
    pub skipped: Vec<Skip>,
}

/// Reads a file: the archive of the New York Philharmonic (`{"programs": [...]}`) or a list of conferences (`[{"startDate": ...}]`).
///
/// # Errors
/// The file is too large, no JSON, or neither of the two.
pub fn read(bytes: &[u8]) -> Result<Listings, ImportError> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(ImportError::TooLarge);
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| ImportError::Malformed(error.to_string()))?;
    let mut found = Listings::default();
    match &value {
        Value::Object(root) if root.get("programs").is_some_and(Value::is_array) => orchestra::read(&value, &mut found),
        Value::Array(_) => conferences::read(&value, &mut found),
        _ => return Err(ImportError::Malformed("neither an archive with \"programs\" nor a list of conferences".into())),
    }
    Ok(found)
}

impl Listings {
    fn skip(&mut self, pointer: String, code: SkipCode, detail: impl Into<String>) {
        self.skipped.push(Skip { pointer, code, detail: detail.into() });
    }

    /// Takes one in, unless it is there already: by its key, or as the same name at the same place and time.
    fn take(&mut self, seen: &mut BTreeMap<String, String>, pointer: String, mut listing: Listing) {
        let Place { name, city, .. } = &listing.place;
        let same = format!("{}|{name}|{city}|{}", listing.name, listing.starts_at_us).to_lowercase();
        for known in [format!("key {}", listing.key), same] {
            match seen.entry(known) {
                Entry::Occupied(first) => {
                    let detail = format!("the same event as {}", first.get());
                    return self.skip(pointer, SkipCode::Duplicate, detail);
                }
                Entry::Vacant(place) => {
                    place.insert(pointer.clone());
                }
            }
        }
        cut(&mut listing.name, NAME_BYTES_MAX);
        cut(&mut listing.description, DESCRIPTION_BYTES_MAX);
        let mut artists: Vec<Artist> = Vec::new();
        for artist in listing.artists {
            if !artists.iter().any(|known| known.name == artist.name) && artists.len() < PERFORMERS_MAX {
                artists.push(artist);
            }
        }
        self.listings.push(Listing { artists, ..listing });
    }
}

/// Cuts a text to so many bytes at the end of a letter.
fn cut(text: &mut String, bytes_max: usize) {
    while text.len() > bytes_max {
        text.pop();
    }
}

/// A member that is a text, on one line, without spaces around it; none if there is none.
fn text(object: &Value, name: &str) -> Option<String> {
    Some(one_line(object.get(name)?.as_str()?)).filter(|text| !text.is_empty())
}

/// Runs of spaces, line ends and control characters become one space.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The moment when a city's clock shows this.
fn moment(day: Date, time: Time, time_zone: &str) -> Option<u64> {
    let zone = TimeZone::get(time_zone).ok()?;
    let at = day.to_datetime(time).to_zoned(zone).ok()?;
    u64::try_from(at.timestamp().as_microsecond()).ok()
}

/// A text as part of a key: letters and digits in lower case, one dash between them.
fn slug(text: &str) -> String {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests;
