//! What is wrong with an upload, or worth saying about it: problems with a JSON pointer, a code and a sentence.

use std::collections::BTreeMap;
use std::fmt;

use super::Fix;

/// How many problems (or notices) are listed; the rest is only counted.
pub const LISTED_MAX: usize = 100;

/// What kind of problem it is. The text form is the contract; see [`Code::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A value has another type than the format says, or is missing.
    WrongType,
    /// A coordinate is not a number that fits the drawing.
    BadCoordinate,
    /// A label is empty, absent or "?".
    MissingLabel,
    /// A label is too long or holds control characters.
    BadLabel,
    /// Two seats carry the same identifier.
    DuplicateSeatId,
    /// Two seats of a row have the same label.
    DuplicateSeat,
    /// Two rows of a section have the same label.
    DuplicateRow,
    /// Two sections or areas have the same label.
    DuplicateSection,
    /// Two seats read the same once section, row and seat are written one after the other.
    DuplicateLabel,
    /// Two categories have the same key.
    DuplicateCategory,
    /// A seat or area has no category, nor has its section.
    MissingCategory,
    /// A category is used that the upload does not define.
    UnknownCategory,
    /// A capacity is not a whole number from 1.
    BadCapacity,
    /// Something bookable that a plan cannot hold.
    Unsupported,
    /// More of something than a plan can hold.
    TooMany,
    /// Neither a seat nor an area.
    EmptyPlan,
    /// Notice: a fix was applied here.
    Renumbered,
    /// Notice: something was left out or chosen by default.
    Assumed,
}

impl Code {
    /// The stable name, as clients see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::WrongType => "wrong_type",
            Code::BadCoordinate => "bad_coordinate",
            Code::MissingLabel => "missing_label",
            Code::BadLabel => "bad_label",
            Code::DuplicateSeatId => "duplicate_seat_id",
            Code::DuplicateSeat => "duplicate_seat",
            Code::DuplicateRow => "duplicate_row",
            Code::DuplicateSection => "duplicate_section",
            Code::DuplicateLabel => "duplicate_label",
            Code::DuplicateCategory => "duplicate_category",
            Code::MissingCategory => "missing_category",
            Code::UnknownCategory => "unknown_category",
            Code::BadCapacity => "bad_capacity",
            Code::Unsupported => "unsupported",
            Code::TooMany => "too_many",
            Code::EmptyPlan => "empty_plan",
            Code::Renumbered => "renumbered",
            Code::Assumed => "assumed",
        }
    }

    /// The fix that solves every problem of this kind, if there is one.
    pub fn fix(self) -> Option<Fix> {
        match self {
            Code::MissingLabel | Code::DuplicateSeatId | Code::DuplicateSeat | Code::DuplicateRow | Code::DuplicateSection => {
                Some(Fix::Renumber)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing about an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON pointer (RFC 6901) into the upload.
    pub pointer: String,
    /// What kind.
    pub code: Code,
    /// For people.
    pub detail: String,
}

/// Problems or notices in the order they were found: the first [`LISTED_MAX`] in full, all of them counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first ones.
    pub listed: Vec<Problem>,
    /// How many of each kind, listed or not.
    pub counts: BTreeMap<Code, usize>,
}

impl Problems {
    /// Notes one. The closure runs only if it will be listed, so that a million of them cost little.
    pub(super) fn add(&mut self, code: Code, describe: impl FnOnce() -> (String, String)) {
        *self.counts.entry(code).or_default() += 1;
        if self.listed.len() < LISTED_MAX {
            let (pointer, detail) = describe();
            self.listed.push(Problem { pointer, code, detail });
        }
    }

    /// All of them, listed or not.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many are counted but not listed: the N of "and N more".
    pub fn more(&self) -> usize {
        self.total() - self.listed.len()
    }

    /// The fix with which the same upload would be accepted; none when something else is wrong as well.
    pub fn fix(&self) -> Option<Fix> {
        let mut fixes = self.counts.keys().map(|code| code.fix());
        let first = fixes.next()??;
        fixes.all(|fix| fix == Some(first)).then_some(first)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (code, count)) in self.counts.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{count} x {code}")?;
        }
        Ok(())
    }
}
