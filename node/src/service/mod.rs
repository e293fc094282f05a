//! The product behind HTTP: which group, which consistency, which steps. One file a capability; this one holds what they share.

mod accounts;
mod backend;
mod backups;
mod booking;
mod carts;
mod catalog;
mod changes;
mod events;
mod gates;
mod guests;
pub mod identity;
mod import;
mod inspection;
mod lists;
mod measures;
mod media;
mod nodes;
mod orders;
mod past;
mod paying;
mod planted;
mod prices;
mod promos;
mod reads;
mod reconcile;
mod recovery;
mod search;
mod status;
mod tickets;
mod transfers;
mod webhook;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Revision, Written};
use boxoffice_cluster_config::groups::{CATALOG, GroupCounts};
use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::Audited;
use boxoffice_ledger::ids::{EventId, Slot, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::members::Founder;
use boxoffice_ledger::outcome::Rejection;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use boxoffice_raft::error::{ProposeError, ReadError};
use boxoffice_raft::group::{Committed, Group};
use bytes::Bytes;

use crate::certificates::Certificates;
use crate::credentials::Credentials;
use crate::feed::Feed;
use crate::mail::Mailer;
use crate::media::Library;
use crate::mint;
use crate::passwords::Passwords;
use crate::payment::PaymentProvider;
use crate::popular::Popular;
use crate::replica::Replica;
use crate::searching::Searching;
use crate::tickets::keys::Keyring;
use crate::webhooks::{Courier, Secrets};
pub use backups::{Backups, fresh_id as fresh_backup_id};
pub use carts::is_owned;
pub use catalog::chunks;
pub use import::{Names, is_imported};
pub use reconcile::{Step, clip};
pub use webhook::EDGE_OWNS_MS;
pub use webhooks::scope_of;

/// How long a read waits for a revision that this node does not have yet.
const MIN_REVISION_WAIT: Duration = Duration::from_millis(500);

/// Everything that a request can touch.
pub struct Service {
    /// This node.
    pub node: NodeId,
    /// The cluster's name.
    pub cluster: ClusterId,
    /// How many groups of each kind there are.
    pub counts: GroupCounts,
    /// Consensus, by group.
    pub groups: BTreeMap<GroupId, Group>,
    /// The catalog as applied here.
    pub catalog: Replica<CatalogLedger>,
    /// The seat ledgers as applied here.
    pub events: BTreeMap<GroupId, Replica<SeatLedger>>,
    /// The accounts as applied here.
    pub users: BTreeMap<GroupId, Replica<AccountLedger>>,
    /// What changed.
    pub feed: Arc<Feed>,
    /// Events in the orders in which they are listed.
    pub popular: Popular,
    /// The full-text index of this node.
    pub search: Searching,
    /// Names of venues and performers, for imports.
    pub names: parking_lot::Mutex<Names>,
    /// Images.
    pub media: Arc<Library>,
    /// Who takes the money.
    pub provider: Arc<dyn PaymentProvider>,
    /// How long buyers may take at their bank, in milliseconds.
    pub bank_time_ms: u64,
    /// Who signs tickets.
    pub keyring: Keyring,
    /// Password hashing, bounded.
    pub passwords: Arc<Passwords>,
    /// Tokens, keys and links.
    pub credentials: Credentials,
    /// Who carries letters.
    pub mailer: Arc<dyn Mailer>,
    /// Where mailed links lead: the address of the page, without a slash at its end.
    pub links: String,
    /// Addresses that asked for a link to set a password; a worker mails them.
    pub resets: tokio::sync::mpsc::Sender<String>,
    /// What webhooks are signed with.
    pub secrets: Secrets,
    /// Who calls webhooks.
    pub courier: Arc<Courier>,
    /// Backups that this node makes, and whether it may sell after a restore.
    pub backups: Backups,
    /// This node's certificates.
    pub certificates: Arc<Certificates>,
    /// Who was there from the beginning; empty on a node that joined later.
    pub founders: Vec<Founder>,
    /// What is being waited for while groups get other members, on the leader of the catalog.
    pub settling: parking_lot::Mutex<Option<String>>,
    /// Consensus as a whole, for its status.
    pub raft: Arc<boxoffice_raft::node::RaftNode>,
}

/// A privileged command with who asks for it, for the audit trail.
pub fn asked<C>(cx: Context, caller: Caller, command: C) -> Audited<C> {
    let address = cx.from.map(|address| address.to_string()).unwrap_or_default();
    Audited { actor: caller.user, address, command: Box::new(command) }
}

/// A context for work that nobody asked for.
fn context_of_system() -> Context {
    Context { deadline: Instant::now() + Duration::from_secs(10), freshness: Freshness::Local, from: None, request: RequestTag::NONE }
}

/// An answer of a ledger with its place in the log.
pub struct Applied<O> {
    /// What the ledger said.
    pub outcome: O,
    /// Whether it had said it before.
    pub replayed: bool,
    /// Where.
    pub revision: Revision,
}

impl<O> Applied<O> {
    /// The same place with another value.
    pub fn written<T>(&self, value: T) -> Written<T> {
        Written { value, revision: self.revision, replayed: self.replayed }
    }
}

impl Service {
    /// The group of an event.
    pub fn event_group(&self, event: EventId) -> GroupId {
        self.counts.of_event_slot(event.slot().number())
    }

    /// The group of an account.
    pub fn user_group(&self, user: UserId) -> GroupId {
        self.user_slot_group(user.slot())
    }

    /// The group of the accounts of a slot.
    pub fn user_slot_group(&self, slot: Slot) -> GroupId {
        self.counts.of_user_slot(slot.number())
    }

    /// The seat ledger that owns an event.
    pub fn seats(&self, event: EventId) -> Answer<&Replica<SeatLedger>> {
        self.events.get(&self.event_group(event)).ok_or(Failure::NotFound("event"))
    }

    /// The account ledger that owns a user.
    pub fn accounts(&self, group: GroupId) -> Answer<&Replica<AccountLedger>> {
        self.users.get(&group).ok_or(Failure::NotFound("user"))
    }

    fn group(&self, group: GroupId) -> Answer<&Group> {
        self.groups.get(&group).ok_or(Failure::NoQuorum(1000))
    }

    /// Puts a command through a group's log and gives the ledger's answer.
    pub async fn write<M: Machine>(&self, cx: Context, group: GroupId, command: &M::Command) -> Answer<Applied<M::Outcome>> {
        let bytes = Bytes::from(M::encode_command(command));
        let committed = self.group(group)?.propose_for(cx.request, bytes, cx.deadline.into()).await.map_err(propose_failure)?;
        let answer = M::decode_answer(&committed.reply).map_err(|error| {
            tracing::error!(%group, %error, "a ledger's answer does not decode");
            Failure::Unknown
        })?;
        Ok(Applied { outcome: answer.outcome, replayed: answer.replayed, revision: revision_of(&committed) })
    }

    /// Makes this node's copy of a group as fresh as the context asks, and says how fresh that is.
    pub async fn fresh(&self, cx: Context, group: GroupId) -> Answer<(Revision, u64)> {
        if cx.freshness == Freshness::Linearizable && !boxoffice_raft::planted::has("stale-reads") {
            return self.barrier(cx, group).await;
        }
        let handle = self.group(group)?;
        for revision in cx.freshness.at_least() {
            if revision.group != group.0 {
                let other = self.groups.get(&GroupId(revision.group));
                if other.is_none_or(|other| other.incarnation() != revision.incarnation) {
                    return Err(Failure::Gone);
                }
                continue;
            }
            if revision.incarnation != handle.incarnation() {
                return Err(Failure::Gone);
            }
            let deadline = cx.deadline.min(Instant::now() + MIN_REVISION_WAIT);
            handle.wait_applied(revision.index, deadline.into()).await.map_err(read_failure)?;
        }
        let revision = Revision { incarnation: handle.incarnation(), group: group.0, index: handle.applied() };
        Ok((revision, handle.age_ms()))
    }

    /// The time that this node decides by: what the clocks of a quorum agree on, so that a clock of its own that jumped ends nobody's
    /// session and takes no payment out of anybody's hands.
    pub fn clock(&self) -> Timestamp {
        self.groups.get(&CATALOG).map_or_else(mint::now, |group| Timestamp(group.now_us()))
    }

    /// A linearizable read point of a group.
    pub async fn barrier(&self, cx: Context, group: GroupId) -> Answer<(Revision, u64)> {
        let handle = self.group(group)?;
        let index = handle.read_barrier_for(cx.request, cx.deadline.into()).await.map_err(read_failure)?;
        Ok((Revision { incarnation: handle.incarnation(), group: group.0, index }, 0))
    }

    /// Reads something that may be newer elsewhere: looks here first, and only an absence is confirmed by a quorum.
    /// So what was acknowledged on another node a moment ago is never "not found" here.
    pub async fn find<T>(&self, cx: Context, group: GroupId, look: impl Fn() -> Option<T>) -> Answer<Option<(T, Revision, u64)>> {
        let (revision, age) = self.fresh(cx, group).await?;
        if let Some(found) = look() {
            return Ok(Some((found, revision, age)));
        }
        if cx.freshness == Freshness::Linearizable {
            return Ok(None);
        }
        let (revision, age) = self.barrier(cx, group).await?;
        Ok(look().map(|found| (found, revision, age)))
    }
}

fn revision_of(committed: &Committed) -> Revision {
    let position = &committed.position;
    Revision { incarnation: position.incarnation, group: position.group.0, index: position.index }
}

/// What a refused or lost proposal means to a caller.
pub fn propose_failure(error: ProposeError) -> Failure {
    match error {
        ProposeError::NoLeader | ProposeError::Halted | ProposeError::ShuttingDown => Failure::NoQuorum(1000),
        ProposeError::Overloaded => Failure::Overloaded(100),
        ProposeError::DiskFull => Failure::Overloaded(5000),
        ProposeError::TooLarge => Failure::Invalid(vec![boxoffice_api::backend::Problem {
            pointer: String::new(),
            code: "too_large",
            detail: "the request does not fit one log entry: ask for less at a time".into(),
        }]),
        ProposeError::Unknown if boxoffice_raft::planted::has("unknown-is-refused") => Failure::NoQuorum(1000),
        ProposeError::Unknown => Failure::Unknown,
    }
}

/// What a failed read means to a caller: reads never happen by half.
pub fn read_failure(_: ReadError) -> Failure {
    Failure::NoQuorum(500)
}

/// The ledger's refusal as a failure of the call.
pub fn refused<T>(rejection: Rejection, revision: Revision, replayed: bool) -> Answer<T> {
    match rejection {
        Rejection::RequestsFull => Err(Failure::Overloaded(60_000)),
        other => Err(Failure::Rejected(other, revision).replayed(replayed)),
    }
}
