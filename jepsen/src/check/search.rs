//! Linearizable per seat, by search: commit positions are not looked at, only what was asked, what came back, and when.

use super::seats::{Rows, Touch};
use super::{Anomaly, Verdict};
use crate::seat::{Act, SeatModel};
use crate::wgl::{self, Call};

/// Searches a legal order of each seat's operations.
#[must_use]
pub fn check(rows: &Rows) -> Verdict {
    let mut verdict = Verdict::default();
    for (seat, touches) in rows {
        verdict.count("operations on seats searched", touches.iter().filter(|touch| !matches!(touch.act, Act::Expire(_))).count());
        let Some(stuck) = stuck(touches) else { continue };
        let least = least(touches, &stuck);
        let act = least.last().map(|touch| touch.act);
        let ops = least.iter().map(|touch| touch.op).collect();
        verdict.anomalies.push(Anomaly::new("not_linearizable", format!("seat {seat}: {act:?} fits nowhere"), ops));
    }
    verdict
}

fn stuck(touches: &[Touch]) -> Option<wgl::Stuck> {
    let calls: Vec<Call<Act>> = touches.iter().map(|touch| Call { act: touch.act, from: touch.from, to: touch.to }).collect();
    wgl::check(&SeatModel, &calls).err()
}

/// The fewest operations that still have no order: the end of the history is cut off first, then one after the other is left out, as
/// long as those that stay are an impossible history by themselves.
///
/// An operation may be left out only where that cannot make a good history bad: reads and refusals, and what changes a seat together
/// with all that belongs to the same hold.
fn least(touches: &[Touch], stuck: &wgl::Stuck) -> Vec<Touch> {
    let end = touches[stuck.at].to.unwrap_or(u64::MAX);
    let mut kept: Vec<Touch> = touches.iter().filter(|touch| touch.from <= end).cloned().collect();
    if self::stuck(&kept).is_none() {
        kept = touches.to_vec();
    }
    let mut groups: Vec<Group> = kept.iter().map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    for left_out in groups {
        let fewer: Vec<Touch> = kept.iter().filter(|touch| group(touch) != left_out).cloned().collect();
        if self::stuck(&fewer).is_some() {
            kept = fewer;
        }
    }
    kept.retain(|touch| !matches!(touch.act, Act::Expire(_)));
    kept.sort_by_key(|touch| (touch.to.unwrap_or(u64::MAX), touch.from));
    kept
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Hold(u32),
    Single(u64),
}

fn group(touch: &Touch) -> Group {
    match touch.act {
        Act::Hold(hold) | Act::Confirm(hold) | Act::Release(hold) | Act::Expire(hold) | Act::Void(hold) => Group::Hold(hold),
        Act::ConfirmRefused(hold) | Act::ReleaseRefused(hold) => Group::Hold(hold),
        Act::HoldRefused | Act::Read(_) => Group::Single(touch.op),
    }
}
