//! Nodes whose clock on the wall is wrong, by libfaketime. The steady clock, which timers go by, is not touched.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions put it.
const PLACES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// The library, if this machine has it.
#[must_use]
pub fn library() -> Option<PathBuf> {
    PLACES.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned)
}

/// Lets a program's clock go wrong by this much, such as `+1h`.
///
/// # Panics
/// When the library is not there.
pub fn lie(command: &mut Command, offset: &str) {
    let library = library().expect("libfaketime is there");
    command.env("LD_PRELOAD", library).env("FAKETIME", offset).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}
