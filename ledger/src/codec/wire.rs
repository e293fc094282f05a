//! The messages generated from `proto/` (see `build.rs`).
#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/boxoffice.ledger.rs"));
