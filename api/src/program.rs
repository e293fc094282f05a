//! Keys of programs at the edge: recognised by their form, asked of the backend, remembered for a moment. So a revoked key stops
//! to work within [`REMEMBERED_FOR`] on every node.

use std::time::{Duration, Instant};

use boxoffice_ledger::command::Scopes;

use crate::backend::{Answer, Backend, Caller, Context};
use crate::kept::Kept;

/// What every key begins with.
pub const KEY_PREFIX: &str = "bo_live_";

/// How long a key that was good is taken to be good.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Keys that are remembered.
const KEYS_MAX: usize = 10_000;

/// Longest key that is looked at, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// What the edge knows of keys.
pub struct Programs {
    hash_key: [u8; 32],
    known: Kept<[u8; 16], (Caller, Scopes, Instant)>,
}

/// Whether a bearer's text is a key, not an access token.
pub fn is_key(text: &str) -> bool {
    text.starts_with(KEY_PREFIX)
}

impl Programs {
    /// Nothing yet.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { hash_key: blake3::derive_key("boxoffice 2026 program key cache", secret), known: Kept::new(KEYS_MAX) }
    }

    /// Who a key speaks for, and what for.
    pub async fn holder(&self, backend: &dyn Backend, cx: Context, text: &str) -> Answer<Option<(Caller, Scopes)>> {
        if text.len() > KEY_BYTES_MAX {
            return Ok(None);
        }
        let mut name = [0_u8; 16];
        name.copy_from_slice(&blake3::keyed_hash(&self.hash_key, text.as_bytes()).as_bytes()[..16]);
        if let Some((caller, scopes, since)) = self.known.get(&name)
            && since.elapsed() < REMEMBERED_FOR
        {
            return Ok(Some((caller, scopes)));
        }
        let found = backend.key_holder(cx, text).await?;
        if let Some((caller, scopes)) = found {
            self.known.put(name, (caller, scopes, Instant::now()));
        }
        Ok(found)
    }
}
