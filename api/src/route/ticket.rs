//! The caller's orders and tickets, and giving tickets to others.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use boxoffice_ledger::ids::{EventId, OrderId, TicketId};

use super::{Outcome, cacheable, linked};
use crate::backend::{Drawing, Freshness, TicketFilter, When};
use crate::call::Call;
use crate::check::{Check, email};
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, KeysOut, OrderOut, OrderRecordOut, TicketOut, TransferBody, TransferOut};

/// What a drawn ticket may do when it is opened by itself: nothing.
const DRAWING_POLICY: &str = "default-src 'none'; sandbox";

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
    let filter = filter(&call)?;
    let found = edge.backend.tickets(call.fresh(Freshness::Linearizable), call.user()?, filter, limit, cursor).await?;
    let page = &found.value.page;
    let data = page.items.iter().map(|ticket| TicketOut::new(ticket, expand.event)).collect();
    let list = json::list(data, page.next.clone()).complete(found.value.complete);
    let mut response = json::read(&found, &list);
    linked(&call, &mut response, list.next_cursor());
    Ok(response)
}

fn filter(call: &Call) -> Result<TicketFilter, HttpProblem> {
    let mut check = Check::default();
    let when = match call.asked("when") {
        None => None,
        Some("upcoming") => Some(When::Upcoming),
        Some("past") => Some(When::Past),
        Some(_) => {
            check.wrong("?when", "invalid", "upcoming or past");
            None
        }
    };
    let event = call.asked("event").and_then(|text| check.id::<EventId>("?event", text));
    check.done()?;
    Ok(TicketFilter { when, event })
}

/// `GET /user/ticket/{id}`, `GET /user/ticket/{id}.svg`, `GET /user/ticket/{id}.pdf`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let name = call.param("id");
    for (ending, drawing) in [(".svg", Drawing::Svg), (".pdf", Drawing::Pdf)] {
        if let Some(id) = name.strip_suffix(ending) {
            let ticket = id.parse().map_err(|_| HttpProblem::not_found("ticket"))?;
            return draw(&edge, &call, ticket, drawing).await;
        }
    }
    let ticket: TicketId = call.id("id", "ticket")?;
    let expand = call.expand()?;
    let found = edge.backend.ticket(call.fresh(Freshness::Linearizable), call.user()?, ticket).await?;
    Ok(json::read(&found, &TicketOut::new(&found.value, expand.event)))
}

async fn draw(edge: &Edge, call: &Call, ticket: TicketId, drawing: Drawing) -> Outcome {
    let found = edge.backend.draw_ticket(call.fresh(Freshness::Linearizable), call.user()?, ticket, drawing).await?;
    let (kind, ending) = match drawing {
        Drawing::Svg => ("image/svg+xml", "svg"),
        Drawing::Pdf => ("application/pdf", "pdf"),
    };
    let mut response = Response::new(Body::from(found.value.clone()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DRAWING_POLICY));
    // The name is made of the id alone: nothing that a person wrote gets into a header.
    if let Ok(value) = HeaderValue::try_from(format!("inline; filename=\"{ticket}.{ending}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    json::put_read(headers, found.revision, found.age_ms);
    Ok(response)
}

/// `POST /user/ticket/{id}/transfer`. The answer is the same whether or not the e-mail has an account.
pub async fn offer(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let ticket: TicketId = call.id("id", "ticket")?;
    let body: TransferBody = json::parse(&call.body)?;
    let to = email(&body.to).ok_or_else(|| HttpProblem::field("/to", "invalid", "an e-mail address of at most 254 bytes"))?;
    // One letter leads to everything that waits for its receiver: more in a row say nothing new.
    let letter = edge.limits.mail(&format!("offer {to}")).is_ok();
    let done = edge.backend.offer_ticket(call.context(), caller, request, ticket, to, letter).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &TransferOut::new(&done.value, done.revision));
    json::put_location(&mut response, &format!("/user/ticket/{ticket}"));
    Ok(response)
}

/// `DELETE /user/ticket/{id}/transfer`
pub async fn withdraw(edge: Arc<Edge>, call: Call) -> Outcome {
    let ticket: TicketId = call.id("id", "ticket")?;
    let done = edge.backend.withdraw_offer(call.context(), call.user()?, call.write()?, ticket).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    json::put_revision(response.headers_mut(), done.revision);
    Ok(response)
}

/// `GET /user/transfer`
pub async fn offers(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.offers(call.fresh(Freshness::Linearizable), call.user()?).await?;
    let data = found.value.page.items.iter().map(|ticket| TicketOut::new(ticket, false)).collect();
    Ok(json::read(&found, &json::list(data, None).complete(found.value.complete)))
}

/// `POST /user/transfer/{id}/accept`
pub async fn accept(edge: Arc<Edge>, call: Call) -> Outcome {
    let ticket: TicketId = call.id("id", "offer")?;
    let done = edge.backend.accept_offer(call.context(), call.user()?, call.write()?, ticket).await?;
    Ok(json::written(StatusCode::OK, &done, &TicketOut::new(&done.value, false)))
}

/// `GET /.well-known/ticket-keys.json`
pub async fn keys(edge: Arc<Edge>, _call: Call) -> Outcome {
    let mut response = json::answer(StatusCode::OK, &KeysOut::new(&edge.backend.ticket_keys()));
    cacheable(&mut response);
    Ok(response)
}
