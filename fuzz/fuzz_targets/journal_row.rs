//! See `tests/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| boxoffice_tests::fuzz::run("journal_row", bytes));
