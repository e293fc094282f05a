//! "Users can book tickets": pick seats, pay, and the booking is captured and committed; the tickets are there on any node.

use boxoffice_tests::shop::{self, Terms};
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator};

#[tokio::test]
async fn a_free_and_a_paid_seat_become_tickets_on_every_node() {
    for price in [0, 2500] {
        let event = shop::put_on_sale(&coordinator(), &Terms::free(3).priced(price)).await;
        let somebody = buyer(1);
        let held = shop::hold(&somebody, &event, &[0, 1]).await;
        assert!(held.header("boxoffice-revision").is_some(), "an acknowledged write carries its revision");
        let held = held.expect(201);
        assert_eq!((&held["state"], &held["total"]["amount"]), (&"active".into(), &(2 * price).into()));
        let order = shop::pay(&somebody.moved_to(&cluster().url(2)), &event, &shop::id(&held)).await;
        assert!(matches!(order.status, 200 | 201), "{}", order.text);
        assert!(order.header("boxoffice-revision").is_some());
        assert_eq!((&order.body["object"], &order.body["state"]), (&"order".into(), &"confirmed".into()));
        assert_eq!(order.body["tickets"].as_array().map(Vec::len), Some(2));
        for node in 1..=3 {
            let (tickets, _) = shop::tickets(&somebody.moved_to(&cluster().url(node))).await;
            let mut seats: Vec<_> = tickets.iter().map(|ticket| ticket["seat"]["seat"].as_str().unwrap_or_default()).collect();
            seats.sort_unstable();
            assert_eq!(seats, ["S1-1-1", "S1-1-2"], "node {node}");
            assert!(tickets.iter().all(|ticket| ticket["price"]["amount"] == price));
        }
    }
}

#[tokio::test]
async fn best_available_gives_seats_side_by_side() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(100)).await;
    let held = buyer(3).post(&format!("/event/{event}/hold"), &json!({"best": {"quantity": 4}})).await.expect(201);
    let seats: Vec<u64> = held["seats"].as_array().expect("seats").iter().map(|seat| seat["index"].as_u64().expect("an index")).collect();
    assert_eq!(seats.len(), 4);
    assert!(seats.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seats:?}");
}

#[tokio::test]
async fn a_declined_card_keeps_the_hold_for_another_try() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2).priced(1000)).await;
    let somebody = buyer(2);
    let held = shop::hold(&somebody, &event, &[0]).await.expect(201);
    let path = format!("/event/{event}/hold/{}", shop::id(&held));
    let declined = shop::pay_with(&somebody, &path, "pm_test_declined").await.problem(402, "payment_declined");
    assert!(declined["decline_code"].is_string(), "{declined}");
    // Nobody else gets the seat meanwhile, and another card pays for it.
    let _ = shop::hold(&buyer(1), &event, &[0]).await.problem(409, "seat_unavailable");
    let paid = shop::pay(&somebody, &event, &shop::id(&held)).await;
    assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
}

#[tokio::test]
async fn a_released_hold_frees_its_seats() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2)).await;
    let somebody = buyer(1);
    let held = shop::hold(&somebody, &event, &[0, 1]).await.expect(201);
    let path = format!("/event/{event}/hold/{}", shop::id(&held));
    // A stranger neither sees nor releases it.
    let _ = buyer(2).get(&path).await.problem(404, "not_found");
    let released = somebody.delete(&path).await;
    assert!(matches!(released.status, 200 | 204), "{}", released.text);
    shop::buy(&buyer(2), &event, 0).await;
}

#[tokio::test]
async fn nobody_gets_more_than_the_limit() {
    let event = shop::put_on_sale(&coordinator(), &Terms { per_user_limit: 2, ..Terms::free(4) }).await;
    let somebody = buyer(1);
    shop::buy(&somebody, &event, 0).await;
    let _ = shop::hold(&somebody.moved_to(&cluster().url(2)), &event, &[1]).await.expect(201);
    let refused = shop::hold(&somebody.moved_to(&cluster().url(3)), &event, &[2]).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (409, Some("limit_reached")), "{}", refused.text);
}

#[tokio::test]
async fn a_dearer_total_than_seen_is_not_charged() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(2).priced(1000)).await;
    let body = json!({"seats": [0], "expect_total": 900});
    let refused = buyer(1).post(&format!("/event/{event}/hold"), &body).await.problem(409, "price_changed");
    assert!(refused.to_string().contains("1000"), "it says the price now: {refused}");
}
