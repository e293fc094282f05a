//! Backups of the whole cluster: made, added to, checked, and brought back.
//!
//! ```text
//! snapshots + log of a node's replicas --> chain (frames -> zstd -> AES-GCM) --> target: a directory or a bucket
//!   <id>/manifest          what there is of each group; written last: without it there is no backup
//!   <id>/g<n>/snapshot     the state of a group at an index
//!   <id>/round-<number>    the log of all groups since, a round at a time; each names the hash of the one before
//!   <id>/head              the last round, and up to when everything is there
//!   media/<hash>           images, once for all backups
//! target --> replay through the ledgers, up to a stamp --> verify: invariants, digests
//!                                                      '-> restore: the same snapshot of each group into new data directories
//! ```
//! Nothing stops while a backup is made: snapshots are files that are there already, and the log is read beside its writer.

pub mod chain;
pub mod format;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod media;
pub mod reading;
pub mod replay;
pub mod restore;
pub mod seal;
pub mod standing;
pub mod target;

#[cfg(test)]
mod tests;
