//! Every bound that more than one crate must agree on, with its unit and its reason.

/// Most commands in one log entry (one batch has one timestamp).
pub const BATCH_COMMANDS_MAX: usize = 256;

/// Most bytes of commands in one log entry.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of a single command; a piece of a plan is the largest.
pub const COMMAND_BYTES_MAX: usize = 48 * 1024;

/// Bytes of a plan in one command.
pub const PLAN_CHUNK_BYTES: usize = 32 * 1024;

/// Largest plan upload, in bytes.
pub const PLAN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Largest other request body, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Commands that may wait at one node for one group; the next one is refused at once.
pub const PROPOSALS_WAITING_MAX: usize = 16 * 1024;

/// How long a client's write may take before the answer is "unknown", in milliseconds.
pub const WRITE_DEADLINE_MS: u64 = 5_000;

/// How long a read may wait for an index or a quorum, in milliseconds.
pub const READ_DEADLINE_MS: u64 = 3_000;
