//! Curves of what should be sold by when: straight between their points, level before the first and after the last.

use alloc::format;
use alloc::string::String;

use super::{BPS, CURVE_POINTS_MAX, PPM};
use crate::time::Timestamp;

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// When.
    pub at: Timestamp,
    /// What share of the places on sale should be sold by then, in basis points.
    pub sold_bps: u32,
}

/// The curve's value at a moment, in parts per million.
pub(super) fn at(curve: &[CurvePoint], at: Timestamp) -> u64 {
    let share = |point: &CurvePoint| u64::from(point.sold_bps.min(BPS)) * (PPM / u64::from(BPS));
    let next = curve.partition_point(|point| point.at <= at);
    let before = next.checked_sub(1).and_then(|place| curve.get(place));
    match (before, curve.get(next)) {
        (None, None) => 0,
        (None, Some(first)) => share(first),
        (Some(last), None) => share(last),
        (Some(before), Some(after)) => {
            let (from, to) = (i128::from(share(before)), i128::from(share(after)));
            let width = i128::from(after.at.0.saturating_sub(before.at.0)).max(1);
            let gone = i128::from(at.0.saturating_sub(before.at.0));
            (from + (to - from) * gone / width).clamp(0, i128::from(PPM)) as u64
        }
    }
}

/// What is wrong with a curve: a pointer below it, and words.
pub(super) fn fault(curve: &[CurvePoint]) -> Option<(String, String)> {
    if curve.is_empty() || curve.len() > CURVE_POINTS_MAX {
        return Some((String::new(), format!("1 to {CURVE_POINTS_MAX} points are possible")));
    }
    for (number, point) in curve.iter().enumerate() {
        if point.sold_bps > BPS {
            return Some((format!("/{number}/sold_bps"), format!("at most {BPS} basis points")));
        }
        let Some(before) = number.checked_sub(1).and_then(|place| curve.get(place)) else { continue };
        if before.at >= point.at {
            return Some((format!("/{number}/at"), String::from("later than the point before")));
        }
        if before.sold_bps > point.sold_bps {
            return Some((format!("/{number}/sold_bps"), String::from("not less than at the point before: what is sold stays sold")));
        }
    }
    None
}
