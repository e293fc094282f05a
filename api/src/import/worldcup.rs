//! Fixtures and stadiums of a football tournament, as openfootball writes them, become neutral structs; dates can be moved.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use serde_json::Value;

use super::json::{self, At};
use super::problem::{Code, Problem, Problems};
use super::{ImportError, UPLOAD_BYTES_MAX};

const FIELDS: &[&str] = &[
    "capacity", "cc", "city", "date", "ground", "group", "matches", "name", "num", "round", "stadiums", "team1", "team2", "time",
    "timezone",
];

const WEEK_US: u64 = 7 * 24 * 3_600 * 1_000_000;

/// Host cities with the zone that their clocks follow. The data only has offsets.
const TIME_ZONES: [(&str, &str); 16] = [
    ("Atlanta", "America/New_York"),
    ("Boston", "America/New_York"),
    ("Dallas", "America/Chicago"),
    ("Guadalajara", "America/Mexico_City"),
    ("Houston", "America/Chicago"),
    ("Kansas City", "America/Chicago"),
    ("Los Angeles", "America/Los_Angeles"),
    ("Mexico City", "America/Mexico_City"),
    ("Miami", "America/New_York"),
    ("Monterrey", "America/Monterrey"),
    ("New York", "America/New_York"),
    ("Philadelphia", "America/New_York"),
    ("San Francisco", "America/Los_Angeles"),
    ("Seattle", "America/Los_Angeles"),
    ("Toronto", "America/Toronto"),
    ("Vancouver", "America/Vancouver"),
];

/// A tournament.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tournament {
    /// Such as "World Cup 2026".
    pub name: String,
    /// In the order of the file.
    pub stadiums: Vec<Stadium>,
    /// In the order of the file.
    pub fixtures: Vec<Fixture>,
    /// Matches and stadiums that were left out, with the reason. Pointers begin with "/matches" or "/stadiums".
    pub skipped: Vec<Problem>,
}

/// Where matches are played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stadium {
    /// Such as "MetLife Stadium".
    pub name: String,
    /// As the file writes it, such as "New York/New Jersey (East Rutherford)".
    pub city: String,
    /// For people, such as "Mexico"; the code in capitals for countries that we have no name for.
    pub country: String,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country_code: String,
    /// Seats.
    pub capacity: u32,
    /// IANA name; a fixed offset ("Etc/GMT+7") for cities that we do not know.
    pub time_zone: String,
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// "Team1 v Team2".
    pub name: String,
    /// Named first.
    pub home: String,
    /// Named second.
    pub away: String,
    /// Such as "Matchday 1" or "Final".
    pub round: String,
    /// Such as "Group A".
    pub group: Option<String>,
    /// Its number in the schedule, where the file has one.
    pub number: Option<u32>,
    /// Kick-off, microseconds since the Unix epoch.
    pub starts_at_us: u64,
    /// Kick-off on the stadium's clock, "2026-07-19 15:00".
    pub local_start: String,
    /// What that clock was ahead of UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// Position of its stadium in [`Tournament::stadiums`].
    pub stadium: usize,
}

/// By how much dates are moved: whole weeks, as near as they come to whole years. Weekday and local time stay, and so does the
/// season, hence also the offset from UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Years, for people.
    pub years: u32,
    /// Weeks, exactly.
    pub weeks: u32,
}

impl Shift {
    /// The smallest shift that brings `earliest_us` to after `now_us` (both microseconds since the Unix epoch).
    pub fn into_future(earliest_us: u64, now_us: u64) -> Shift {
        let mut shift = Shift::default();
        while shift.apply(earliest_us) <= now_us && shift.years < 10_000 {
            let years = shift.years + 1;
            // 365.2425 days a year, to the nearest week.
            let weeks = (u64::from(years) * 3_652_425 + 35_000) / 70_000;
            shift = Shift { years, weeks: weeks as u32 };
        }
        shift
    }

    /// The moved time.
    pub fn apply(self, at_us: u64) -> u64 {
        at_us.saturating_add(u64::from(self.weeks) * WEEK_US)
    }
}

impl Tournament {
    /// Moves all fixtures so that the earliest lies after `now_us`, and says by how much.
    pub fn shift_into_future(&mut self, now_us: u64) -> Shift {
        let earliest = self.fixtures.iter().map(|fixture| fixture.starts_at_us).min();
        let shift = earliest.map_or_else(Shift::default, |earliest| Shift::into_future(earliest, now_us));
        for fixture in &mut self.fixtures {
            fixture.starts_at_us = shift.apply(fixture.starts_at_us);
            fixture.local_start = local_start(fixture.starts_at_us, fixture.utc_offset_minutes);
        }
        shift
    }
}

/// Reads both files of a tournament. A match or stadium that cannot be used is left out and listed.
///
/// # Errors
/// A file is too large, no JSON, or has no list of matches or stadiums.
pub fn read(matches: &[u8], stadiums: &[u8]) -> Result<Tournament, ImportError> {
    let (matches, stadiums) = (parse(matches, "matches")?, parse(stadiums, "stadiums")?);
    let mut tournament = Tournament { name: String::new(), stadiums: Vec::new(), fixtures: Vec::new(), skipped: Vec::new() };
    let root = At::root(&stadiums);
    let list = root.field("stadiums");
    for item in list.items(&mut Problems::default()) {
        match read_stadium(&item) {
            Ok(stadium) => tournament.stadiums.push(stadium),
            Err(reason) => tournament.skipped.push(skipped(&item, reason)),
        }
    }
    let by_city: BTreeMap<String, usize> =
        tournament.stadiums.iter().enumerate().map(|(position, stadium)| (stadium.city.clone(), position)).collect();
    let root = At::root(&matches);
    tournament.name = text(&root, "name").unwrap_or_else(|_| "Tournament".to_owned());
    let list = root.field("matches");
    for item in list.items(&mut Problems::default()) {
        match read_fixture(&item, &by_city) {
            Ok(fixture) => tournament.fixtures.push(fixture),
            Err(reason) => tournament.skipped.push(skipped(&item, reason)),
        }
    }
    Ok(tournament)
}

fn parse(bytes: &[u8], list: &str) -> Result<Value, ImportError> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(ImportError::TooLarge);
    }
    let value = json::parse(bytes, FIELDS).map_err(|error| ImportError::Malformed(error.to_string()))?;
    if !value.get(list).is_some_and(Value::is_array) {
        return Err(ImportError::Malformed(format!("there is no list {list:?}")));
    }
    Ok(value)
}

fn skipped(item: &At<'_>, detail: String) -> Problem {
    Problem { pointer: item.pointer(), code: Code::Assumed, detail: format!("Left out: {detail}.") }
}

fn read_stadium(item: &At<'_>) -> Result<Stadium, String> {
    let (name, city, code) = (text(item, "name")?, text(item, "city")?, text(item, "cc")?.to_uppercase());
    let capacity = item.field("capacity").whole().and_then(|capacity| u32::try_from(capacity).ok()).filter(|&capacity| capacity > 0);
    let capacity = capacity.ok_or("its capacity is no whole number from 1")?;
    let country = match code.as_str() {
        "CA" => "Canada",
        "MX" => "Mexico",
        "US" => "United States",
        other => other,
    };
    let zone = TIME_ZONES.iter().find(|(start, _)| city.starts_with(start));
    let time_zone = match zone {
        Some((_, zone)) => (*zone).to_owned(),
        None => fixed_zone(offset_minutes(&text(item, "timezone")?)?),
    };
    Ok(Stadium { name, city, country: country.to_owned(), country_code: code, capacity, time_zone })
}

/// The IANA name of a fixed offset. These names count westwards and know whole hours only.
fn fixed_zone(minutes: i32) -> String {
    match minutes / 60 {
        0 => "Etc/UTC".to_owned(),
        hours => format!("Etc/GMT{:+}", -hours),
    }
}

fn read_fixture(item: &At<'_>, by_city: &BTreeMap<String, usize>) -> Result<Fixture, String> {
    let (home, away, ground) = (text(item, "team1")?, text(item, "team2")?, text(item, "ground")?);
    let stadium = *by_city.get(&ground).ok_or_else(|| format!("no stadium in {ground:?}"))?;
    let (date, time) = (text(item, "date")?, text(item, "time")?);
    let (clock, offset) = time.split_once(' ').ok_or_else(|| format!("the time {time:?} has no offset from UTC"))?;
    let minutes = offset_minutes(offset)?;
    let start = start(&date, clock, minutes).ok_or_else(|| format!("{date} {time} is no time that can be used"))?;
    Ok(Fixture {
        name: format!("{home} v {away}"),
        home,
        away,
        round: text(item, "round")?,
        group: text(item, "group").ok(),
        number: item.field("num").whole().and_then(|number| u32::try_from(number).ok()),
        starts_at_us: start,
        local_start: local_start(start, minutes),
        utc_offset_minutes: minutes,
        stadium,
    })
}

fn text(item: &At<'_>, field: &'static str) -> Result<String, String> {
    let mut problems = Problems::default();
    let label = item.field(field).label(&mut problems);
    label.filter(|_| problems.total() == 0).ok_or_else(|| format!("{field:?} is missing or no short text"))
}

/// "UTC", "UTC-7", "UTC+5:30" in minutes.
fn offset_minutes(text: &str) -> Result<i32, String> {
    let parse = || {
        let rest = text.strip_prefix("UTC")?;
        if rest.is_empty() {
            return Some(0);
        }
        let (sign, digits) = match rest.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
        let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
        (hours <= 14 && minutes < 60).then_some(sign * (i32::from(hours) * 60 + i32::from(minutes)))
    };
    parse().ok_or_else(|| format!("{text:?} is no offset from UTC"))
}

fn start(date: &str, clock: &str, minutes: i32) -> Option<u64> {
    let date: Date = date.parse().ok()?;
    let time: Time = clock.parse().ok()?;
    let at = Offset::from_seconds(minutes * 60).ok()?.to_timestamp(date.to_datetime(time)).ok()?;
    u64::try_from(at.as_microsecond()).ok()
}

fn local_start(at_us: u64, minutes: i32) -> String {
    let local = i64::try_from(at_us).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
    local.map_or_else(String::new, |at| offset.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::demo::{WORLDCUP_MATCHES, WORLDCUP_STADIUMS};
    use super::*;

    fn us(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_microsecond() as u64
    }

    #[test]
    fn the_whole_tournament_is_read() {
        let tournament = read(WORLDCUP_MATCHES, WORLDCUP_STADIUMS).unwrap();
        assert_eq!(tournament.name, "World Cup 2026");
        assert_eq!((tournament.fixtures.len(), tournament.stadiums.len()), (104, 16));
        assert_eq!(tournament.skipped, []);
        let last = &tournament.fixtures[103];
        assert_eq!((last.name.as_str(), last.round.as_str(), last.number), ("Spain v Argentina", "Final", Some(104)));
        assert_eq!((last.starts_at_us, last.utc_offset_minutes), (us("2026-07-19T19:00:00Z"), -240));
        assert_eq!(last.local_start, "2026-07-19 15:00");
        let stadium = &tournament.stadiums[last.stadium];
        assert_eq!((stadium.name.as_str(), stadium.capacity, stadium.country.as_str()), ("MetLife Stadium", 82_500, "United States"));
        assert_eq!(stadium.city, "New York/New Jersey (East Rutherford)");
        assert!(tournament.stadiums.iter().all(|stadium| stadium.time_zone.starts_with("America/")));
        assert_eq!(tournament.fixtures[0].group.as_deref(), Some("Group A"));
    }

    #[test]
    fn the_shift_keeps_weekday_local_time_and_season() {
        let before = read(WORLDCUP_MATCHES, WORLDCUP_STADIUMS).unwrap();
        let now = us("2026-11-22T12:00:00Z");
        let mut after = before.clone();
        assert_eq!(after.shift_into_future(now), Shift { years: 1, weeks: 52 });
        let moved = |tournament: &Tournament| tournament.fixtures.iter().map(|fixture| fixture.starts_at_us).collect::<Vec<_>>();
        assert!(moved(&after).iter().all(|&at| at > now));
        assert!(moved(&before).iter().zip(moved(&after)).all(|(before, after)| after - before == 52 * WEEK_US));
        assert_eq!(after.fixtures[103].local_start, "2027-07-18 15:00");
        assert_eq!(before.clone().shift_into_future(us("2026-06-11T00:00:00Z")), Shift::default());
        // Half a century on it is still summer.
        let far = Shift::into_future(us("2026-06-11T19:00:00Z"), us("2076-01-01T00:00:00Z"));
        let landed = far.apply(us("2026-06-11T19:00:00Z"));
        assert!(landed >= us("2076-06-07T00:00:00Z") && landed <= us("2076-06-16T00:00:00Z"), "{far:?}");
        assert_eq!(Shift::into_future(0, u64::MAX).years, 10_000);
    }

    #[test]
    fn what_cannot_be_used_is_left_out_with_its_reason() {
        let stadiums = br#"{"stadiums":[
            {"city":"Bern","timezone":"UTC+2","cc":"ch","name":"Wankdorf","capacity":31500},
            {"city":"Pune","timezone":"UTC+5:30","cc":"in","name":"Ground","capacity":-4},
            {"city":"Nowhere","timezone":"CET","cc":"xx","name":"Ground","capacity":4}, null]}"#;
        let matches = br#"{"name":"Cup","matches":[
            {"round":"Final","date":"2026-07-19","time":"15:00 UTC+2","team1":"A","team2":"B","ground":"Bern"},
            {"round":"Final","date":"2026-07-19","time":"15:00 UTC+2","team1":"A","team2":"B","ground":"Rome"},
            {"round":"Final","date":"2026-02-30","time":"15:00 UTC+2","team1":"A","team2":"B","ground":"Bern"},
            {"round":"Final","date":"1926-01-01","time":"15:00 UTC+2","team1":"A","team2":"B","ground":"Bern"},
            {"round":"Final","date":"2026-07-19","time":"15:00","team1":"A","team2":"B","ground":"Bern"},
            {"round":"Final","date":"2026-07-19","time":"15:00 UTC+99","team1":"A","team2":"B","ground":"Bern"},
            {"round":"Final","date":"2026-07-19","time":"15:00 UTC+2","team2":"B","ground":"Bern"}, 7]}"#;
        let cup = read(matches, stadiums).unwrap();
        assert_eq!((cup.stadiums.len(), cup.fixtures.len()), (1, 1));
        assert_eq!((cup.stadiums[0].time_zone.as_str(), cup.stadiums[0].country.as_str()), ("Etc/GMT-2", "CH"));
        let pointers: Vec<&str> = cup.skipped.iter().map(|problem| problem.pointer.as_str()).collect();
        let matches = (1..8).map(|position| format!("/matches/{position}"));
        assert_eq!(pointers, (1..4).map(|position| format!("/stadiums/{position}")).chain(matches).collect::<Vec<_>>());
        assert!(read(b"{}", stadiums).is_err() && read(b"[", b"[").is_err());
    }
}
