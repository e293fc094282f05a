//! The audit trails: each group has one of what was done, and each group of users one of what was denied.

use boxoffice_api::backend::{Answer, AuditPage, Caller, Context, Failure, Read, Trail};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::audit::{self, Audit};
use boxoffice_ledger::command::AccountCommand;

use crate::service::Service;

impl Service {
    /// A part of a trail of a group.
    pub(super) async fn read_audit(
        &self,
        cx: Context,
        group: Option<u32>,
        trail: Trail,
        after: Option<u64>,
        limit: usize,
    ) -> Answer<Read<AuditPage>> {
        let group = group.map_or_else(|| self.home(), GroupId);
        let (revision, age_ms) = self.fresh(cx, group).await.map_err(|failure| match self.groups.contains_key(&group) {
            true => failure,
            false => Failure::NotFound("group"),
        })?;
        let cut = |trail: &Audit| self.cut(group, trail, after, limit);
        let value = if let Some(users) = self.users.get(&group) {
            let ledger = users.read();
            cut(if trail == Trail::Denied { ledger.denied() } else { ledger.audit() })
        } else if trail == Trail::Denied {
            cut(&Audit::default())
        } else if let Some(seats) = self.events.get(&group) {
            cut(seats.read().audit())
        } else {
            cut(self.catalog.read().audit())
        };
        Ok(Read { value, revision, age_ms })
    }

    fn cut(&self, group: GroupId, trail: &Audit, after: Option<u64>, limit: usize) -> AuditPage {
        let (first, next) = trail.range();
        let entries: Vec<_> = audit::page(trail, after, limit).into_iter().cloned().collect();
        let more = entries.last().is_some_and(|entry| entry.number + 1 < next);
        let all = [CATALOG].into_iter().chain(self.events.keys().copied()).chain(self.users.keys().copied());
        AuditPage { group: group.0, groups: all.map(|group| group.0).collect(), first, root: trail.root(), entries, more }
    }

    /// Notes a denied request in the group of who asked.
    pub(super) async fn keep_denied(&self, cx: Context, caller: Caller, what: String, times: u32) {
        let address = cx.from.map(|address| address.to_string()).unwrap_or_default();
        let what = format!("{what} as {:?}", caller.role);
        let command = AccountCommand::Denied { actor: caller.user, address, what, times };
        if self.write::<AccountLedger>(cx, self.user_group(caller.user), &command).await.is_err() {
            tracing::warn!(user = %caller.user, times, "a denied request could not be noted in the audit trail");
        }
    }
}
