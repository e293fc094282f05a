//! Checks of fields that the edge can make by itself. All problems of a request are collected, not only the first.

use std::fmt::Display;
use std::str::FromStr;

use boxoffice_ledger::time::Timestamp;

use crate::backend::Problem;
use crate::error::HttpProblem;

/// Problems found so far.
#[derive(Default)]
pub struct Check {
    problems: Vec<Problem>,
}

impl Check {
    /// Notes a problem.
    pub fn wrong(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.problems.push(Problem { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// Ends the check.
    ///
    /// # Errors
    /// 422 with every problem that was found.
    pub fn done(self) -> Result<(), HttpProblem> {
        if self.problems.is_empty() { Ok(()) } else { Err(HttpProblem::invalid(&self.problems)) }
    }

    /// Ends the check of a part.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn found(self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }

    /// One line of text for people: trimmed, not empty, without control and direction-changing characters.
    pub fn line(&mut self, pointer: &str, text: &str, bytes_max: usize) -> String {
        if text.trim().is_empty() {
            self.wrong(pointer, "empty", "may not be empty");
        }
        self.optional_line(pointer, text, bytes_max)
    }

    /// As [`Check::line`], but may be empty.
    pub fn optional_line(&mut self, pointer: &str, text: &str, bytes_max: usize) -> String {
        self.characters(pointer, text, false);
        self.length(pointer, text.trim(), bytes_max)
    }

    /// Several lines of text.
    pub fn lines(&mut self, pointer: &str, text: &str, bytes_max: usize) -> String {
        self.characters(pointer, text, true);
        self.length(pointer, text.trim(), bytes_max)
    }

    fn characters(&mut self, pointer: &str, text: &str, lines: bool) {
        let breaks = |letter: char| lines && (letter == '\n' || letter == '\r' || letter == '\t');
        if text.chars().any(|letter| letter.is_control() && !breaks(letter)) {
            self.wrong(pointer, "control_character", "may not hold control characters");
        }
        if text.chars().any(|letter| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')) {
            self.wrong(pointer, "direction_character", "may not hold characters that change the direction of text");
        }
    }

    fn length(&mut self, pointer: &str, text: &str, bytes_max: usize) -> String {
        if text.len() > bytes_max {
            self.wrong(pointer, "too_long", format!("at most {bytes_max} bytes"));
        }
        text.into()
    }

    /// An id; `None` when it is not one.
    pub fn id<T: FromStr<Err: Display>>(&mut self, pointer: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error: T::Err| self.wrong(pointer, "invalid_id", error.to_string())).ok()
    }

    /// A number within a range.
    pub fn range(&mut self, pointer: &str, number: u64, least: u64, most: u64) {
        if !(least..=most).contains(&number) {
            self.wrong(pointer, "out_of_range", format!("from {least} to {most}"));
        }
    }

    /// A moment in RFC 3339 with its offset from UTC, after 1970 and before the year 10000.
    pub fn moment(&mut self, pointer: &str, text: &str) -> Timestamp {
        match moment(text) {
            Some(at) => at,
            None => {
                self.wrong(pointer, "invalid_time", "an RFC 3339 time with its offset, such as 2026-07-19T15:00:00-04:00");
                Timestamp(0)
            }
        }
    }
}

/// A moment in RFC 3339 with its offset.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok().map(Timestamp)
}

/// A moment, or a day (its beginning in UTC).
#[must_use]
pub fn moment_or_day(text: &str) -> Option<Timestamp> {
    let is_day = text.len() == "2026-07-19".len();
    if is_day { moment(&format!("{}T00:00:00Z", text.parse::<jiff::civil::Date>().ok()?)) } else { moment(text) }
}

/// An e-mail in its normal form: trimmed, lower case. `None` when it cannot be one.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "<>()[],;:\\\"".contains(letter);
    let fits = !local.is_empty() && !local.contains('@') && !domain.is_empty() && email.len() <= 254 && !email.chars().any(odd);
    fits.then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_have_one_form() {
        assert_eq!(email(" Ada@Example.ORG "), Some("ada@example.org".into()));
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a\0@b", "x", &format!("{}@b", "a".repeat(253))] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn moments_need_an_offset() {
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(Timestamp(1_000_000)));
        assert_eq!(moment("1970-01-01T02:00:00+02:00"), Some(Timestamp(0)));
        assert_eq!(moment_or_day("1970-01-02"), Some(Timestamp(86_400_000_000)));
        for bad in ["", "2026-07-19", "2026-07-19T15:00:00", "1969-01-01T00:00:00Z", "yesterday", "2026-13-01T00:00:00Z"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
        assert_eq!(moment_or_day("2026-07-19T15:00:00"), None, "a time without an offset is no day");
    }

    #[test]
    fn every_problem_is_listed() {
        let mut check = Check::default();
        check.line("/a", " ", 5);
        check.line("/b", "x\0y", 5);
        check.line("/c", "too long", 5);
        check.lines("/d", "two\nlines", 20);
        check.line("/e", "\u{202e}abc", 20);
        check.range("/f", 0, 1, 2);
        assert_eq!(check.line("/g", " fine \u{1f3ad} ", 20), "fine \u{1f3ad}");
        let pointers: Vec<String> = check.problems.iter().map(|problem| problem.pointer.clone()).collect();
        assert_eq!(pointers, ["/a", "/b", "/c", "/e", "/f"]);
        assert!(check.done().is_err());
    }
}
