//! Foreign seating plans and fixtures become ours: pure functions from bytes to a plan, or to everything that is wrong with them.
//!
//! ```text
//!  bytes --json--> bounded values --pretix|seatsio--> Draft --[renumber]--> check --> Plan + notices
//!                                                                             \--> every problem, and the fix that would do
//! ```
//! No I/O, no clock. `bowl` draws a stadium of a given capacity, `worldcup` reads fixtures, `listings` archives and calendars, `demo`
//! embeds real files.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bowl;
pub mod demo;
mod draft;
mod json;
pub mod listings;
mod pretix;
mod problem;
mod renumber;
mod seatsio;
pub mod worldcup;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use boxoffice_ledger::plan::Plan;
use serde_json::Value;

use draft::Draft;
use json::At;
pub use problem::{Code, LISTED_MAX, Problem, Problems};

/// Largest upload, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The pretix seating-plan layout.
    Pretix,
    /// A chart of seats.io.
    Seatsio,
    /// Not a drawing but an order for one: `{"bowl": {"name": "...", "capacity": 82500}}`.
    Bowl,
}

/// What the uploader allows us to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fix {
    /// Nothing: a plan with a problem is refused.
    #[default]
    None,
    /// Missing and double labels get new ones; the same upload gives the same plan each time.
    Renumber,
}

impl Fix {
    /// As it is asked for: `fix=renumber`.
    pub fn as_str(self) -> &'static str {
        match self {
            Fix::None => "none",
            Fix::Renumber => "renumber",
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Fix {
    type Err = UnknownFix;

    fn from_str(text: &str) -> Result<Self, UnknownFix> {
        [Fix::None, Fix::Renumber].into_iter().find(|fix| fix.as_str() == text).ok_or(UnknownFix)
    }
}

/// There is no such fix.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the fixes are: none, renumber")]
pub struct UnknownFix;

/// An upload that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The plan, as the ledger accepts it.
    pub plan: Plan,
    /// What a fix changed, what was left out, what was chosen by default.
    pub warnings: Problems,
}

/// Why an upload was refused. Nothing was changed anywhere.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImportError {
    /// More than [`UPLOAD_BYTES_MAX`].
    #[error("an upload has at most {UPLOAD_BYTES_MAX} bytes")]
    TooLarge,
    /// Not JSON, too deep, or too many values.
    #[error("the upload cannot be read: {0}")]
    Malformed(String),
    /// JSON, but none of the formats.
    #[error(
        "the upload is neither a pretix seating plan, nor a seats.io chart, nor an order for a bowl ({{\"bowl\": {{\"capacity\": 82500}}}})"
    )]
    UnknownFormat,
    /// Everything that is wrong with it. `fix()` names the fix that would make it acceptable, if one alone does.
    #[error("the plan has problems: {0}")]
    Invalid(Problems),
}

/// Which format it is, by the fields that only one of them has.
pub fn detect(value: &Value) -> Option<Format> {
    if value.get("subChart").is_some_and(Value::is_object) {
        Some(Format::Seatsio)
    } else if value.get("zones").is_some_and(Value::is_array) {
        Some(Format::Pretix)
    } else if value.get("bowl").is_some_and(Value::is_object) {
        Some(Format::Bowl)
    } else {
        None
    }
}

/// Reads a plan in any known format.
///
/// # Errors
/// See [`ImportError`]. The same bytes and fix give the same answer each time.
pub fn read_plan(bytes: &[u8], fix: Fix) -> Result<Imported, ImportError> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(ImportError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let fields = [pretix::FIELDS, seatsio::FIELDS, bowl::FIELDS].concat();
    let value = json::parse(bytes, &fields).map_err(|error| ImportError::Malformed(error.to_string()))?;
    let format = detect(&value).ok_or(ImportError::UnknownFormat)?;
    let (mut problems, mut warnings) = (Problems::default(), Problems::default());
    let root = At::root(&value);
    let mut draft: Draft = match format {
        Format::Pretix => pretix::read(root, &mut problems, &mut warnings),
        Format::Seatsio => seatsio::read(root, &mut problems, &mut warnings),
        Format::Bowl => return bowl::read(&root, problems),
    };
    draft.drop_empty(&mut warnings);
    if fix == Fix::Renumber {
        renumber::renumber(&mut draft, &mut warnings);
    }
    draft.check(&mut problems);
    if problems.total() > 0 {
        return Err(ImportError::Invalid(problems));
    }
    let plan = draft.into_plan(&mut problems);
    if problems.total() > 0 { Err(ImportError::Invalid(problems)) } else { Ok(Imported { plan, warnings }) }
}
