//! Carts: made of holds, paid in every way, thrown away; bodies that are wrong.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{HoldId, Slot};
use serde_json::{Value, json};

use super::fake::event_id;
use super::harness::{Edge, Reply};

async fn hold(edge: &Edge, seat: u32) -> Value {
    let held = edge.user("POST", &format!("/event/{}/hold", event_id()), &json!({"seats": [seat]}).to_string()).await;
    json!({"event": event_id().to_string(), "hold": held.json["id"]})
}

/// A cart of two holds; its path.
async fn cart(edge: &Edge) -> (String, Reply) {
    let items = [hold(edge, 1).await, hold(edge, 2).await];
    let made = edge.user("POST", "/cart", &json!({"items": items}).to_string()).await;
    (made.header("location").to_owned(), made)
}

async fn pay(edge: &Edge, path: &str, method: &str) -> Reply {
    edge.user("POST", &format!("{path}/pay"), &json!({"payment_method": method}).to_string()).await
}

#[tokio::test]
async fn holds_are_paid_together() {
    let edge = Edge::new();
    let (path, made) = cart(&edge).await;
    assert_eq!((made.status.as_u16(), &made.json["object"], &made.json["state"]), (201, &json!("cart"), &json!("open")));
    assert_eq!(made.json["items"].as_array().unwrap().len(), 2);
    assert!(made.json.get("payment").is_none() && made.json["items"][0].get("order").is_none(), "{}", made.text);
    let seen = edge.user("GET", &path, "").await;
    assert_eq!((seen.status.as_u16(), &seen.json["id"], &seen.json["total"]), (200, &made.json["id"], &made.json["total"]));
    let paid = pay(&edge, &path, "pm").await;
    assert_eq!((paid.status.as_u16(), &paid.json["state"], &paid.json["payment"]), (200, &json!("confirmed"), &json!("authorized")));
    assert_eq!((&paid.json["items"][1]["state"], paid.json["items"][1]["order"].is_string()), (&json!("sold"), true));
    let all = edge.user("GET", "/user/cart", "").await;
    assert_eq!((all.json["data"].as_array().unwrap().len(), &all.json["has_more"]), (1, &json!(false)));
}

#[tokio::test]
async fn what_else_a_payment_can_come_to() {
    let edge = Edge::new();
    let (path, _) = cart(&edge).await;
    let declined = pay(&edge, &path, "declined").await;
    assert_eq!((declined.status.as_u16(), declined.code()), (402, "payment_declined"));
    assert_eq!((&declined.json["decline_code"], &declined.json["cart"]["state"]), (&json!("card_declined"), &json!("open")));
    let refused = pay(&edge, &path, "expired").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "cart_refused"));
    let item = &refused.json["cart"]["items"][0];
    assert_eq!((&item["state"], &item["code"]), (&json!("refused"), &json!("hold_expired")));
    let waits = pay(&edge, &path, "slow").await;
    assert_eq!((waits.status.as_u16(), &waits.json["state"], &waits.json["payment"]), (202, &json!("paying"), &json!("requires_action")));
    assert_eq!(waits.json["next_action"], json!({"url": "https://bank.example/1"}));
    assert_eq!(edge.user("DELETE", &path, "").await.status, 202, "it is still to be cancelled");
}

#[tokio::test]
async fn a_cart_is_thrown_away_by_its_owner_only() {
    let edge = Edge::new();
    let (path, _) = cart(&edge).await;
    let stranger = format!("authorization: Bearer {}", edge.token(Role::Customer, 2));
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/pay")] {
        let reply = edge.send(method, &format!("{path}{rest}"), &[&stranger, "idempotency-key: k"], "").await;
        assert_eq!((reply.status.as_u16(), reply.code()), (404, "not_found"), "{method} {rest}");
    }
    assert_eq!(edge.user("DELETE", &path, "").await.status, 204);
    assert_eq!(edge.user("GET", &path, "").await.json["state"], "released");
}

#[tokio::test]
async fn wrong_carts_are_told_apart() {
    let edge = Edge::new();
    let item = hold(&edge, 1).await;
    let writes = edge.fake.writes().len();
    let foreign = HoldId::new(1, Slot::new(8), 1).to_string();
    for (body, pointer, code) in [
        (json!({"items": []}), "/items", "empty"),
        (json!({"items": vec![item.clone(); 11]}), "/items", "too_many"),
        (json!({"items": [item, item]}), "/items/1/hold", "duplicate"),
        (json!({"items": [{"event": "x", "hold": item["hold"]}]}), "/items/0/event", "invalid_id"),
        (json!({"items": [{"event": item["event"], "hold": "x"}]}), "/items/0/hold", "invalid_id"),
        (json!({"items": [{"event": item["event"], "hold": foreign}]}), "/items/0/hold", "wrong_event"),
        (json!({"items": [{"event": item["event"]}]}), "/items/0/hold", "missing"),
        (json!({"items": 1}), "/items", "wrong_type"),
        (json!({"items": [], "total": 1}), "/total", "unknown_field"),
    ] {
        let reply = edge.user("POST", "/cart", &body.to_string()).await;
        let error = &reply.json["errors"][0];
        assert_eq!((reply.status.as_u16(), &error["pointer"], &error["code"]), (422, &json!(pointer), &json!(code)), "{body}");
    }
    assert_eq!(edge.user("GET", "/cart/crt_x", "").await.status, 404);
    assert_eq!(edge.fake.writes().len(), writes, "{:?}", edge.fake.writes());
}
