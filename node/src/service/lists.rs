//! Lists of events.

use boxoffice_api::backend::{Answer, Context, EventFilter, EventView, Page, Read};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;

use super::Service;
use super::events::bad_cursor;
use crate::popular::Rank;

impl Service {
    /// Published events that fit, in the order that the filter asks for. The cursor is the last one's rank: what comes in between
    /// moves nothing, and what changes its own rank meanwhile may be met twice or not at all.
    pub async fn listed_events(
        &self,
        cx: Context,
        filter: &EventFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<EventView>>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let after = cursor.map(parse_rank).transpose()?;
        self.popular.follow(&self.catalog, || self.feed.take_unranked());
        let mut ranks = self.popular.page(filter, after, limit, |id| !filter.on_sale || self.can_be_held(id));
        let more = ranks.len() > limit;
        ranks.truncate(limit);
        let next = if more { ranks.last().map(|(first, second, name, id)| format!("{first}.{second}.{id}.{name}")) } else { None };
        // One that was cancelled a moment ago is left out.
        let views = ranks.iter().filter_map(|rank| self.event_view(rank.3));
        let items = views.filter(|view| view.event.status == EventStatus::Published).collect();
        Ok(Read { value: Page { items, next }, revision, age_ms })
    }

    /// Whether places of an event can be held now.
    fn can_be_held(&self, id: EventId) -> bool {
        let now = self.groups.get(&self.event_group(id)).map_or(0, boxoffice_raft::group::Group::now_us);
        let Ok(replica) = self.seats(id) else { return false };
        let ledger = replica.read();
        let open = |sale: &boxoffice_ledger::seats::EventSale| {
            let begun = sale.terms().opens_at.is_none_or(|opens| opens.0 <= now);
            begun && sale.state() == SaleState::OnSale && sale.totals().available > 0
        };
        ledger.event(id).is_some_and(open)
    }
}

fn parse_rank(text: &str) -> Answer<Rank> {
    let mut parts = text.splitn(4, '.');
    let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
    let (first, second) = (number(), number());
    let id = parts.next().and_then(|id| EventId::parse(id).ok());
    match (first, second, id) {
        (Some(first), Some(second), Some(id)) => Ok((first, second, parts.next().unwrap_or_default().to_owned(), id)),
        _ => Err(bad_cursor()),
    }
}
