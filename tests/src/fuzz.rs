//! Every decoder of bytes from outside as one function. A fuzzer calls them by name (`fuzz/`), and the tests do on any toolchain,
//! with the seeds and with what `mutate` makes of them.
//!
//! A function says whether the bytes were accepted, and panics when a promise is broken: what was read is what is written again,
//! what was decoded can be applied.

mod imports;
mod ledger;
mod mutate;
mod seeds;
mod words;

use std::path::PathBuf;

use crate::binary;
pub use mutate::Mutator;
pub use seeds::real;

/// A decoder.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: of the fuzzer's target, and of the folder with its seeds.
    pub name: &'static str,
    /// Calls it.
    pub run: fn(&[u8]) -> bool,
    /// How many inputs the tests make of its seeds.
    pub inputs: u32,
    /// Whether bytes with one flipped bit must be refused.
    pub is_sealed: bool,
}

const fn plain(name: &'static str, run: fn(&[u8]) -> bool, inputs: u32) -> Target {
    Target { name, run, inputs, is_sealed: false }
}

const fn sealed(name: &'static str, run: fn(&[u8]) -> bool, inputs: u32) -> Target {
    Target { name, run, inputs, is_sealed: true }
}

/// All of them.
pub const TARGETS: [Target; 33] = [
    plain("catalog_command", ledger::catalog_command, 6000),
    plain("seat_command", ledger::seat_command, 8000),
    plain("account_command", ledger::account_command, 8000),
    plain("catalog_answer", ledger::catalog_answer, 4000),
    plain("seat_answer", ledger::seat_answer, 4000),
    plain("account_answer", ledger::account_answer, 4000),
    plain("catalog_snapshot", ledger::catalog_snapshot, 1000),
    plain("seat_snapshot", ledger::seat_snapshot, 800),
    plain("account_snapshot", ledger::account_snapshot, 1000),
    plain("journal_row", ledger::journal_row, 5000),
    plain("plan", ledger::plan, 5000),
    sealed("log_frame", boxoffice_raft::fuzz::log_frame, 3000),
    plain("log_records", boxoffice_raft::fuzz::log_records, 20_000),
    plain("log_entry", boxoffice_raft::fuzz::log_entry, 20_000),
    sealed("snapshot_file", boxoffice_raft::fuzz::snapshot_file, 60),
    plain("peer_frame", boxoffice_raft::fuzz::peer_frame, 20_000),
    sealed("backup_object", boxoffice::fuzz::backup_object, 500),
    plain("plain_backup_object", boxoffice::fuzz::plain_backup_object, 1000),
    plain("backup_frame", boxoffice::fuzz::backup_frame, 10_000),
    sealed("ticket_code", boxoffice::fuzz::ticket_code, 500),
    sealed("credential", boxoffice::fuzz::credential, 3000),
    plain("provider_message", boxoffice::fuzz::provider_message, 2000),
    plain("signed_message", boxoffice::fuzz::signed_message, 4000),
    plain("request_body", boxoffice_api::fuzz::request_body, 12_000),
    plain("request_head", boxoffice_api::fuzz::request_head, 8000),
    plain("word", boxoffice_api::fuzz::word, 20_000),
    sealed("sealed", boxoffice_api::fuzz::sealed, 800),
    plain("configuration", words::configuration, 1000),
    plain("search_query", words::search_query, 150),
    plain("search_cursor", words::search_cursor, 5000),
    plain("plan_import", imports::plan_import, 300),
    plain("listings", imports::listings, 800),
    plain("fixtures", imports::fixtures, 1500),
];

/// Calls a decoder by its name, for fuzzers.
///
/// # Panics
/// When there is none of this name, or it breaks a promise.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    let _ = (target.run)(bytes);
}

/// Where the seeds of a target are kept.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    binary::source_tree().join("fuzz/seeds").join(name)
}

/// The seeds of a target, by the names of their files.
///
/// # Errors
/// When the folder cannot be read.
pub fn kept(name: &str) -> std::io::Result<Vec<Vec<u8>>> {
    let mut files = std::fs::read_dir(folder(name))?.map(|file| Ok(file?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    files.into_iter().map(std::fs::read).collect()
}
