//! Counts who was turned away at the door of the peers, and tells of it now and then: a flood of strangers must not flood the log.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// One line in this time, for each kind.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What was refused since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusalCounts {
    /// Connections without a good handshake, from whichever end: no TLS, no certificate of the CA, one that is over, another node
    /// than the one that was called.
    pub handshakes: u64,
    /// Connections and calls of somebody who is known, but not as a node of this cluster, or not as the one they speak for.
    pub identities: u64,
}

/// See the module.
#[derive(Default)]
pub struct Refusals {
    handshakes: Tally,
    identities: Tally,
}

#[derive(Default)]
struct Tally {
    count: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Refusals {
    /// A handshake failed.
    pub fn handshake(&self, with: &dyn Display, why: &dyn Display) {
        if self.handshakes.count_and_tell() {
            tracing::warn!(%with, %why, "no connection between nodes: the handshake failed");
        }
    }

    /// Somebody is not who they say.
    pub fn identity(&self, from: &dyn Display, why: &dyn Display) {
        if self.identities.count_and_tell() {
            tracing::warn!(%from, %why, "a peer was refused: it is not who it says");
        }
    }

    /// What was refused so far.
    pub fn counts(&self) -> RefusalCounts {
        RefusalCounts { handshakes: self.handshakes.count.load(Relaxed), identities: self.identities.count.load(Relaxed) }
    }
}

impl Tally {
    /// Counts one; whether to tell of it.
    fn count_and_tell(&self) -> bool {
        self.count.fetch_add(1, Relaxed);
        let mut told = self.told.lock();
        let is_due = told.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }
}
