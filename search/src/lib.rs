//! Full-text search over the events of a catalog: one index per node, fed by the node's own catalog replica.
//!
//! ```text
//!  catalog changes --apply(docs, position)--> [ index files ] --search(query)--> ids, best first
//!                                                   |
//!                    position() after a restart <---+   damaged or deleted: empty; older: serves until it was refilled
//! ```
//! Nothing here is the only copy of anything, so files are checked when they are opened but never waited for when they are
//! written. Calls block (disk, processor): run them off the asynchronous threads. Only this crate knows tantivy.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod dates;
mod document;
mod facets;
mod filters;
mod folder;
mod generation;
mod index;
mod matches;
#[cfg(test)]
mod model;
mod query;
mod rank;
pub mod raw;
mod schema;
mod sources;
mod storage;
mod suggest;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod words;
mod worth;

use std::fmt;
use std::str::FromStr;

pub use dates::LocalDay;
pub use document::{Availability, EventDoc, Prints};
pub use facets::{FACET_VALUES_MAX, Facet, FacetCounts};
pub use index::Index;
pub use suggest::{Kind, SUGGESTIONS_MAX, Suggestion};

/// A text as the index compares it: words in lower case without accents, one space between them. For exact filters.
#[must_use]
pub fn fold(text: &str) -> String {
    text::words(text).map_or_else(|| text.to_lowercase(), |words| words.join(" "))
}

/// Longest query text that is looked at, in bytes; the rest is ignored.
pub const QUERY_BYTES_MAX: usize = 256;
/// Most words of a query that are looked at; the rest is ignored.
pub const QUERY_WORDS_MAX: usize = 12;
/// Most hits of one page.
pub const HITS_MAX: usize = 1_000;

/// What is looked for. Any text is a valid one: every word must be found in some field, the last one may be unfinished, words in
/// double quotes must follow each other; small words such as "in" and "the" need not be found. A word that no event has is looked
/// for with typing errors, and so are all of them if nothing is found. A text without a single word finds nothing, an empty one
/// everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What a person typed.
    pub text: String,
    /// Only events that start at this time or later.
    pub from_us: Option<u64>,
    /// Only events that start before this time.
    pub to_us: Option<u64>,
    /// Only events whose city has these words next to each other, whatever their case and accents.
    pub city: Option<String>,
    /// Only events whose category has these words next to each other.
    pub category: Option<String>,
    /// Only events at this venue.
    pub venue_id: Option<u128>,
    /// Only events where this performer plays.
    pub performer_id: Option<u128>,
    /// Only events whose lowest price is this or dearer, in minor units.
    pub min_price: Option<u64>,
    /// Only events whose lowest price is this or cheaper, in minor units.
    pub max_price: Option<u64>,
    /// Only events with something free.
    pub available_only: bool,
    /// Only events of which places can be held now.
    pub on_sale_only: bool,
    /// What all hits are to be counted by.
    pub facets: Vec<Facet>,
    /// What "soon" is measured from, microseconds since the Unix epoch.
    pub now_us: u64,
}

/// An event that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The event's id.
    pub id: u128,
    /// Larger is better. Means nothing beyond the order, but is the same on every node at the same position.
    pub score: u64,
}

/// A page of hits, best first; equal ones by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The page.
    pub hits: Vec<Hit>,
    /// Where the next page begins; none if this was the last.
    pub next: Option<Cursor>,
    /// The catalog position that the answer reflects; none while the index is being filled.
    pub position: Option<u64>,
    /// Counts of all hits, in the order in which they were asked for.
    pub facets: Vec<FacetCounts>,
}

/// The last hit of a page. As text it is safe in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The hit's score.
    pub score: u64,
    /// The hit's id.
    pub id: u128,
    /// The first page's `now_us`, so that all pages are ranked alike.
    pub now_us: u64,
    /// Whether the first page looked for typing errors in every word.
    pub loose: bool,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}.{:x}.{:x}", self.score, self.id, self.now_us, u8::from(self.loose))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.contains('+') {
            return Err(InvalidCursor);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().and_then(|part| u128::from_str_radix(part, 16).ok()).ok_or(InvalidCursor);
        let (score, id, now_us, loose) = (part()?, part()?, part()?, part()?);
        let short = |number: u128| u64::try_from(number).map_err(|_| InvalidCursor);
        if parts.next().is_some() || loose > 1 {
            return Err(InvalidCursor);
        }
        Ok(Cursor { score: short(score)?, id, now_us: short(now_us)?, loose: loose == 1 })
    }
}

/// This text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no search cursor")]
pub struct InvalidCursor;

/// Why the index could not be opened, changed or asked. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Another process has the index open.
    #[error("the search index is open elsewhere")]
    Busy,
    /// The folder cannot be made, emptied or read.
    #[error("use the search index's folder")]
    Folder(#[source] std::io::Error),
    /// Everything else that went wrong inside the index.
    #[error("use the search index: {0}")]
    Index(String),
}
