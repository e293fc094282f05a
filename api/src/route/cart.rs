//! Carts: holds of several events, paid together.

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::carts::{CART_ITEMS_MAX, CartState};
use boxoffice_ledger::ids::{CartId, EventId, HoldId};

use super::Outcome;
use super::hold::METHOD_BYTES_MAX;
use crate::backend::Freshness;
use crate::call::Call;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, CartBody, CartOut, PayBody};

/// `POST /cart`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let (caller, request) = (call.user()?, call.write()?);
    let items = holds(&json::parse(&call.body)?)?;
    let done = edge.backend.open_cart(call.context(), caller, request, items).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &CartOut::new(&done.value).at(done.revision));
    json::put_location(&mut response, &format!("/cart/{}", done.value.id));
    Ok(response)
}

/// `GET /cart/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let cart: CartId = call.id("id", "cart")?;
    let read = edge.backend.cart(call.fresh(Freshness::Linearizable), call.user()?, cart).await?;
    Ok(json::read(&read, &CartOut::new(&read.value)))
}

/// `GET /user/cart`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let read = edge.backend.carts(call.fresh(Freshness::Linearizable), call.user()?).await?;
    let data: Vec<CartOut<'_>> = read.value.iter().map(CartOut::new).collect();
    Ok(json::read(&read, &json::list(data, None)))
}

/// `POST /cart/{id}/pay`
pub async fn pay(edge: Arc<Edge>, call: Call) -> Outcome {
    let cart: CartId = call.id("id", "cart")?;
    let method = json::parse::<PayBody>(&call.body)?.payment_method.unwrap_or_default();
    let mut check = Check::default();
    check.optional_line("/payment_method", &method, METHOD_BYTES_MAX);
    check.done()?;
    let done = edge.backend.pay_cart(call.context(), call.user()?, call.write()?, cart, method).await?;
    let status = if done.value.is_paid() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = json::written(status, &done, &CartOut::new(&done.value).at(done.revision));
    json::put_location(&mut response, &format!("/cart/{cart}"));
    Ok(response)
}

/// `DELETE /cart/{id}`: 202 while a payment of it is still to be cancelled at the provider.
pub async fn release(edge: Arc<Edge>, call: Call) -> Outcome {
    let cart: CartId = call.id("id", "cart")?;
    let done = edge.backend.release_cart(call.context(), call.user()?, call.write()?, cart).await?;
    if done.value.state == CartState::Released {
        return Ok(json::done(&done));
    }
    Ok(json::written(StatusCode::ACCEPTED, &done, &CartOut::new(&done.value).at(done.revision)))
}

/// The holds that a body names, each once.
fn holds(body: &CartBody) -> Result<Vec<(EventId, HoldId)>, HttpProblem> {
    let mut check = Check::default();
    if body.items.is_empty() {
        check.wrong("/items", "empty", "name at least one hold");
    }
    if body.items.len() > CART_ITEMS_MAX {
        check.wrong("/items", "too_many", format!("at most {CART_ITEMS_MAX} holds in one cart"));
    }
    let mut found: Vec<(EventId, HoldId)> = Vec::new();
    for (at, item) in body.items.iter().take(CART_ITEMS_MAX).enumerate() {
        let event = check.id::<EventId>(&format!("/items/{at}/event"), &item.event);
        let hold = check.id::<HoldId>(&format!("/items/{at}/hold"), &item.hold);
        let (Some(event), Some(hold)) = (event, hold) else { continue };
        if hold.slot() != event.slot() {
            check.wrong(format!("/items/{at}/hold"), "wrong_event", "this is not a hold of this event");
        } else if found.iter().any(|known| known.1 == hold) {
            check.wrong(format!("/items/{at}/hold"), "duplicate", "the same hold twice");
        }
        found.push((event, hold));
    }
    check.done()?;
    Ok(found)
}
