//! The shape that the three ledgers share: pure, total, cheap to freeze, comparable by digest.

use alloc::string::String;
use alloc::vec::Vec;

use crate::change::Change;
use crate::codec::CodecError;
use crate::outcome::Answer;
use crate::time::Timestamp;

/// A hash of a whole machine's state. Equal states have equal digests, however they came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub u128);

/// A deterministic state machine over one group's log.
///
/// `Clone` is a freeze: it costs time in proportion to the number of chunks, not of records, and shares everything with
/// the original until either changes (copy on write). A snapshot is written from a clone while the original applies on.
pub trait Machine: Clone + Default + Send + Sync + 'static {
    /// What it can be asked.
    type Command: Send;
    /// What it answers.
    type Outcome: Send;

    /// Applies one command of an entry stamped `at`. Total: whatever the command holds, it answers.
    /// Everything due at `at` is expired first. `at` never goes backwards within a group; a smaller one counts as the last one.
    fn apply(&mut self, at: Timestamp, command: &Self::Command, changes: &mut Vec<Change>) -> Answer<Self::Outcome>;

    /// When something falls due, if anything is waiting. A group that is past it and has no traffic gets a Pulse.
    fn next_deadline(&self) -> Option<Timestamp>;

    /// The digest of the state, kept up to date as it changes: O(1).
    fn digest(&self) -> Digest;

    /// The first broken invariant, in words. Costs a walk over the whole state, and recomputes the digest from it.
    ///
    /// # Errors
    /// The description of what is broken.
    fn check_invariants(&self) -> Result<(), String>;

    /// Writes the whole state as frames of at most about 256 KiB, in an order that depends on the state alone.
    fn write_snapshot(&self, sink: &mut dyn FnMut(&[u8]));

    /// Rebuilds a machine from the frames of [`Machine::write_snapshot`], in order.
    ///
    /// # Errors
    /// When a frame does not decode, is out of place, or the digest of what was built is not the one written at the end.
    fn read_snapshot(frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<Self, CodecError>;

    /// Encodes a command, once, at the edge.
    fn encode_command(command: &Self::Command) -> Vec<u8>;

    /// Decodes a command.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] for a command that this build does not know (the group must halt on this node: others may
    /// know it); any other error for bytes that no build would accept (refused the same way everywhere).
    fn decode_command(bytes: &[u8]) -> Result<Self::Command, CodecError>;

    /// Encodes an answer.
    fn encode_answer(answer: &Answer<Self::Outcome>) -> Vec<u8>;

    /// Decodes an answer.
    ///
    /// # Errors
    /// When the bytes are not an answer.
    fn decode_answer(bytes: &[u8]) -> Result<Answer<Self::Outcome>, CodecError>;

    /// The answer to bytes that no build accepts.
    fn malformed(detail: &str) -> Answer<Self::Outcome>;

    /// The command that only lets time pass.
    fn pulse() -> Self::Command;
}
