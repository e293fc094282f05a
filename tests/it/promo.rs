//! Promo codes and allocations: what a coordinator makes, what a buyer pays, what goes back, and that caps hold under a rush.

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE, Reply};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster, coordinator};

async fn hold_with(buyer: &Client, event: &str, seats: &[u32], code: &str) -> Reply {
    buyer.post(&format!("/event/{event}/hold"), &json!({"seats": seats, "promo": code})).await
}

async fn make(staff: &Client, event: &str, body: Value) -> Value {
    staff.post(&format!("/event/{event}/promo"), &body).await.expect(201)
}

async fn code(staff: &Client, event: &str, code: &str) -> Value {
    staff.get(&format!("/event/{event}/promo/{code}")).await.expect(200)
}

#[tokio::test]
async fn a_code_takes_off_what_it_says_and_refunds_give_back_what_was_paid() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms { more: json!({"refunds": {"who": "buyer"}}), ..Terms::free(6).priced(1001) }).await;
    make(&staff, &event, json!({"code": "tenth", "percent_bps": 1000, "budget": {"amount": 1000, "currency": "EUR"}})).await;
    let somebody = buyer(2);
    let held = hold_with(&somebody, &event, &[0, 1, 2], " Tenth ").await.expect(201);
    assert_eq!((&held["promo"], &held["discount"]["amount"], &held["total"]["amount"]), (&json!("TENTH"), &json!(300), &json!(2703)));
    let order = shop::pay(&somebody, &event, &shop::id(&held)).await.expect(200);
    assert_eq!(order["total"]["amount"], 2703);
    let path = format!("/order/{}", shop::id(&order));
    let seen = shop::eventually("the capture", PATIENCE, async || {
        Some(somebody.get(&path).await.expect(200)).filter(|order| order["payment"] == "captured")
    })
    .await;
    assert_eq!((&seen["discount"]["amount"], &seen["promo"]), (&json!(300), &json!("TENTH")));
    let mut paid = 0;
    for ticket in order["tickets"].as_array().expect("tickets") {
        let ticket = ticket.as_str().expect("an id");
        let shown = somebody.get(&format!("/user/ticket/{ticket}")).await.expect(200)["price"]["amount"].as_u64().expect("a price");
        let back = somebody.post(&format!("/user/ticket/{ticket}/refund"), &json!({})).await.expect(201);
        assert_eq!(back["amount"]["amount"], shown);
        paid += shown;
    }
    assert_eq!(paid, 2703);
    let seen = somebody.get(&path).await.expect(200);
    assert_eq!((&seen["state"], &seen["refunded"]["amount"]), (&json!("refunded"), &json!(2703)));
    // What was used stays used; what a released hold had reserved does not.
    let held = hold_with(&somebody, &event, &[3], "TENTH").await.expect(201);
    assert_eq!(code(&staff, &event, "tenth").await["discount"]["reserved"]["amount"], 100);
    let path = format!("/event/{event}/hold/{}", shop::id(&held));
    let gone = somebody.delete(&path).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let seen = code(&staff, &event, "TENTH").await;
    assert_eq!((&seen["uses"], &seen["discount"]["spent"]["amount"]), (&json!({"held": 0, "sold": 1}), &json!(300)));
    let list = staff.get(&format!("/event/{event}/promo")).await.expect(200);
    assert_eq!(list["data"][0], seen);
}

#[tokio::test]
async fn refusals_say_why_and_nobody_elses_event_has_codes() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms::free(8).priced(1000)).await;
    make(&staff, &event, json!({"code": "ONCE", "amount": 300, "per_user_max": 1})).await;
    make(&staff, &event, json!({"code": "OVER", "amount": 300, "until": "2020-01-01T00:00:00Z"})).await;
    make(&staff, &event, json!({"code": "OFF", "amount": 300})).await;
    let path = format!("/event/{event}/promo");
    let _ = staff.post(&path, &json!({"code": "once", "amount": 5})).await.problem(409, "wrong_state");
    let _ = staff.post(&path, &json!({"code": "USD", "amount": {"amount": 5, "currency": "USD"}})).await.problem(422, "validation_failed");
    let _ = staff.post(&path, &json!({"code": "FANS", "allocation": "Fans"})).await.problem(404, "not_found");
    assert_eq!(staff.patch(&format!("{path}/OFF"), &json!({"active": false})).await.status, 200);
    let somebody = buyer(1);
    let _ = hold_with(&somebody, &event, &[0], "ONCE").await.expect(201);
    for (text, reason) in [("ONCE", "used_up"), ("OVER", "expired"), ("OFF", "unknown"), ("WINTER", "unknown"), ("no such code", "unknown")]
    {
        let refused = hold_with(&somebody, &event, &[1], text).await.problem(422, "promo_refused");
        assert_eq!((&refused["reason"], &refused["errors"][0]["pointer"]), (&json!(reason), &json!("/promo")), "{text}");
    }
    let other = cluster().client(1, Role::Coordinator);
    let _ = other.get(&path).await.problem(404, "not_found");
    let _ = other.post(&path, &json!({"code": "MINE", "amount": 5})).await.problem(404, "not_found");
    let _ = other
        .post(&format!("/event/{event}/allocation"), &json!({"name": "x", "action": "add", "seats": [1]}))
        .await
        .problem(404, "not_found");
    assert_eq!(somebody.get(&path).await.status, 403);
}

#[tokio::test]
async fn an_allocation_is_for_its_code_only() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms::free(10).priced(1000)).await;
    let path = format!("/event/{event}/allocation");
    let aside = staff.post(&path, &json!({"name": "Fans", "action": "add", "seats": [4, 5, 6]})).await.expect(200);
    assert_eq!((&aside["name"], &aside["seats_available"]), (&json!("Fans"), &json!(3)));
    make(&staff, &event, json!({"code": "FANCLUB", "allocation": "Fans", "percent_bps": 10_000})).await;
    let (fan, other) = (buyer(1), buyer(3));
    assert_eq!(shop::seat_states(&other, &event, 10).await, [0, 0, 0, 0, 3, 3, 3, 0, 0, 0]);
    let taken = shop::hold(&other, &event, &[4]).await.problem(409, "seat_unavailable");
    assert_eq!(taken["conflicts"][0]["state"], "blocked");
    let wrong = hold_with(&fan, &event, &[3], "FANCLUB").await.problem(422, "promo_refused");
    assert_eq!(wrong["reason"], "not_for_these_seats");
    let best = json!({"best": {"quantity": 2}, "promo": "FANCLUB"});
    let held = fan.post(&format!("/event/{event}/hold"), &best).await.expect(201);
    assert_eq!((&held["total"]["amount"], held["seats"].as_array().map(Vec::len)), (&json!(0), Some(2)));
    // The whole price is off: nothing is to be paid, and no provider is asked.
    let order = fan.post(&format!("/event/{event}/hold/{}/pay", shop::id(&held)), &json!({})).await.expect(200);
    assert_eq!((&order["state"], &order["total"]["amount"]), (&json!("confirmed"), &json!(0)));
    let cancel = json!({"reason": "a mistake"});
    let _ = staff.post(&format!("/order/{}/cancel", shop::id(&order)), &cancel).await.expect(201);
    assert_eq!(shop::seat_states(&other, &event, 10).await, [0, 0, 0, 0, 3, 3, 3, 0, 0, 0], "they went back to the fans");
    let _ = staff.post(&path, &json!({"name": "Fans", "action": "remove", "seats": [4, 5, 6]})).await.expect(200);
    assert_eq!(shop::seat_states(&other, &event, 10).await, [0; 10]);
    let _ = shop::hold(&other, &event, &[4]).await.expect(201);
}

#[tokio::test]
async fn a_rush_never_uses_a_code_too_often() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms::free(40)).await;
    make(&staff, &event, json!({"code": "FIRST5", "allocation": null, "percent_bps": 5000, "uses_max": 5})).await;
    let tries = (0..20_u32).map(|seat| {
        let (somebody, event) = (buyer(u64::from(seat % 3) + 1), event.clone());
        async move { hold_with(&somebody, &event, &[seat], "FIRST5").await.status }
    });
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 5, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 201 | 422)), "{answers:?}");
    assert_eq!(code(&staff, &event, "FIRST5").await["uses"], json!({"held": 5, "sold": 0}));
}

#[tokio::test]
async fn the_limit_of_an_account_is_over_holds_and_orders() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &Terms { per_user_limit: 3, ..Terms::free(10) }).await;
    let somebody = buyer(1);
    let _ = shop::buy(&somebody, &event, 0).await;
    let _ = shop::hold(&somebody, &event, &[1]).await.expect(201);
    let over = shop::hold(&somebody, &event, &[2, 3]).await.problem(409, "limit_reached");
    assert_eq!((&over["limit"], &over["have"]), (&json!(3), &json!(2)));
    let _ = shop::hold(&somebody, &event, &[2]).await.expect(201);
    let best = json!({"best": {"quantity": 1}});
    let _ = somebody.post(&format!("/event/{event}/hold"), &best).await.problem(409, "limit_reached");
}
