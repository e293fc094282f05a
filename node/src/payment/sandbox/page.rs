//! The page on which a buyer accepts or declines a payment, in place of a bank's.

use super::call::{Call, Reply};
use super::desk::Desk;
use super::form::Form;
use super::record::{Intent, Status};

/// Shows the page, or takes the buyer's word and sends the buyer back to the shop.
pub async fn answer(desk: &Desk, call: &Call, id: &str) -> Reply {
    let Some(intent) = desk.intent(id) else { return html(404, "<p>There is no such payment.</p>") };
    match call.method.as_str() {
        "GET" => show(&intent),
        "POST" => match Form::parse(&call.body).get("decision") {
            Some(decision @ ("accept" | "decline")) => match desk.act(id, decision == "accept").await {
                Ok(intent) => back(&intent),
                Err(_) => html(409, "<p>This payment waits for nobody.</p>"),
            },
            _ => html(400, "<p>Send decision=accept or decision=decline.</p>"),
        },
        _ => html(405, "<p>This page knows GET and POST.</p>"),
    }
}

fn show(intent: &Intent) -> Reply {
    if intent.status != Status::RequiresAction {
        return html(200, &format!("<p>Nothing is to be done: the payment is {}.</p>", intent.status.name()));
    }
    let (major, minor, currency) = (intent.amount / 100, intent.amount % 100, intent.currency.to_ascii_uppercase());
    html(
        200,
        &format!(
            "<p>Sandbox bank: do you accept the payment of <strong>{major}.{minor:02} {currency}</strong>? No money moves.</p>\
             <form method=\"post\"><button name=\"decision\" value=\"accept\">Accept</button> \
             <button name=\"decision\" value=\"decline\">Decline</button></form>"
        ),
    )
}

/// Back to the shop, with what Stripe adds to its address.
fn back(intent: &Intent) -> Reply {
    let result = if intent.status == Status::RequiresPaymentMethod { "failed" } else { "succeeded" };
    let Some(url) = intent.return_url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://")) else {
        return html(200, &format!("<p>Done: {result}.</p>"));
    };
    let joint = if url.contains('?') { '&' } else { '?' };
    let target = format!("{url}{joint}payment_intent={}&redirect_status={result}", intent.id);
    Reply { header: Some(("location", target)), ..html(303, "<p>Back to the shop.</p>") }
}

fn html(status: u16, body: &str) -> Reply {
    let page = format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sandbox bank</title><body>{body}</body></html>");
    Reply { status, kind: "text/html; charset=utf-8", header: None, body: page.into() }
}
