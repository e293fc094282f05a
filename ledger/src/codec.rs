//! Versioned protobuf encoding of commands, answers, plans and snapshots.
//!
//! `common` has the parts that several machines share, `envelope` tells unknown from broken, `frame` is the form of
//! snapshots, `plan` the form of seating plans. Each machine has a file of its own.

pub(crate) mod account;
pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod cart;
pub(crate) mod catalog;
pub mod change;
pub(crate) mod common;
pub(crate) mod envelope;
pub(crate) mod frame;
#[cfg(test)]
pub(crate) mod golden;
pub(crate) mod guest;
pub(crate) mod identity;
pub(crate) mod member;
pub mod plan;
pub(crate) mod price;
pub(crate) mod promo;
pub(crate) mod rejection;
pub(crate) mod seats;
pub(crate) mod ticket;
pub(crate) mod upkeep;
pub(crate) mod webhook;
pub(crate) mod wire;

use alloc::string::String;
use core::fmt;

/// Why bytes did not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// Well formed, but of a kind or version that this build does not know.
    Unknown(String),
    /// Not well formed.
    Broken(String),
}

impl CodecError {
    /// Not well formed, for this reason.
    pub(crate) fn broken(what: &str) -> Self {
        Self::Broken(String::from(what))
    }

    /// Not known to this build.
    pub(crate) fn unknown(what: &str) -> Self {
        Self::Unknown(String::from(what))
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(what) => write!(f, "unknown to this build: {what}"),
            Self::Broken(what) => write!(f, "broken encoding: {what}"),
        }
    }
}

impl core::error::Error for CodecError {}
