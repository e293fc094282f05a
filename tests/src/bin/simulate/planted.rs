//! Bugs that the simulator must find: what finds nothing in a broken cluster proves nothing about a good one.

use std::time::Instant;

use super::batch::{self, Job};

/// All of them. What each one is, stands where it is planted.
pub const BUGS: [&str; 23] = [
    "skip-fsync",
    "ack-before-flush",
    "vote-after-answer",
    "vote-not-saved",
    "leader-restore",
    "snapshot-not-synced",
    "snapshot-names-not-synced",
    "snapshot-leaves-out",
    "checksum-off",
    "torn-tail-is-good",
    "damage-is-the-end",
    "stale-reads",
    "read-without-quorum",
    "read-unapplied",
    "local-clock",
    "follower-skips",
    "unknown-is-refused",
    "ack-before-commit",
    "forget-idempotency",
    "outbox-forgets",
    "capture-forgotten",
    "double-charge",
    "free-without-answer",
];

/// Seeds that each bug may take.
const SEEDS: u64 = 200;

/// Looks for each of the bugs, in a table; whether all were found.
///
/// # Errors
/// When a child cannot be run.
pub fn find_all(bugs: &[&str], from: u64, secs: u64, at_once: usize) -> anyhow::Result<bool> {
    println!("| bug | seed | found by | simulated seconds | seeds tried |\n|---|---|---|---|---|");
    let mut all_found = true;
    for bug in bugs {
        let since = Instant::now();
        let (mut found, mut tried) = (None, 0_u64);
        let job = |seed| Job { seed, secs, plant: Some((*bug).to_owned()) };
        batch::all(from..from + SEEDS, at_once, 0, job, |seed, report| {
            tried += 1;
            if let Some((name, _, at_ms)) = report.violations.first()
                && found.is_none()
            {
                found = Some((seed, name.clone(), *at_ms));
            }
            found.is_none()
        })?;
        let is_found = found.is_some();
        match found {
            Some((seed, name, at_ms)) => println!("| `{bug}` | {seed} | `{name}` | {:.1} | {tried} |", at_ms as f64 / 1000.0),
            None => println!("| `{bug}` | NOT FOUND in {tried} seeds, {:?} | | | |", since.elapsed()),
        }
        all_found &= is_found;
    }
    Ok(all_found)
}
