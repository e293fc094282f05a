//! A moment as the clock on the wall of its venue shows it.

use std::fmt;

use boxoffice_ledger::time::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use super::Rfc3339;

/// A moment in RFC 3339 with the offset of a time zone at that moment; in UTC if the zone is not known.
pub struct LocalTime {
    at: Timestamp,
    zone: Option<TimeZone>,
}

impl LocalTime {
    /// A moment in an IANA time zone.
    #[must_use]
    pub fn new(at: Timestamp, zone: &str) -> Self {
        Self { at, zone: TimeZone::get(zone).ok() }
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = i64::try_from(self.at.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
        match (at, &self.zone) {
            (Some(at), Some(zone)) => at.display_with_offset(zone.to_offset(at)).fmt(f),
            _ => Rfc3339(self.at).fmt(f),
        }
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_show_is_at_eight_in_its_city_in_winter_and_in_summer() {
        let local = |text: &str, zone: &str| {
            let at = text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
            LocalTime::new(Timestamp(u64::try_from(at).unwrap()), zone).to_string()
        };
        assert_eq!(local("2031-01-15T19:00:00Z", "Europe/Berlin"), "2031-01-15T20:00:00+01:00");
        assert_eq!(local("2031-07-15T18:00:00Z", "Europe/Berlin"), "2031-07-15T20:00:00+02:00");
        assert_eq!(local("2031-07-16T00:00:00Z", "America/New_York"), "2031-07-15T20:00:00-04:00");
        assert_eq!(local("2031-07-15T14:30:00Z", "Asia/Kolkata"), "2031-07-15T20:00:00+05:30");
        // The night in which the clocks are put back has this hour twice.
        assert_eq!(local("2031-10-26T00:30:00Z", "Europe/Berlin"), "2031-10-26T02:30:00+02:00");
        assert_eq!(local("2031-10-26T01:30:00Z", "Europe/Berlin"), "2031-10-26T02:30:00+01:00");
        assert_eq!(local("2031-07-15T18:00:00Z", "Nowhere/Land"), "2031-07-15T18:00:00Z");
    }
}
