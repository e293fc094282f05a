//! Versioned protobuf encoding of commands, answers and snapshots.

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

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(what) => write!(f, "unknown to this build: {what}"),
            Self::Broken(what) => write!(f, "broken encoding: {what}"),
        }
    }
}

impl core::error::Error for CodecError {}
