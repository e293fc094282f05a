//! A sale that was recorded: how many places of each price level were sold and held, from the first change to the last. Lines of JSON,
//! the first one about the levels, the others about one level each.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use boxoffice_api::client::{Client, read_moment};
use boxoffice_ledger::pricing::SalePoint;
use boxoffice_ledger::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The types of changes that say what is taken.
const TYPES: &str = "seat.available,seat.held,seat.sold,seat.blocked,area.changed";

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its first line.
    pub head: Head,
    /// By level, ascending by time.
    pub courses: Vec<Vec<SalePoint>>,
}

/// What was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The event.
    pub event: String,
    /// By price level.
    pub levels: Vec<Level>,
}

/// A price level of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// With what price it began, in minor units.
    pub price: u64,
    /// Places on sale at the end of the record.
    pub capacity: u32,
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    level: usize,
    sold: u32,
    held: u32,
}

/// Records an event that is or was on sale.
///
/// # Errors
/// When the cluster refuses, cannot be reached or answers what is not understood.
pub async fn record(client: &Client, event: &str) -> anyhow::Result<Record> {
    let prices = client.prices(event).await.context("read the prices")?;
    let layout = client.seats(event).await.context("read the map")?.layout;
    let layout = client.get(&format!("/layout/{layout}")).await.context("read the layout")?;
    let changes = client.changes(event, TYPES).await.context("read what happened")?;
    let mut levels = Vec::new();
    for level in &prices.levels {
        let capacity = level.free.saturating_add(level.taken);
        levels.push(Level { name: level.name.clone(), price: level.root()?.price, capacity });
    }
    let courses = Counter::new(&layout, levels.len())?.count(&changes)?;
    Ok(Record { head: Head { event: event.to_owned(), levels }, courses })
}

impl Record {
    /// How many places were held or sold at its end.
    pub fn taken(&self) -> u64 {
        let last = self.courses.iter().filter_map(|course| course.last());
        last.map(|point| u64::from(point.sold) + u64::from(point.held)).sum()
    }

    /// Its lines.
    pub fn text(&self) -> String {
        let line = |value: Value| format!("{value}\n");
        let mut text = line(serde_json::to_value(&self.head).unwrap_or_default());
        for (level, course) in self.courses.iter().enumerate() {
            for point in course {
                let at = i64::try_from(point.at.0).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
                let at = at.map(|at| at.to_string()).unwrap_or_default();
                text.push_str(&line(serde_json::to_value(Line { at, level, sold: point.sold, held: point.held }).unwrap_or_default()));
            }
        }
        text
    }

    /// Reads its lines.
    ///
    /// # Errors
    /// When a line is none of a record, with its number.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().context("the record is empty")?;
        let head: Head = serde_json::from_str(first).context("line 1: not the head of a record")?;
        let mut courses: Vec<Vec<SalePoint>> = vec![Vec::new(); head.levels.len()];
        for (number, line) in lines {
            let number = number + 1;
            let line: Line = serde_json::from_str(line).with_context(|| format!("line {number}"))?;
            let at = read_moment(&line.at).with_context(|| format!("line {number}: {} is no moment", line.at))?;
            let course = courses.get_mut(line.level).with_context(|| format!("line {number}: there is no level {}", line.level))?;
            if course.last().is_some_and(|last| last.at > at) {
                bail!("line {number}: earlier than the line before");
            }
            course.push(SalePoint { at, sold: line.sold, held: line.held });
        }
        Ok(Self { head, courses })
    }
}

/// Counts what is taken, change by change.
struct Counter {
    /// The level of each seat.
    seats: Vec<usize>,
    /// The level of each area.
    areas: Vec<usize>,
    /// 1 = held, 2 = sold.
    states: Vec<u8>,
    /// Held and sold places of areas.
    places: BTreeMap<usize, (u32, u32)>,
    /// Held and sold places of levels.
    counts: Vec<(u32, u32)>,
}

impl Counter {
    fn new(layout: &Value, levels: usize) -> anyhow::Result<Self> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let level = |value: &Value| {
            let level = value.as_u64().and_then(|level| usize::try_from(level).ok());
            level.filter(|level| *level < levels).context("the layout has a level that has no price")
        };
        let mut seats = Vec::new();
        for section in list(&layout["sections"]) {
            for row in list(&section["rows"]) {
                for seat in list(&row["seats"]) {
                    seats.push(level(&seat[1])?);
                }
            }
        }
        let areas = list(&layout["areas"]).iter().map(|area| level(&area["level"])).collect::<Result<_, _>>()?;
        Ok(Self { states: vec![0; seats.len()], seats, areas, places: BTreeMap::new(), counts: vec![(0, 0); levels] })
    }

    fn count(mut self, changes: &[Value]) -> anyhow::Result<Vec<Vec<SalePoint>>> {
        let mut courses: Vec<Vec<SalePoint>> = vec![Vec::new(); self.counts.len()];
        for change in changes {
            let at = change["created_at"].as_str().and_then(read_moment).context("a change has no time")?;
            let before = self.counts.clone();
            self.apply(change);
            for (level, course) in courses.iter_mut().enumerate() {
                if self.counts[level] != before[level] {
                    note(course, at, self.counts[level]);
                }
            }
        }
        Ok(courses)
    }

    fn apply(&mut self, change: &Value) {
        let state = match change["type"].as_str().unwrap_or_default() {
            "seat.held" => 1,
            "seat.sold" => 2,
            "area.changed" => return self.apply_area(&change["data"]["area"]),
            _ => 0,
        };
        for seat in change["data"]["seats"].as_array().into_iter().flatten() {
            let Some(seat) = seat.as_u64().and_then(|seat| usize::try_from(seat).ok()).filter(|seat| *seat < self.seats.len()) else {
                continue;
            };
            let counts = &mut self.counts[self.seats[seat]];
            let of = |counts: &mut (u32, u32), state: u8, more: bool| {
                let count = match state {
                    1 => &mut counts.0,
                    2 => &mut counts.1,
                    _ => return,
                };
                *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
            };
            of(counts, self.states[seat], false);
            of(counts, state, true);
            self.states[seat] = state;
        }
    }

    fn apply_area(&mut self, area: &Value) {
        let number = |name: &str| area[name].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let index = number("index") as usize;
        let Some(&level) = self.areas.get(index) else { return };
        let now = (number("held"), number("sold"));
        let before = self.places.insert(index, now).unwrap_or_default();
        let counts = &mut self.counts[level];
        *counts = (counts.0.saturating_sub(before.0).saturating_add(now.0), counts.1.saturating_sub(before.1).saturating_add(now.1));
    }
}

/// Adds a point; of one moment, the last one counts.
fn note(course: &mut Vec<SalePoint>, at: Timestamp, (held, sold): (u32, u32)) {
    let point = SalePoint { at, sold, held };
    match course.last_mut().filter(|last| last.at == at) {
        Some(last) => *last = point,
        None => course.push(point),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_counts_what_happened_and_reads_back() {
        let seat = |name: &str, level: u32| json!([name, level, 0, 0]);
        let layout = json!({
            "sections": [{"rows": [{"seats": [seat("1", 0), seat("2", 0), seat("3", 1)]}]}],
            "areas": [{"name": "Floor", "level": 1}],
        });
        let at = |second: u32| format!("2031-01-01T00:00:{second:02}Z");
        let change = |second: u32, kind: &str, data: Value| json!({"type": kind, "created_at": at(second), "data": data});
        let changes = [
            change(1, "seat.held", json!({"seats": [0, 1, 2]})),
            change(2, "seat.sold", json!({"seats": [0, 1]})),
            change(2, "seat.available", json!({"seats": [2]})),
            change(3, "area.changed", json!({"area": {"index": 0, "available": 3, "held": 2, "sold": 5}})),
            change(4, "seat.available", json!({"seats": [0]})),
            change(5, "seat.sold", json!({"seats": [99]})),
        ];
        let courses = Counter::new(&layout, 2).unwrap().count(&changes).unwrap();
        let counts = |course: &[SalePoint]| course.iter().map(|point| (point.held, point.sold)).collect::<Vec<_>>();
        assert_eq!((counts(&courses[0]), counts(&courses[1])), (vec![(2, 0), (0, 2), (0, 1)], vec![(1, 0), (0, 0), (2, 5)]));
        let levels = ["One", "Two"].map(|name| Level { name: name.into(), price: 5_000, capacity: 10 }).to_vec();
        let record = Record { head: Head { event: "evt_1".into(), levels }, courses };
        assert_eq!(Record::read(&record.text()).unwrap(), record);
        let wrong = [
            "",
            "{}",
            "{\"event\":\"e\",\"levels\":[]}\n{\"at\":\"2031-01-01T00:00:00Z\",\"level\":0,\"sold\":1,\"held\":0}",
            "{\"event\":\"e\",\"levels\":[]}\n{\"at\":\"soon\",\"level\":0,\"sold\":1,\"held\":0}",
        ];
        assert!(wrong.iter().all(|text| Record::read(text).is_err()));
        assert!(Counter::new(&layout, 1).is_err(), "a level without a price");
    }
}
