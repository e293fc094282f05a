//! Consensus: bytes in, bytes out, durable and in order; many groups per node over one log.
mod blocking;
mod codec;
pub mod crash;
pub mod disk;
pub mod env;
pub mod error;
pub mod log;
mod log_store;
pub mod machine;
pub mod options;
mod progress;
mod sm;
mod snapshot;
mod types;

mod proto {
    #![allow(missing_docs, clippy::all)]
    tonic::include_proto!("boxoffice.peer");
}
