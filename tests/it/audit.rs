//! Who did what stands in the log, in the trail of the group that it happened in, the same at every node; denied requests stand in a
//! trail of their own.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster};

/// The entries of a group's trail about an object, oldest first: who, what, from where, and more.
async fn entries(reader: &Client, group: u32, trail: &str, about: impl Fn(&Value) -> bool) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = reader.get(&format!("/admin/audit?group={group}&trail={trail}&limit=100{cursor}")).await.expect(200);
        found.extend(page["data"].as_array().expect("a list").iter().filter(|entry| about(entry)).cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn staff_cannot_act_on_a_sale_unseen() {
    let boss = cluster().someone(Role::Coordinator);
    let staff = Client::at(&cluster().url(2)).with_token(&boss.token);
    let more = json!({"refunds": {"who": "staff"}});
    let event = shop::put_on_sale(&staff, &Terms { more, ..Terms::free(6) }).await;
    let order = shop::id(&shop::buy(&buyer(1), &event, 0).await);
    for action in ["pause", "resume"] {
        let _ = staff.post(&format!("/event/{event}/{action}"), &json!({})).await.expect(200);
    }
    let block = json!({"seats": [4, 5], "action": "block", "reason": "camera"});
    let _ = staff.post(&format!("/event/{event}/block"), &block).await.expect(200);
    let _ = staff.post(&format!("/order/{order}/cancel"), &json!({"reason": "a mistake"})).await.expect(201);
    let _ = staff.post(&format!("/event/{event}/promo"), &json!({"code": "tenth", "percent_bps": 1000})).await.expect(201);
    let _ = staff.patch(&format!("/event/{event}/promo/TENTH"), &json!({"active": false})).await.expect(200);
    let aside = json!({"name": "Fans", "action": "add", "seats": [2, 3]});
    let _ = staff.post(&format!("/event/{event}/allocation"), &aside).await.expect(200);
    let fixed = json!({"level": 0, "policy": {"type": "fixed"}, "reason": "enough"});
    let policy = staff.request("PATCH", &format!("/event/{event}/price")).json(&fixed);
    let _ = staff.send(policy).await.expect("an answer").expect(200);
    // Refused: no entry.
    let _ = staff.post(&format!("/event/{event}/resume"), &json!({})).await.problem(409, "sale_move_refused");
    let _ = staff.post(&format!("/event/{event}/cancel"), &json!({})).await.expect(200);

    let about = |entry: &Value| entry["target"] == event.as_str() || entry["target"] == order.as_str();
    for node in 1..=3 {
        let reader = cluster().client(node, Role::Operator);
        let group = cluster().group_of_event(&event);
        let done = entries(&reader, group, "done", about).await;
        let seen: Vec<_> = done.iter().map(|entry| (entry["action"].as_str().expect("a name"), entry["detail"].as_str())).collect();
        let expected = [
            ("sale_moved", Some("pause")),
            ("sale_moved", Some("resume")),
            ("seats_blocked", Some("block 2 seats: camera")),
            ("order_refunded", Some("0 EUR for the order: a mistake")),
            ("promo_changed", Some("TENTH: made")),
            ("promo_changed", Some("TENTH: switched off")),
            ("seats_allocated", Some("Fans: set aside 2 seats and places")),
            ("price_policy_changed", Some("level 0: fixed: enough")),
            ("sale_moved", Some("cancel")),
        ];
        assert_eq!(seen, expected, "{done:?}");
        assert!(done.iter().all(|entry| entry["actor"] == boss.user.as_str() && entry["address"] == "127.0.0.1"), "{done:?}");
        let catalog = entries(&reader, 0, "done", about).await;
        let details: Vec<_> = catalog.iter().map(|entry| entry["detail"].as_str().expect("a text")).collect();
        assert_eq!(details, ["made: published, An Evening of Tests", "changed: cancelled, An Evening of Tests"]);
    }
}

#[tokio::test]
async fn denied_requests_are_in_a_trail_of_their_own() {
    let eve = cluster().someone(Role::Customer);
    let client = Client::at(&cluster().url(1)).with_token(&eve.token);
    let deny = async || drop(client.post("/event", &json!({"name": "Mine"})).await.problem(403, "forbidden"));
    for _ in 0..3 {
        deny().await;
    }
    let group = cluster().group_of_user(&eve.user);
    let reader = cluster().client(3, Role::Operator);
    let found = shop::eventually("the note", PATIENCE * 2, async || {
        // A node makes so many notes a minute: if others had all of them, it is this one's turn later.
        deny().await;
        let found = entries(&reader, group, "denied", |entry| entry["actor"] == eve.user.as_str()).await;
        (!found.is_empty()).then_some(found)
    })
    .await;
    assert_eq!(found.len(), 1, "many of a kind are one note: {found:?}");
    let note = (&found[0]["action"], &found[0]["target"], &found[0]["address"]);
    assert_eq!(note, (&json!("request_denied"), &json!("POST /event as Customer"), &json!("127.0.0.1")));
    assert!(entries(&reader, group, "done", |entry| entry["actor"] == eve.user.as_str()).await.is_empty());
}
