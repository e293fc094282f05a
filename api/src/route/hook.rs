//! Webhooks of customers: where their own programs are told of changes. (What the payment provider calls is in `webhook`.)

use std::sync::Arc;

use axum::http::StatusCode;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::ids::{EventId, WebhookId};
use boxoffice_ledger::webhooks::{TYPES_MAX, URL_BYTES_MAX};

use super::Outcome;
use crate::backend::{Freshness, Replay, WebhookInput, WebhookPatch};
use crate::call::Call;
use crate::changes::KINDS;
use crate::check::Check;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::json::{self, DeliveryOut, ReplayBody, ReplayedOut, WebhookBody, WebhookOut, WebhookPatchBody};

/// `POST /webhook`
pub async fn create(edge: Arc<Edge>, call: Call) -> Outcome {
    let body: WebhookBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let url = url(&mut check, &body.url);
    let types = types(&mut check, body.types.unwrap_or_default());
    let event = body.event.as_deref().and_then(|text| {
        let event = text.parse::<EventId>().ok();
        if event.is_none() {
            check.wrong("/event", "invalid", "an event's id");
        }
        event
    });
    check.done()?;
    let new = WebhookInput { url, types, event };
    let done = edge.backend.create_webhook(call.context(), call.user()?, call.write()?, new).await?;
    let mut response = json::written(StatusCode::CREATED, &done, &WebhookOut::new(&done.value));
    json::put_location(&mut response, &format!("/webhook/{}", done.value.webhook.id));
    Ok(response)
}

fn url(check: &mut Check, text: &str) -> String {
    check.line("/url", text, URL_BYTES_MAX)
}

fn types(check: &mut Check, names: Vec<String>) -> Vec<String> {
    if names.len() > TYPES_MAX {
        check.wrong("/types", "out_of_range", format!("at most {TYPES_MAX}; none = all"));
    }
    for (place, name) in names.iter().enumerate() {
        if !KINDS.contains(&name.as_str()) {
            check.wrong(format!("/types/{place}"), "invalid", "a type of changes, such as order.confirmed");
        }
    }
    names
}

/// `GET /webhook`
pub async fn list(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.webhooks(call.fresh(Freshness::Linearizable), call.user()?).await?;
    Ok(json::read(&found, &json::list(found.value.iter().map(WebhookOut::new).collect(), None)))
}

/// `GET /webhook/{id}`
pub async fn show(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.webhook(call.fresh(Freshness::Linearizable), call.user()?, id(&call)?).await?;
    Ok(json::read(&found, &WebhookOut::new(&found.value)))
}

/// `PATCH /webhook/{id}`
pub async fn change(edge: Arc<Edge>, call: Call) -> Outcome {
    let id = id(&call)?;
    let body: WebhookPatchBody = json::parse(&call.body)?;
    let mut check = Check::default();
    let url = body.url.as_deref().map(|text| url(&mut check, text));
    let types = body.types.map(|names| types(&mut check, names));
    check.done()?;
    let patch = WebhookPatch { url, types, active: body.active };
    let done = edge.backend.change_webhook(call.context(), call.user()?, call.write()?, id, patch).await?;
    Ok(json::written(StatusCode::OK, &done, &WebhookOut::new(&done.value)))
}

/// `DELETE /webhook/{id}`
pub async fn delete(edge: Arc<Edge>, call: Call) -> Outcome {
    let done = edge.backend.delete_webhook(call.context(), call.user()?, call.write()?, id(&call)?).await?;
    Ok(json::done(&done))
}

/// `POST /webhook/{id}/rotate`
pub async fn rotate(edge: Arc<Edge>, call: Call) -> Outcome {
    let done = edge.backend.rotate_webhook(call.context(), call.user()?, call.write()?, id(&call)?).await?;
    Ok(json::written(StatusCode::OK, &done, &WebhookOut::new(&done.value)))
}

/// `POST /webhook/{id}/test`
pub async fn test(edge: Arc<Edge>, call: Call) -> Outcome {
    let sent = edge.backend.test_webhook(call.context(), call.user()?, id(&call)?).await?;
    Ok(json::answer(StatusCode::OK, &ReplayedOut::new(&sent)))
}

/// `POST /webhook/{id}/replay`
pub async fn replay(edge: Arc<Edge>, call: Call) -> Outcome {
    let id = id(&call)?;
    let body: ReplayBody = json::parse(&call.body)?;
    let place = |pointer: &'static str, text: &str| {
        ChangeId::parse(text).ok_or_else(|| HttpProblem::field(pointer, "invalid", "the id of a change"))
    };
    let replay = match (&body.after, &body.change) {
        (Some(after), None) => Replay::After(place("/after", after)?),
        (None, Some(change)) => Replay::One(place("/change", change)?),
        _ => return Err(HttpProblem::field("/after", "invalid", "either after or change")),
    };
    let done = edge.backend.replay_webhook(call.context(), call.user()?, call.write()?, id, replay).await?;
    Ok(json::answer(StatusCode::OK, &ReplayedOut::new(&done)))
}

/// `GET /webhook/{id}/delivery`
pub async fn deliveries(edge: Arc<Edge>, call: Call) -> Outcome {
    let found = edge.backend.deliveries(call.fresh(Freshness::Linearizable), call.user()?, id(&call)?).await?;
    Ok(json::read(&found, &json::list(found.value.iter().map(DeliveryOut::new).collect(), None)))
}

fn id(call: &Call) -> Result<WebhookId, HttpProblem> {
    call.id("id", "webhook")
}
