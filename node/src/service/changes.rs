//! Following what happens: which groups, from where, and who may see what. The journal of this node has the changes; who owns an
//! event is read from the catalog.

use async_trait::async_trait;
use boxoffice_api::backend::{After, Answer, Caller, ChangeFeed, ChangeFilter, ChangePage, ChangeView, Context, Failure};
use boxoffice_api::changes::{event as event_of, kind, wants};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::codec::change::JournalRow;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{EventId, UserId};
use tokio::sync::watch;

use super::Service;
use super::events::{invalid, need};
use crate::journal::{Batch, Gone, WHOLE};

/// What is read of the journal at once, in bytes.
const READ_BYTES: usize = 256 * 1024;
/// How often one call reads on while nothing that it finds is wanted.
const READS_MAX: usize = 64;

/// Who follows, and what of it they want.
pub struct Scope<'a> {
    /// Only this account's events; `None` = everybody's, with whose things are.
    pub owner: Option<UserId>,
    /// Only this event.
    pub event: Option<EventId>,
    /// Only these types; none = all.
    pub types: &'a [String],
}

/// What was found in a stretch of a group's changes.
pub struct Stretch {
    /// What is wanted of it, in order.
    pub items: Vec<ChangeView>,
    /// Where it ends: everything before was looked at.
    pub next: ChangeId,
    /// Whether there is nothing after it.
    pub is_end: bool,
}

#[async_trait]
impl ChangeFeed for Service {
    async fn changes(&self, cx: Context, caller: Caller, filter: &ChangeFilter, after: &After, limit: usize) -> Answer<ChangePage> {
        need(caller, Role::Coordinator)?;
        if let Some(event) = filter.event {
            self.own_event(cx, caller, event).await?;
        }
        let start = self.begin(filter, after)?;
        let owner = (caller.role < Role::Operator).then_some(caller.user);
        let scope = Scope { owner, event: filter.event, types: &filter.types };
        let mut page = ChangePage { start: start.clone(), is_end: true, ..ChangePage::default() };
        let mut gone = false;
        for place in start {
            if page.items.len() >= limit {
                page.next.push(place);
                page.is_end = false;
                continue;
            }
            match self.stretch(cx, place, &scope, limit - page.items.len()).await? {
                Ok(stretch) => {
                    page.items.extend(stretch.items);
                    page.next.push(stretch.next);
                    page.is_end &= stretch.is_end;
                }
                Err(_) => gone = true,
            }
        }
        if gone { Err(self.changes_gone(page.start.iter().map(|place| GroupId(place.group)))) } else { Ok(page) }
    }

    fn change_news(&self) -> watch::Receiver<u64> {
        self.feed.journal().news()
    }
}

impl Service {
    /// Groups in which something happens that can be followed.
    pub fn followed(&self) -> impl Iterator<Item = GroupId> + '_ {
        std::iter::once(CATALOG).chain(self.counts.event_groups())
    }

    /// The place after everything that has happened in a group so far.
    pub fn newest_change(&self, group: GroupId) -> ChangeId {
        self.feed.journal().newest(group, self.applied(group))
    }

    /// From where this node can go on, by group.
    pub fn changes_gone(&self, groups: impl Iterator<Item = GroupId>) -> Failure {
        Failure::ChangesGone(groups.map(|group| self.oldest_change(group)).collect())
    }

    fn oldest_change(&self, group: GroupId) -> ChangeId {
        self.feed.journal().oldest(group).unwrap_or_else(|| self.newest_change(group))
    }

    fn applied(&self, group: GroupId) -> u64 {
        self.groups.get(&group).map_or(0, |handle| handle.applied())
    }

    /// Where each group that is asked for is read from.
    fn begin(&self, filter: &ChangeFilter, after: &After) -> Answer<Vec<ChangeId>> {
        let wanted = |group: &GroupId| {
            filter.group.is_none_or(|only| only == group.0)
                && filter.event.is_none_or(|event| *group == CATALOG || *group == self.event_group(event))
        };
        let groups: Vec<GroupId> = self.followed().filter(wanted).collect();
        if filter.group.is_some_and(|only| !self.followed().any(|group| group.0 == only)) {
            return Err(Failure::NotFound("group"));
        }
        let places: &[ChangeId] = if let After::Places(places) = after { places } else { &[] };
        if places.iter().any(|place| !self.followed().any(|group| group.0 == place.group)) {
            return Err(invalid("?after", "invalid", "there are no changes of that group"));
        }
        let begin = |group: GroupId| match places.iter().find(|place| place.group == group.0) {
            Some(place) => *place,
            None if *after == After::Newest => self.newest_change(group),
            None => self.oldest_change(group),
        };
        Ok(groups.into_iter().map(begin).collect())
    }

    /// Reads a group's changes after a place, until there are `limit` that are wanted, or no more.
    pub async fn stretch(&self, cx: Context, after: ChangeId, scope: &Scope<'_>, limit: usize) -> Answer<Result<Stretch, Gone>> {
        let mut stretch = Stretch { items: Vec::new(), next: after, is_end: false };
        for _ in 0..READS_MAX {
            let (place, applied, feed) = (stretch.next, self.applied(GroupId(after.group)), self.feed.clone());
            let read = tokio::task::spawn_blocking(move || feed.journal().read(place, applied, READ_BYTES)).await;
            let Batch { rows, is_end } = match read {
                Ok(Ok(batch)) => batch,
                // What was found so far is good; the next call says what is missing.
                Ok(Err(_)) if !stretch.items.is_empty() => return Ok(Ok(stretch)),
                Ok(Err(gone)) => return Ok(Err(gone)),
                Err(_) => return Err(Failure::Overloaded(1_000)),
            };
            for row in rows {
                let number = self.pick(cx, &row, scope, limit, after.group, &mut stretch.items).await?;
                stretch.next = ChangeId { group: after.group, index: row.index, number };
                if stretch.items.len() >= limit {
                    return Ok(Ok(stretch));
                }
            }
            if is_end {
                return Ok(Ok(Stretch { is_end: true, ..stretch }));
            }
        }
        Ok(Ok(stretch))
    }

    /// Picks what is wanted of a row; answers the number of the last change that was looked at.
    async fn pick(
        &self,
        cx: Context,
        row: &JournalRow,
        scope: &Scope<'_>,
        limit: usize,
        group: u32,
        items: &mut Vec<ChangeView>,
    ) -> Answer<u32> {
        for (number, change) in &row.changes {
            if items.len() >= limit {
                return Ok(number.saturating_sub(1));
            }
            let (Some(event), Some(kind)) = (event_of(change), kind(change)) else { continue };
            let is_asked = scope.event.is_none_or(|only| only == event) && wants(scope.types, kind);
            if !is_asked || !self.is_owned(cx, scope, event).await? {
                continue;
            }
            let id = ChangeId { group, index: row.index, number: *number };
            items.push(ChangeView { id, at: row.at, change: change.clone(), with_user: scope.owner.is_none() });
        }
        Ok(WHOLE)
    }

    /// Whether an event is one of those that may be seen. One that this node's catalog does not have yet is looked for.
    async fn is_owned(&self, cx: Context, scope: &Scope<'_>, event: EventId) -> Answer<bool> {
        let Some(owner) = scope.owner else { return Ok(true) };
        let look = || self.catalog.read().event(event).map(|event| event.owner);
        if let Some(known) = look() {
            return Ok(known == owner);
        }
        let found = self.find(cx, CATALOG, look).await?;
        Ok(found.is_some_and(|(known, ..)| known == owner))
    }
}
