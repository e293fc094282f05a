//! What happened, as it goes through the backend.

use async_trait::async_trait;
use boxoffice_ledger::change::{Change, ChangeId};
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::time::Timestamp;
use tokio::sync::watch;

use super::{Answer, Caller, Context};

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// With the oldest that is here.
    Oldest,
    /// With what happens from now on.
    Newest,
    /// After these places, at most one a group; a group without one is read from its oldest.
    Places(Vec<ChangeId>),
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only of this group.
    pub group: Option<u32>,
    /// Only of this event.
    pub event: Option<EventId>,
    /// Only of these types; none = of all.
    pub types: Vec<String>,
}

/// A change as somebody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeView {
    /// Its place and name.
    pub id: ChangeId,
    /// The stamp of its entry.
    pub at: Timestamp,
    /// What happened.
    pub change: Change,
    /// Whether the reader may know whose it is.
    pub with_user: bool,
}

/// Some changes, those of each group in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangePage {
    /// The places before them, one a group.
    pub start: Vec<ChangeId>,
    /// The changes.
    pub items: Vec<ChangeView>,
    /// The places to go on from, one a group.
    pub next: Vec<ChangeId>,
    /// Whether there was nothing more.
    pub is_end: bool,
}

/// Reading what happened. Operators see everything; coordinators what happened to their own events, without whose things are.
#[async_trait]
pub trait ChangeFeed: Send + Sync + 'static {
    /// At most `limit` changes.
    async fn changes(&self, cx: Context, caller: Caller, filter: &ChangeFilter, after: &After, limit: usize) -> Answer<ChangePage>;
    /// Tells when there may be more.
    fn change_news(&self) -> watch::Receiver<u64>;
}
