//! Encoding of one row of a plan.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::{CodecError, common, envelope, wire};
use crate::plan::{LevelIndex, NAME_BYTES_MAX, Point, Row, Seat, SeatKind};

/// The most bytes that a row takes.
const ROW_BYTES_MAX: usize = 1024 * 1024;

/// Names that count: a prefix and then a number that grows (or shrinks) by the same step from seat to seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counting {
    prefix: String,
    first: u32,
    step: i32,
}

impl Counting {
    fn name(&self, seat: usize) -> Option<String> {
        let number = i64::from(self.first) + i64::from(self.step) * seat as i64;
        (0..=i64::from(u32::MAX)).contains(&number).then(|| format!("{}{number}", self.prefix))
    }

    /// How the names of a row count, if they do.
    fn of(names: &[&str]) -> Option<Self> {
        let first_name = names.first()?;
        let prefix = first_name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = |name: &str| name.strip_prefix(prefix)?.parse::<u32>().ok();
        let first = number(first_name)?;
        let step = match names.get(1) {
            Some(second) => i32::try_from(i64::from(number(second)?) - i64::from(first)).ok()?,
            None => 0,
        };
        let counting = Self { prefix: prefix.into(), first, step };
        let fits = names.iter().enumerate().all(|(seat, &name)| counting.name(seat).as_deref() == Some(name));
        fits.then_some(counting)
    }
}

pub fn encode(row: &Row) -> wire::PlanRow {
    let names: Vec<&str> = row.seats.iter().map(|seat| seat.name.as_str()).collect();
    let counting = Counting::of(&names);
    let names = if counting.is_some() { Vec::new() } else { names.into_iter().map(String::from).collect() };
    let counting = counting.unwrap_or_default();
    let plain = row.seats.iter().all(|seat| seat.kind == SeatKind::Standard);
    wire::PlanRow {
        name: row.name.clone(),
        seats: row.seats.len() as u32,
        names,
        prefix: counting.prefix,
        first: counting.first,
        step: counting.step,
        levels: runs(row.seats.iter().map(|seat| seat.level.0.into())),
        kinds: if plain { Vec::new() } else { runs(row.seats.iter().map(|seat| kind(seat.kind))) },
        xs: second_differences(row.seats.iter().map(|seat| seat.at.x)),
        ys: second_differences(row.seats.iter().map(|seat| seat.at.y)),
    }
}

/// Decodes a row of at most `seats_most` seats.
pub fn decode(bytes: &[u8], seats_most: usize) -> Result<Row, CodecError> {
    if bytes.len() > ROW_BYTES_MAX {
        return Err(CodecError::broken("a row of more than 1 MiB"));
    }
    let row: wire::PlanRow = envelope::exact(bytes)?;
    let seats = row.seats as usize;
    if seats > seats_most {
        return Err(CodecError::broken("more seats than a plan may have"));
    }
    let names = read_names(&row, seats)?;
    let levels = read_runs(&row.levels, seats)?;
    let kinds = if row.kinds.is_empty() { alloc::vec![0; seats] } else { read_runs(&row.kinds, seats)? };
    if row.xs.len() != seats || row.ys.len() != seats {
        return Err(CodecError::broken("a row with coordinates for another number of seats"));
    }
    let points = sums(&row.xs).zip(sums(&row.ys)).map(|(x, y)| Point { x, y });
    let mut read = Row { name: row.name, seats: Vec::with_capacity(seats) };
    for (((name, level), kind), at) in names.into_iter().zip(levels).zip(kinds).zip(points) {
        read.seats.push(Seat { name, level: LevelIndex(common::read_u16(level)?), at, kind: read_kind(kind)? });
    }
    if read.name.len() > NAME_BYTES_MAX || read.seats.iter().any(|seat| seat.name.len() > NAME_BYTES_MAX) {
        return Err(CodecError::broken("a name in a row is too long"));
    }
    Ok(read)
}

fn read_names(row: &wire::PlanRow, seats: usize) -> Result<Vec<String>, CodecError> {
    if !row.names.is_empty() {
        let whole = row.names.len() == seats;
        return if whole { Ok(row.names.clone()) } else { Err(CodecError::broken("a row with names for another number of seats")) };
    }
    if row.prefix.len() > NAME_BYTES_MAX {
        return Err(CodecError::broken("a name in a row is too long"));
    }
    let counting = Counting { prefix: row.prefix.to_string(), first: row.first, step: row.step };
    let name = |seat| counting.name(seat).ok_or_else(|| CodecError::broken("seat numbers out of range"));
    (0..seats).map(name).collect()
}

fn runs(values: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut runs: Vec<u32> = Vec::new();
    for value in values {
        match &mut runs[..] {
            [.., last, length] if *last == value => *length += 1,
            _ => runs.extend([value, 1]),
        }
    }
    runs
}

fn read_runs(runs: &[u32], seats: usize) -> Result<Vec<u32>, CodecError> {
    let other = || CodecError::broken("runs over another number of seats");
    let mut values = Vec::with_capacity(seats);
    for run in runs.chunks(2) {
        let [value, length] = run else { return Err(other()) };
        if *length as usize > seats - values.len() {
            return Err(other());
        }
        values.resize(values.len() + *length as usize, *value);
    }
    if values.len() == seats { Ok(values) } else { Err(other()) }
}

fn second_differences(values: impl Iterator<Item = i32>) -> Vec<i32> {
    let (mut last, mut last_step) = (0_i32, 0_i32);
    let difference = |value: i32| {
        let step = value.wrapping_sub(last);
        let difference = step.wrapping_sub(last_step);
        (last, last_step) = (value, step);
        difference
    };
    values.map(difference).collect()
}

fn sums(differences: &[i32]) -> impl Iterator<Item = i32> {
    let (mut last, mut step) = (0_i32, 0_i32);
    differences.iter().map(move |&difference| {
        step = step.wrapping_add(difference);
        last = last.wrapping_add(step);
        last
    })
}

fn kind(kind: SeatKind) -> u32 {
    match kind {
        SeatKind::Standard => 0,
        SeatKind::Accessible => 1,
        SeatKind::Companion => 2,
        SeatKind::Restricted => 3,
    }
}

fn read_kind(kind: u32) -> Result<SeatKind, CodecError> {
    match kind {
        0 => Ok(SeatKind::Standard),
        1 => Ok(SeatKind::Accessible),
        2 => Ok(SeatKind::Companion),
        3 => Ok(SeatKind::Restricted),
        _ => Err(CodecError::Unknown(format!("kind {kind} of seat"))),
    }
}
