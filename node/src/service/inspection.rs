//! What operators look at under the surface of this node. Copies are frozen, and looked at on a thread that serves nobody else.

use std::collections::BTreeMap;

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Context, Failure, Finding, Freshness, GroupCheck, Inspection, LogPage};
use boxoffice_cluster_config::groups::GroupKind;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::ids::{EventId, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use tokio::sync::Semaphore;

use super::Service;
use crate::inspect::{check, describe};

/// One check at a time: it holds old copies of what changes meanwhile, and a core.
static CHECKING: Semaphore = Semaphore::const_new(1);

/// When to come again while another check runs, in milliseconds.
const AGAIN_MS: u64 = 500;

#[async_trait]
impl Inspection for Service {
    async fn check_group(&self, cx: Context, group: u32) -> Answer<GroupCheck> {
        let group = GroupId(group);
        let kind = self.counts.kind(group).ok_or(Failure::NotFound("group"))?;
        let handle = self.groups.get(&group).ok_or(Failure::NotFound("group"))?;
        let _one = CHECKING.try_acquire().map_err(|_| Failure::Overloaded(AGAIN_MS))?;
        let index = handle.applied();
        let (at, digest, findings) = match kind {
            GroupKind::Catalog => self.check_catalog(cx).await?,
            GroupKind::Events => self.check_seats(cx, group).await?,
            GroupKind::Users => self.check_accounts(cx, group).await?,
        };
        Ok(GroupCheck { node: self.node.0, group: group.0, kind: check::kind_name(Some(kind)), index, at, digest, findings })
    }

    async fn log_page(&self, _: Context, group: u32, from: u64, limit: usize) -> Answer<LogPage> {
        let kind = self.counts.kind(GroupId(group)).ok_or(Failure::NotFound("group"))?;
        let handle = self.groups.get(&GroupId(group)).ok_or(Failure::NotFound("group"))?.clone();
        let read = move || {
            let (first, applied) = (handle.first_index(), handle.applied());
            let entries = handle.entries(from, limit)?.into_iter().map(|entry| describe::entry(kind, entry));
            Ok::<_, boxoffice_raft::entries::EntriesError>(LogPage { first, applied, entries: entries.collect() })
        };
        let page = tokio::task::spawn_blocking(read).await.map_err(|_| Failure::Overloaded(AGAIN_MS))?;
        page.map_err(|error| {
            tracing::error!(group, error = &error as &dyn std::error::Error, "the log cannot be read");
            Failure::Overloaded(AGAIN_MS)
        })
    }
}

/// The time of a copy, its digest, and what was found.
type Found = (Timestamp, u128, Vec<Finding>);

impl Service {
    async fn check_catalog(&self, cx: Context) -> Answer<Found> {
        let catalog = self.catalog.read().clone();
        let (seats, counts) = (self.freeze_events(cx).await?, self.counts);
        elsewhere(move || {
            let of = |event: EventId| seats.get(&counts.of_event_slot(event.slot().number()));
            (catalog.at(), catalog.digest().0, vec![check::records(&catalog), check::provisioned(&catalog, of)])
        })
        .await
    }

    async fn check_seats(&self, cx: Context, group: GroupId) -> Answer<Found> {
        let seats = self.events.get(&group).ok_or(Failure::NotFound("group"))?.read().clone();
        let (accounts, counts) = (self.freeze_users(cx).await?, self.counts);
        elsewhere(move || {
            let of = |user: UserId| accounts.get(&counts.of_user_slot(user.slot().number()));
            let mut findings = check::of_seats(&seats);
            findings.push(check::delivered(&seats, of));
            (seats.at(), seats.digest().0, findings)
        })
        .await
    }

    async fn check_accounts(&self, cx: Context, group: GroupId) -> Answer<Found> {
        let accounts = self.accounts(group)?.read().clone();
        let (seats, counts) = (self.freeze_events(cx).await?, self.counts);
        elsewhere(move || {
            let of = |event: EventId| seats.get(&counts.of_event_slot(event.slot().number()));
            (accounts.at(), accounts.digest().0, vec![check::records(&accounts), check::shown(&accounts, of)])
        })
        .await
    }

    /// Copies of all seat ledgers, each no older than anything that was acknowledged before.
    async fn freeze_events(&self, cx: Context) -> Answer<BTreeMap<GroupId, SeatLedger>> {
        let mut frozen = BTreeMap::new();
        for (group, replica) in &self.events {
            self.barrier(Context { freshness: Freshness::Linearizable, ..cx }, *group).await?;
            frozen.insert(*group, replica.read().clone());
        }
        Ok(frozen)
    }

    /// The same of all accounts.
    async fn freeze_users(&self, cx: Context) -> Answer<BTreeMap<GroupId, AccountLedger>> {
        let mut frozen = BTreeMap::new();
        for (group, replica) in &self.users {
            self.barrier(Context { freshness: Freshness::Linearizable, ..cx }, *group).await?;
            frozen.insert(*group, replica.read().clone());
        }
        Ok(frozen)
    }
}

async fn elsewhere(look: impl FnOnce() -> Found + Send + 'static) -> Answer<Found> {
    tokio::task::spawn_blocking(look).await.map_err(|_| Failure::Overloaded(AGAIN_MS))
}
