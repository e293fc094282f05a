//! The sections `[changes]` and `[webhooks]`: how long what happened can be followed, and which addresses may be told of it.

use serde::{Deserialize, Serialize};

/// The least that is kept, in bytes.
const KEEP_BYTES_MIN: u64 = 16 * 1024;

/// The change journal.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// About so many bytes of changes are kept for each group, on each node.
    pub keep_bytes: u64,
}

impl Default for Changes {
    fn default() -> Self {
        Self { keep_bytes: 256 * 1024 * 1024 }
    }
}

impl Changes {
    /// What is wrong with it.
    pub(crate) fn mistake(self) -> Option<String> {
        (self.keep_bytes < KEEP_BYTES_MIN).then(|| format!("changes.keep_bytes = {}: at least {KEEP_BYTES_MIN}", self.keep_bytes))
    }
}

/// Customers' own programs that are told of changes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Whether they may be reached at addresses of this machine and of private networks, and without TLS. For trials only: with it
    /// whoever may make a webhook can send requests into the networks of the nodes.
    pub allow_private: bool,
}
