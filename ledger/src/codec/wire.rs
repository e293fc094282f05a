//! The messages generated from `proto/`: a test of the workspace writes them (`it::generated`), so that no build needs the compiler of
//! the protocol.
#![allow(missing_docs, clippy::all)]

include!("../../generated/boxoffice.ledger.rs");
