//! "Buy without an account": a guest books with an e-mail alone; the mailed link, and nothing else, leads to the tickets.

use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::people::{self, PASSWORD, as_person, log_in, new_email, register};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{cluster, coordinator};

fn at(node: u64) -> Client {
    Client::at(&cluster().url(node))
}

async fn guest(email: &str) -> (Client, Value) {
    let session = at(1).post("/user/guest", &json!({"email": email, "refresh": true})).await.expect(201);
    (as_person(&at(1), &session), session)
}

/// Waits until a guest's session is over at their node, which hears of it a moment later. A hold of nothing has no effect.
async fn session_ends(guest: &Client, event: &str) {
    shop::eventually("the guest's session to be over", PATIENCE, async || {
        (guest.post(&format!("/event/{event}/hold"), &json!({})).await.status == 401).then_some(())
    })
    .await;
}

/// The letter with the link comes soon after the sale.
async fn guest_link(email: &str) -> String {
    shop::eventually("the letter with the link", PATIENCE, async || {
        let letter = cluster().letter_to(email).await.ok()?;
        people::token(&letter, "guest")
    })
    .await
}

#[tokio::test]
async fn a_guest_buys_and_then_has_an_account() {
    let event = shop::put_on_sale(&coordinator(), &Terms { per_user_limit: 2, ..Terms::free(6).priced(900) }).await;
    let email = new_email("gus");
    let (gus, session) = guest(&email).await;
    assert_eq!((&session["user"]["role"], &session["user"]["email"]), (&json!("guest"), &json!(email)));
    let order = shop::buy(&gus, &event, 0).await;
    let ticket = order["tickets"][0].as_str().expect("a ticket").to_owned();
    assert_eq!(gus.get(&format!("/user/ticket/{ticket}")).await.expect(200)["state"], "issued");
    assert_eq!(gus.get(&format!("/order/{}", shop::id(&order))).await.expect(200)["total"]["amount"], 900);
    let drawn = gus.get(&format!("/user/ticket/{ticket}.svg")).await;
    assert_eq!(drawn.status, 200, "{}", drawn.text);
    let next = people::refresh(&at(2), &session).await.expect(200);
    assert_eq!(next["user"]["role"], "guest");
    // Whoever knows the e-mail only sees nothing, though they be a guest with the same one.
    let (other, _) = guest(&email).await;
    assert_eq!(shop::tickets(&other).await, (Vec::new(), true));
    let _ = other.get(&format!("/user/ticket/{ticket}")).await.problem(404, "not_found");
    let _ = other.get(&format!("/order/{}", shop::id(&order))).await.problem(404, "not_found");
    // A guest gives nothing on and makes no keys.
    let give = json!({"to": "somebody@example.com"});
    assert_eq!(gus.post(&format!("/user/ticket/{ticket}/transfer"), &give).await.status, 403);
    assert_eq!(gus.post("/key", &json!({"name": "x", "scopes": ["book"]})).await.status, 403);
    // Within the event's limit.
    let _ = shop::hold(&gus, &event, &[1, 2]).await.problem(409, "limit_reached");

    let token = guest_link(&email).await;
    let opened = at(3).post("/user/guest/open", &json!({"token": token})).await.expect(201);
    let (found, _) = shop::tickets(&as_person(&at(3), &opened)).await;
    assert_eq!(found.iter().map(shop::id).collect::<Vec<_>>().as_slice(), std::slice::from_ref(&ticket));
    let _ = at(2).post("/user/guest/open", &json!({"token": format!("{token}x")})).await.problem(410, "link_over");
    // A link of another kind does not pass, nor this one for a password.
    let _ = at(2).post("/user/password/reset/confirm", &json!({"token": token, "password": PASSWORD})).await.problem(410, "link_over");

    let claim = json!({"token": token, "password": PASSWORD});
    assert_eq!(at(2).post("/user/guest/claim", &claim).await.status, 204);
    let _ = at(1).post("/user/guest/claim", &claim).await.problem(410, "link_over");
    let _ = at(1).post("/user/guest/open", &json!({"token": token})).await.problem(410, "link_over");
    session_ends(&gus, &event).await;
    assert_eq!(shop::hold(&gus, &event, &[1]).await.status, 401, "the guest's session is over");
    let person = as_person(&at(1), &log_in(&at(1), &email, PASSWORD).await.expect(201));
    assert_eq!(person.get("/user").await.expect(200)["role"], "customer");
    assert_eq!(shop::tickets(&person).await.0.iter().map(shop::id).collect::<Vec<_>>(), [ticket]);
    let again = at(1).post("/user", &json!({"email": email, "name": "Gus", "password": PASSWORD})).await;
    let _ = again.problem(409, "email_taken");
}

#[tokio::test]
async fn a_guest_whose_email_has_an_account_hands_the_tickets_over() {
    let event = shop::put_on_sale(&coordinator(), &Terms { more: json!({"entry": {"transfer": false}}), ..Terms::free(6) }).await;
    let ada = register(&at(1), "ada").await;
    // The answer is the same as for an e-mail that nobody has.
    let (gus, session) = guest(&ada.email).await;
    assert_ne!(session["user"]["id"], json!(ada.id));
    let held = shop::hold(&gus, &event, &[0, 1]).await.expect(201);
    let order = shop::pay(&gus, &event, &shop::id(&held)).await.expect(200);
    let token = guest_link(&ada.email).await;
    let owner = as_person(&at(2), &log_in(&at(2), &ada.email, PASSWORD).await.expect(201));
    assert_eq!(shop::tickets(&owner).await.0, Vec::<Value>::new(), "an e-mail alone gives nobody tickets");
    let claim = json!({"token": token, "password": "another horse battery"});
    let _ = at(1).post("/user/guest/claim", &claim).await.problem(409, "email_taken");
    // Only the account with this very e-mail.
    let stranger = register(&at(1), "eve").await;
    let eve = as_person(&at(1), &log_in(&at(1), &stranger.email, PASSWORD).await.expect(201));
    let _ = eve.post("/user/guest/hand-over", &json!({"token": token})).await.problem(410, "link_over");
    let hand_over = owner.request("POST", "/user/guest/hand-over").json(&json!({"token": token}));
    let done = owner.send_once(hand_over).await.expect("an answer");
    // Of an answer that is not known, the next one cannot tell how much of it was done.
    assert!(done.is_undecided() || done.expect(200)["tickets"] == 2);
    let _ = owner.post("/user/guest/hand-over", &json!({"token": token})).await.expect(200);
    let again = owner.post("/user/guest/hand-over", &json!({"token": token})).await.expect(200);
    assert_eq!(again["tickets"], 0);
    let mut expected: Vec<String> =
        order["tickets"].as_array().expect("tickets").iter().filter_map(Value::as_str).map(Into::into).collect();
    expected.sort_unstable();
    shop::eventually("both tickets in the account", PATIENCE, async || {
        let mut found: Vec<String> = shop::tickets(&owner).await.0.iter().map(shop::id).collect();
        found.sort_unstable();
        (found == expected).then_some(())
    })
    .await;
    assert_eq!(owner.get(&format!("/user/ticket/{}", expected[0])).await.expect(200)["state"], "issued");
    session_ends(&gus, &event).await;
    assert_eq!(gus.post(&format!("/event/{event}/hold"), &json!({"seats": [3]})).await.status, 401);
    let _ = at(1).post("/user/guest/open", &json!({"token": token})).await.problem(410, "link_over");
}

#[tokio::test]
async fn who_is_offered_a_ticket_gets_a_letter() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(3)).await;
    let somebody = register(&at(1), "ann").await;
    let ann = as_person(&at(1), &log_in(&at(1), &somebody.email, PASSWORD).await.expect(201));
    let order = shop::buy(&ann, &event, 0).await;
    let ticket = order["tickets"][0].as_str().expect("a ticket");
    let friend = new_email("ben");
    let _ = ann.post(&format!("/user/ticket/{ticket}/transfer"), &json!({"to": friend})).await.expect(201);
    let letter = cluster().letter_to(&friend).await.expect("a letter");
    assert!(letter.contains("/#/tickets") && letter.contains("A ticket is waiting for you"), "{letter}");
    assert!(!letter.contains(ticket), "the letter is no right: {letter}");
    // A guest with that e-mail cannot take it up, an account can.
    let (guest, _) = guest(&friend).await;
    assert_eq!(guest.post(&format!("/user/transfer/{ticket}/accept"), &json!({})).await.status, 403);
    let open = json!({"email": friend, "name": "Ben", "password": PASSWORD});
    let _ = at(2).post("/user", &open).await.expect(201);
    let ben = as_person(&at(2), &log_in(&at(2), &friend, PASSWORD).await.expect(201));
    let _ = ben.post(&format!("/user/transfer/{ticket}/accept"), &json!({})).await.expect(200);
}
