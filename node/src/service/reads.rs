//! How far this node is, and how many events stand at once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Context, EventAvailability, Reach, Read, Reads, Revision, SeatMap};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::money::Money;

use super::Service;

#[async_trait]
impl Reads for Service {
    fn reach(&self, event: EventId) -> Reach {
        let ((catalog, one), (sale, other)) = (self.shown(CATALOG), self.shown(self.event_group(event)));
        Reach { catalog, sale, age_ms: one.max(other) }
    }

    async fn reached(&self, cx: Context, event: EventId) -> Answer<Reach> {
        let group = self.event_group(event);
        let ((catalog, one), (sale, other)) = futures::future::try_join(self.fresh(cx, CATALOG), self.fresh(cx, group)).await?;
        Ok(Reach { catalog, sale, age_ms: one.max(other) })
    }

    async fn seat_map_as_of(&self, cx: Context, event: EventId, revision: Revision) -> Answer<Read<SeatMap>> {
        self.read_past_map(cx, event, revision).await
    }

    async fn availability(&self, cx: Context, events: &[EventId]) -> Answer<Vec<EventAvailability>> {
        let mut by_group: BTreeMap<GroupId, Vec<EventId>> = BTreeMap::new();
        {
            let catalog = self.catalog.read();
            for &event in events {
                if catalog.event(event).is_some_and(|found| found.status != EventStatus::Draft) {
                    by_group.entry(self.event_group(event)).or_default().push(event);
                }
            }
        }
        let mut found = BTreeMap::new();
        for (group, events) in by_group {
            self.fresh(cx, group).await?;
            let Some(replica) = self.events.get(&group) else { continue };
            let ledger = replica.read();
            for id in events {
                let Some(sale) = ledger.event(id) else { continue };
                let (totals, currency) = (sale.totals(), sale.terms().currency);
                let from_price = sale.from_price().map(|amount| Money { amount, currency });
                let (available, capacity) = (totals.available, totals.total());
                found.insert(id, EventAvailability { event: id, state: sale.state(), available, capacity, from_price });
            }
        }
        Ok(events.iter().filter_map(|id| found.remove(id)).collect())
    }
}

impl Service {
    /// What this node shows of a group, and how old that may be.
    fn shown(&self, group: GroupId) -> (Revision, u64) {
        let Some(handle) = self.groups.get(&group) else {
            return (Revision { incarnation: 0, group: group.0, index: 0 }, u64::MAX);
        };
        (Revision { incarnation: handle.incarnation(), group: group.0, index: handle.applied() }, handle.age_ms())
    }
}
