//! Snapshots of a group as files: one per index, framed and checksummed, durable before anybody hears of them.
//!
//! A file is a magic number, then frames `length u32 | crc32c u32 | bytes` (little endian): first the head, then the machine's frames, then
//! a footer with the mark in place of the length. The two newest files of a group are kept, so that a damaged one can be done without.

pub mod file;
pub mod store;
