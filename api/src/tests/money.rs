//! Refunds, sales with refunds under way, payments that wait for the buyer, and messages of the payment provider.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{OrderId, Slot, TicketId};
use serde_json::json;

use super::fake::event_id;
use super::harness::Edge;

fn order() -> OrderId {
    OrderId::for_tickets(1_790_000_000_000, Slot::new(9), 1 << 20)
}

#[tokio::test]
async fn an_order_and_a_ticket_can_be_given_back() {
    let edge = Edge::new();
    let ticket = TicketId::of_order(order(), 1);
    let path = format!("/order/{}/refund", order());
    let whole = edge.user("POST", &path, "").await;
    assert_eq!((whole.status.as_u16(), &whole.json["object"], &whole.json["state"]), (201, &json!("refund"), &json!("requested")));
    let part = edge.user("POST", &path, &json!({"tickets": [ticket.to_string()], "reason": "ill"}).to_string()).await;
    assert_eq!((&part.json["tickets"], &part.json["reason"]), (&json!([ticket.to_string()]), &json!("ill")));
    let one = edge.user("POST", &format!("/user/ticket/{ticket}/refund"), "{}").await;
    assert_eq!((one.status.as_u16(), &one.json["tickets"]), (201, &json!([ticket.to_string()])));
    let free = edge.as_role(Role::Coordinator, "POST", &path, r#"{"amount":300}"#).await;
    assert_eq!(free.json["amount"]["amount"], 300);
    let all = edge.as_role(Role::Coordinator, "POST", &format!("/order/{}/cancel", order()), r#"{"reason":"storm"}"#).await;
    assert_eq!((all.status.as_u16(), &all.json["reason"]), (201, &json!("storm")));
}

#[tokio::test]
async fn wrong_refunds_are_told_apart() {
    let edge = Edge::new();
    let path = format!("/order/{}/refund", order());
    let foreign = TicketId::of_order(OrderId::for_tickets(1, Slot::new(9), 2 << 20), 0).to_string();
    let own = TicketId::of_order(order(), 0).to_string();
    let many = vec![own.clone(); 51];
    for (body, pointer, code) in [
        (json!({"tickets": [foreign]}), "/tickets/0", "wrong_order"),
        (json!({"tickets": [own, own]}), "/tickets/1", "duplicate"),
        (json!({"tickets": ["x"]}), "/tickets/0", "invalid_id"),
        (json!({"tickets": many}), "/tickets", "too_many"),
        (json!({"amount": 0}), "/amount", "out_of_range"),
        (json!({"amount": -1}), "/amount", "wrong_type"),
        (json!({"price": 1}), "/price", "unknown_field"),
    ] {
        let reply = edge.user("POST", &path, &body.to_string()).await;
        let error = &reply.json["errors"][0];
        assert_eq!((reply.status.as_u16(), &error["pointer"], &error["code"]), (422, &json!(pointer), &json!(code)), "{body}");
    }
    assert_eq!(edge.user("POST", "/order/ord_x/refund", "").await.status, 404);
    assert!(edge.fake.writes().is_empty(), "{:?}", edge.fake.writes());
}

#[tokio::test]
async fn a_payment_that_waits_says_where_to_go() {
    let edge = Edge::new();
    let held = edge.user("POST", &format!("/event/{}/hold", event_id()), r#"{"seats":[1]}"#).await;
    let pay = format!("/event/{}/hold/{}/pay", event_id(), held.json["id"].as_str().unwrap());
    let reply = edge.user("POST", &pay, r#"{"payment_method":"slow"}"#).await;
    assert_eq!((reply.status.as_u16(), &reply.json["payment"]), (202, &json!("requires_action")));
    assert_eq!(reply.json["next_action"], json!({"url": "https://bank.example/1"}));
}

#[tokio::test]
async fn a_coordinator_sees_how_far_refunds_have_come() {
    let edge = Edge::new();
    let sale = edge.as_role(Role::Coordinator, "GET", &format!("/event/{}/sale", event_id()), "").await;
    assert_eq!((&sale.json["state"], &sale.json["refunds"]["pending"]), (&json!("cancelled"), &json!(1)));
}

#[tokio::test]
async fn a_message_of_the_provider_needs_its_signature() {
    let edge = Edge::new();
    let path = "/payment/webhook";
    let body = r#"{"id":"evt_1"}"#;
    assert_eq!(edge.send("POST", path, &["stripe-signature: t=1,v1=00"], body).await.status, 204);
    assert_eq!(edge.fake.writes(), ["payment_event t=1,v1=00 14"]);
    let forged = edge.send("POST", path, &["stripe-signature: forged"], body).await;
    assert_eq!((forged.status.as_u16(), forged.code()), (401, "bad_signature"));
    assert_eq!(edge.send("POST", path, &[], body).await.status, 400);
}
