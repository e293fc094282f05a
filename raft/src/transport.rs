//! gRPC between nodes: one stream per peer and lane carries the calls of all groups. With mutual TLS, a node is who its certificate
//! says, at both ends: `door` lets peers in, `dial` goes to them.

mod client;
mod dial;
mod door;
mod server;

pub use client::GrpcPeers;
pub use door::{Door, Security};
pub use server::serve;

/// Largest message that is taken, in bytes. Entries and pieces of snapshots stay well below.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// HTTP/2 windows, in bytes: large enough that a stream never waits for a window on a local network.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Calls that may be on their way on one stream.
const CALLS_MAX: usize = 4096;
