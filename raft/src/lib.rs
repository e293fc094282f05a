//! Consensus: bytes in, bytes out, durable and in order; many groups per node over one log.
//!
//! ```text
//!  propose(command)            read_barrier()
//!      |                             |
//!  queue -> batcher                read rounds                     Group: what users hold
//!      |        \ not the leader     |
//!      | leader  `-- Forward --> peer's queue                      transport: one gRPC stream per peer and lane
//!      v                                                            handler: answers peers
//!  openraft core <------ Append / Vote / Install ------> peers      network: asks peers
//!      |         \
//!  log_store      sm: apply -> StateMachine -> replies, digests, snapshots
//!      |                                          |
//!  log: one for all groups, one fdatasync     snapshot files
//! ```
//!
//! Reading order: `machine` (what a group replicates), `group` (what its users can do), `batcher` and `queue` (how a command gets into the
//! log), `sm` and `log_store` (openraft's storage), `supervise` (a group's life), `reshape` (who is in a group), `book` (who the nodes
//! are), `housekeeping`, `node`. Only this crate knows openraft,
//! the protobuf of the peer service, and the files of the log.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod machine;
pub mod meter;

pub mod blobs;
pub mod book;
pub mod data_dir;
pub mod entries;
pub mod error;
pub mod group;
pub mod history;
pub mod node;
pub mod options;
pub mod planted;
pub mod status;

mod balance;
mod batcher;
mod blocking;
mod codec;
mod core;
mod handler;
mod housekeeping;
mod identity;
mod install;
mod life;
mod log_store;
mod network;
mod peers;
mod progress;
mod queue;
mod read;
mod refusals;
pub mod rescue;
pub mod reshape;
mod runtime;
mod sm;
mod snapshot;
mod supervise;
mod time;
mod transport;
mod types;

pub mod crash;
pub mod disk;
pub mod env;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod log;

pub use tokio::time::Instant;

mod proto {
    #![allow(missing_docs, clippy::all)]
    include!("../generated/boxoffice.peer.rs");
}

#[cfg(test)]
mod tests;
