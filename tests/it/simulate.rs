//! Whole clusters in one thread, under seeds: all must be good, some are run twice, and bugs that are planted must be found.

use std::process::Command;

/// Runs the simulator; what it printed.
fn simulate(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_simulate")).args(arguments).output().expect("it was built with this test");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "simulate {arguments:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Every 20th seed is run twice: all that happened must have the same hash.
#[test]
fn seeds_keep_every_promise() {
    let text = simulate(&["--seeds", "200", "--secs", "3", "--jobs", "2"]);
    assert!(text.contains("200 seeds, 0 broken"), "{text}");
}

#[test]
fn planted_bugs_are_found() {
    let text = simulate(&["--planted", "--plant", "skip-fsync,follower-skips", "--secs", "6"]);
    assert!(!text.contains("NOT FOUND"), "{text}");
}

/// The disk was full when the first snapshot of a group was to be written: its core died, and the log was replayed onto what it had
/// given already.
#[test]
fn a_group_whose_core_died_before_its_first_snapshot_goes_on_from_its_log() {
    let text = simulate(&["--seed", "4947", "--secs", "6"]);
    assert!(text.contains(": good"), "{text}");
}
