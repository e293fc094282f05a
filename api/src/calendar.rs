//! An event as an iCalendar entry (RFC 5545). Times are in UTC, which every calendar shows in its owner's zone; so no VTIMEZONE.

use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::time::Timestamp;

use crate::backend::EventView;

/// Longest line, in bytes without its end.
const LINE_BYTES_MAX: usize = 75;

/// The calendar of one event.
#[must_use]
pub fn entry(view: &EventView) -> String {
    let event = &view.event;
    let mut out = String::with_capacity(1024);
    let venue = [view.venue.name.as_str(), &view.venue.city, &view.venue.country];
    let place = venue.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let status = if event.status == EventStatus::Cancelled { "CANCELLED" } else { "CONFIRMED" };
    for line in
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//boxoffice//events//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH", "BEGIN:VEVENT"]
    {
        fold(&mut out, line);
    }
    fold(&mut out, &format!("UID:{}", event.id));
    // The moment of the first version: what is newer is told by SEQUENCE, the same on every node.
    fold(&mut out, &format!("DTSTAMP:{}", utc(Timestamp(event.id.made_at_ms().saturating_mul(1000)))));
    fold(&mut out, &format!("SEQUENCE:{}", event.version));
    fold(&mut out, &format!("DTSTART:{}", utc(event.starts_at)));
    fold(&mut out, &format!("STATUS:{status}"));
    fold(&mut out, &format!("SUMMARY:{}", escape(&event.name)));
    for (name, text) in [("DESCRIPTION", &event.description), ("LOCATION", &place), ("CATEGORIES", &event.category)] {
        if !text.is_empty() {
            fold(&mut out, &format!("{name}:{}", escape(text)));
        }
    }
    for line in ["END:VEVENT", "END:VCALENDAR"] {
        fold(&mut out, line);
    }
    out
}

/// A moment in UTC: `20310501T193000Z`.
fn utc(at: Timestamp) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value: what has a meaning is escaped, other control characters are dropped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\\' | ';' | ',' => out.extend(['\\', letter]),
            '\n' | '\r' => out.push_str("\\n"),
            letter if letter.is_control() && letter != '\t' => {}
            letter => out.push(letter),
        }
    }
    out
}

/// Adds a line, broken at 75 bytes but never within a character; what follows a break begins with a space.
fn fold(out: &mut String, line: &str) {
    let mut width = 0;
    for letter in line.chars() {
        if width + letter.len_utf8() > LINE_BYTES_MAX {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(letter);
        width += letter.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_long_lines_are_folded() {
        assert_eq!(escape("a;b,c\\d\r\ne\nf\u{7}"), "a\\;b\\,c\\\\d\\ne\\nf");
        let line = format!("SUMMARY:{}", "é".repeat(80));
        let mut out = String::new();
        fold(&mut out, &line);
        assert!(out.ends_with("\r\n"));
        assert!(out.split("\r\n").all(|line| line.len() <= 75), "{out}");
        assert_eq!(out.replace("\r\n ", "").trim_end(), line);
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(utc(Timestamp(1_800_000_000_000_000)), "20270115T080000Z");
    }
}
