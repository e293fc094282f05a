//! The caller's orders and tickets.

use std::sync::Arc;

use boxoffice_ledger::ids::{OrderId, TicketId};

use super::{Outcome, linked};
use crate::backend::Freshness;
use crate::call::Call;
use crate::edge::Edge;
use crate::json::{self, OrderOut, OrderRecordOut, TicketOut};

/// `GET /order/{id}`
pub async fn order(edge: Arc<Edge>, call: Call) -> Outcome {
    let order: OrderId = call.id("id", "order")?;
    let found = edge.backend.order(call.fresh(Freshness::Linearizable), call.user()?, order).await?;
    Ok(json::read(&found, &OrderOut::new(&found.value)))
}

/// `GET /user/order`
pub async fn orders(edge: Arc<Edge>, call: Call) -> Outcome {
    let (limit, cursor) = call.page()?;
    let found = edge.backend.orders(call.fresh(Freshness::Linearizable), call.user()?, limit, cursor).await?;
    let list = json::list(found.value.items.iter().map(OrderRecordOut::new).collect(), found.value.next.clone());
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}

/// `GET /user/ticket`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let (limit, cursor) = call.page()?;
    let expand = call.expand()?;
    let found = edge.backend.tickets(call.fresh(Freshness::Linearizable), call.user()?, limit, cursor).await?;
    let page = &found.value.page;
    let data = page.items.iter().map(|ticket| TicketOut::new(ticket, expand.event)).collect();
    let list = json::list(data, page.next.clone()).complete(found.value.complete);
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}

/// `GET /user/ticket/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let ticket: TicketId = call.id("id", "ticket")?;
    let expand = call.expand()?;
    let found = edge.backend.ticket(call.fresh(Freshness::Linearizable), call.user()?, ticket).await?;
    Ok(json::read(&found, &TicketOut::new(&found.value, expand.event)))
}
