//! "View their booked events/tickets", and what they are for: a ticket's code admits once, cannot be faked, and dies when the
//! ticket is given to someone else; gates go on without the network.

use std::time::{SystemTime, UNIX_EPOCH};

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, PATIENCE, Reply, new_key};
use boxoffice_tests::people;
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster, coordinator};

/// An event that began a moment ago, so that its doors are open.
fn tonight(seats: u32) -> Terms {
    Terms { more: json!({"starts_at": at_second(0)}), ..Terms::free(seats) }
}

/// So many seconds from now, as a time in UTC.
pub fn at_second(offset: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let at = now.checked_add_signed(offset).expect("a moment");
    let (days, second) = (at / 86_400, at % 86_400);
    // Days since 1970 to a date: H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Buys a seat; gives the ticket's id.
async fn bought(buyer: &Client, event: &str, seat: u32) -> String {
    shop::buy(buyer, event, seat).await["tickets"][0].as_str().expect("a ticket").to_owned()
}

async fn code(owner: &Client, ticket: &str) -> String {
    let shown = owner.get(&format!("/user/ticket/{ticket}")).await.expect(200);
    shown["code"].as_str().unwrap_or_else(|| panic!("no code: {shown}")).to_owned()
}

async fn scan(gate: &Client, event: &str, name: &str, nonce: &str, code: &str) -> Reply {
    scan_body(gate, &json!({"code": code, "gate": name, "nonce": nonce, "event": event})).await
}

async fn scan_body(gate: &Client, body: &Value) -> Reply {
    gate.send(gate.request("POST", "/scan").json(body)).await.expect("an answer")
}

#[track_caller]
fn refused(reply: Reply, reason: &str) -> Value {
    let problem = reply.problem(409, "ticket_refused");
    assert_eq!(problem["reason"], reason, "{problem}");
    problem
}

/// Somebody with an account of their own, logged in at a node; and the e-mail.
async fn account(node: u64, name: &str) -> (Client, String) {
    let client = Client::at(&cluster().url(node));
    let person = people::register(&client, name).await;
    let session = people::log_in(&client, &person.email, people::PASSWORD).await.expect(201);
    (people::as_person(&client, &session), person.email)
}

#[tokio::test]
async fn a_ticket_admits_once_and_a_retried_scan_is_the_same_yes() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &tonight(4)).await;
    let (ada, _) = account(1, "ada").await;
    let ticket = bought(&ada, &event, 0).await;
    let good = code(&ada, &ticket).await;
    let first = scan(&staff, &event, "North", "n1", &good).await.expect(200);
    assert_eq!((&first["result"], &first["ticket"], &first["entries"]), (&"admitted".into(), &ticket.as_str().into(), &1.into()));
    assert_eq!((&first["seat"]["index"], &first["owner_initials"]), (&0.into(), &"A".into()));
    for node in 1..=3 {
        let again = scan(&staff.moved_to(&cluster().url(node)), &event, "North", "n1", &good).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.expect(200)["at"], first["at"]);
    }
    let used = refused(scan(&staff, &event, "South", "n2", &good).await, "already_used");
    assert_eq!((&used["used_gate"], &used["used_at"]), (&"North".into(), &first["at"]));
    let shown = ada.get(&format!("/user/ticket/{ticket}?consistency=linearizable")).await.expect(200);
    assert_eq!(shown["state"], "checked_in");
}

#[tokio::test]
async fn of_two_gates_in_the_same_second_one_says_yes() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &tonight(4)).await;
    let somebody = buyer(2);
    let good = code(&somebody, &bought(&somebody, &event, 1).await).await;
    let gates: Vec<Client> = (0..9).map(|gate| staff.moved_to(&cluster().url(gate % 3 + 1))).collect();
    let scans = gates.iter().enumerate().map(|(number, gate)| {
        let (event, good) = (&event, &good);
        async move { scan(gate, event, &format!("Gate {number}"), "n", good).await.status }
    });
    let answers = futures_join(scans).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 8, "{answers:?}");
}

/// Runs all at once and gives what they gave.
async fn futures_join<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in pending.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_code_that_is_not_good_is_refused_with_the_reason() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &tonight(4)).await;
    let somebody = buyer(3);
    let good = code(&somebody, &bought(&somebody, &event, 0).await).await;
    // Altered: one letter of the code is another.
    for place in [0, 20, 60, 175] {
        let letter = if good.as_bytes()[place] == b'0' { "1" } else { "0" };
        let altered = format!("{}{letter}{}", &good[..place], &good[place + 1..]);
        refused(scan(&staff, &event, "North", &new_key(), &altered).await, "bad_code");
    }
    // Made by hand.
    for forged in ["", "tkt_00000000000000000000000000", &"0".repeat(176), &"A".repeat(5000)] {
        refused(scan(&staff, &event, "North", &new_key(), forged).await, "bad_code");
    }
    // From another event, whether or not the gate's coordinator runs that one too.
    let elsewhere = shop::put_on_sale(&staff, &tonight(4)).await;
    refused(scan(&staff, &elsewhere, "North", &new_key(), &good).await, "wrong_event");
    let stranger = coordinator();
    refused(scan_body(&stranger, &json!({"code": good, "gate": "North", "nonce": "x"})).await, "wrong_event");
    let _ = scan(&stranger, &event, "North", "x", &good).await.problem(404, "not_found");
    // People at the gates may stand at every door, but only there.
    let usher = cluster().client(2, Role::Gate);
    refused(scan(&usher, &elsewhere, "North", &new_key(), &good).await, "wrong_event");
    let _ = usher.get(&format!("/event/{event}/scan")).await.problem(403, "forbidden");
    let _ = scan(&somebody, &event, "North", "x", &good).await.problem(403, "forbidden");
    // Before the doors open.
    let later = Terms { more: json!({"starts_at": at_second(86_400)}), ..Terms::free(2) };
    let later = shop::put_on_sale(&staff, &later).await;
    let early = code(&somebody, &bought(&somebody, &later, 0).await).await;
    refused(scan(&staff, &later, "North", "n1", &early).await, "outside_doors");
    // None of this used the ticket up.
    let _ = scan(&staff, &event, "North", "n1", &good).await.expect(200);
}

#[tokio::test]
async fn a_refunded_ticket_is_refused_and_a_used_one_is_not_refunded() {
    let staff = coordinator();
    let more = json!({"starts_at": at_second(0), "refunds": {"who": "buyer"}});
    let event = shop::put_on_sale(&staff, &Terms { more, ..Terms::free(4) }).await;
    let somebody = buyer(3);
    let (given_back, used) = (bought(&somebody, &event, 0).await, bought(&somebody, &event, 1).await);
    let dead = code(&somebody, &given_back).await;
    let _ = somebody.post(&format!("/user/ticket/{given_back}/refund"), &json!({})).await.expect(201);
    refused(scan(&staff, &event, "North", "n1", &dead).await, "void");
    let _ = somebody.get(&format!("/user/ticket/{given_back}.svg")).await.problem(409, "wrong_state");
    let gate = staff.get(&format!("/event/{event}/gate?consistency=linearizable")).await.expect(200);
    assert_eq!(gate["revoked"], json!([[given_back, null]]), "{gate}");

    let _ = scan(&staff, &event, "North", "n2", &code(&somebody, &used).await).await.expect(200);
    let _ = somebody.post(&format!("/user/ticket/{used}/refund"), &json!({})).await.problem(409, "wrong_state");
}

#[tokio::test]
async fn a_ticket_is_given_to_another_account_and_the_old_code_dies() {
    let staff = coordinator();
    let event = shop::put_on_sale(&staff, &tonight(4)).await;
    let ((ada, own), (bob, email)) = (account(1, "ada").await, account(2, "bob").await);
    let ticket = bought(&ada, &event, 0).await;
    let old = code(&ada, &ticket).await;
    let path = format!("/user/ticket/{ticket}/transfer");
    let _ = ada.post(&path, &json!({"to": own})).await.problem(422, "validation_failed");
    let _ = bob.post(&path, &json!({"to": own})).await.problem(404, "not_found");

    // An address without an account gets the same answer as one with.
    let nobody = ada.post(&path, &json!({"to": format!("nobody-{}@example.com", new_key())})).await.expect(201);
    assert_eq!((&nobody["state"], &nobody["object"]), (&"pending".into(), &"transfer".into()));
    refused(scan(&staff, &event, "North", "n1", &old).await, "transferred");
    let shown = ada.get(&format!("/user/ticket/{ticket}")).await.expect(200);
    assert_eq!((&shown["state"], &shown["code"], &shown["offer"]["to"]), (&"offered".into(), &Value::Null, &nobody["to"]));
    let _ = ada.get(&format!("/user/ticket/{ticket}.pdf")).await.problem(409, "wrong_state");
    let back = ada.delete(&path).await;
    assert_eq!(back.status, 204, "{}", back.text);
    let second = code(&ada, &ticket).await;
    assert_ne!(second, old);

    let offer = ada.post(&path, &json!({"to": email})).await.expect(201);
    assert_eq!(offer["to"], email.as_str());
    let waiting = shop::eventually("the whole list of offers", PATIENCE, async || {
        Some(bob.get("/user/transfer").await.expect(200)).filter(|waiting| waiting["complete"] == true)
    })
    .await;
    assert_eq!(waiting["data"][0]["id"], ticket.as_str(), "{waiting}");
    let accept = format!("/user/transfer/{ticket}/accept");
    let _ = ada.post(&accept, &json!({})).await.problem(404, "not_found");
    let taken = bob.post(&accept, &json!({})).await.expect(200);
    assert_eq!((&taken["id"], &taken["state"]), (&ticket.as_str().into(), &"issued".into()));

    for dead in [&old, &second] {
        refused(scan(&staff, &event, "North", &new_key(), dead).await, "transferred");
    }
    let shown = ada.get(&format!("/user/ticket/{ticket}")).await.expect(200);
    assert_eq!((&shown["state"], &shown["code"]), (&"transferred".into(), &Value::Null), "{shown}");
    let new = code(&bob, &ticket).await;
    let admitted = scan(&staff, &event, "North", "n9", &new).await.expect(200);
    assert_eq!(admitted["owner_initials"], "B");
    let _ = bob.post(&path, &json!({"to": own})).await.problem(409, "wrong_state");
    shop::eventually("both lists tell the same", PATIENCE, async || {
        let state =
            |list: &[Value]| list.iter().find(|one| one["id"] == ticket.as_str()).map(|one| (one["state"].clone(), one["pending"].clone()));
        let (ada, bob) = (state(&shop::tickets(&ada).await.0), state(&shop::tickets(&bob).await.0));
        (ada == Some(("transferred".into(), false.into())) && bob == Some(("checked_in".into(), false.into()))).then_some(())
    })
    .await;
    let gate = staff.get(&format!("/event/{event}/gate?consistency=linearizable")).await.expect(200);
    assert_eq!(gate["revoked"], json!([[ticket, 5]]), "{gate}");
}

#[tokio::test]
async fn gates_go_on_offline_and_tell_later() {
    let staff = coordinator();
    let more = json!({"starts_at": at_second(0), "entry": {"reentry": "out_then_in", "doors_before_s": 3600}});
    let event = shop::put_on_sale(&staff, &Terms { more, ..Terms::free(4) }).await;
    let somebody = buyer(1);
    let tickets = [bought(&somebody, &event, 0).await, bought(&somebody, &event, 1).await];
    let codes = [code(&somebody, &tickets[0]).await, code(&somebody, &tickets[1]).await];

    let gate = staff.get(&format!("/event/{event}/gate")).await;
    let tag = gate.header("etag").expect("a tag").to_owned();
    assert!(gate.header("boxoffice-revision").is_some() && gate.header("boxoffice-age-ms").is_some());
    let gate_body = gate.expect(200);
    assert_eq!((&gate_body["entry"]["reentry"], &gate_body["revoked"]), (&"out_then_in".into(), &json!([])));
    let keys = Client::at(&cluster().url(2)).get("/.well-known/ticket-keys.json").await.expect(200);
    assert_eq!(keys["keys"], gate_body["keys"]);
    let same = staff.send(staff.request("GET", &format!("/event/{event}/gate")).header("If-None-Match", tag)).await.expect("an answer");
    assert_eq!(same.status, 304);

    // The answer to this scan is lost, and the gate goes offline: it uploads the same scan again.
    let _ = scan(&staff, &event, "North", "n1", &codes[0]).await.expect(200);
    let one = |code: &str, nonce: &str, way: &str, second| json!({"code": code, "nonce": nonce, "direction": way, "at": at_second(second)});
    let upload = json!({"gate": "North", "scans": [
        one(&codes[0], "n1", "in", -9), one(&codes[0], "n2", "out", -8), one(&codes[0], "n3", "in", -7), one(&codes[0], "n4", "in", -6),
        one(&codes[1], "n5", "in", -5), one("FORGED", "n6", "in", -4),
    ]});
    let path = format!("/event/{event}/scan/offline");
    let send = async |body: &Value, node| {
        let gate = staff.moved_to(&cluster().url(node));
        gate.send(gate.request("POST", &path).json(body)).await.expect("an answer").expect(200)
    };
    let first = send(&upload, 1).await;
    let conflicts: Vec<&Value> = first["scans"].as_array().expect("a list").iter().map(|scan| &scan["conflict"]).collect();
    assert_eq!(conflicts, [&Value::Null, &Value::Null, &Value::Null, &"already_used".into(), &Value::Null, &"bad_code".into()], "{first}");
    assert_eq!(send(&upload, 2).await["scans"], first["scans"], "the same upload at another node changes nothing");
    // Another gate let the second ticket in as well.
    let second = send(&json!({"gate": "South", "scans": [one(&codes[1], "n7", "in", -3)]}), 3).await;
    assert_eq!(second["scans"][0]["conflict"], "already_used");

    let report = staff.get(&format!("/event/{event}/scan")).await.expect(200);
    assert_eq!((&report["issued"], &report["admitted"], &report["inside"]), (&2.into(), &2.into(), &2.into()), "{report}");
    assert_eq!(report["conflict_count"], 3, "{report}");
    assert_eq!(report["gates"][0], json!({"gate": "North", "in": 3, "out": 1, "refused": 0}), "{report}");
    let reasons: Vec<&Value> = report["conflicts"]["data"].as_array().expect("a list").iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["already_used", "bad_code", "already_used"]);
    let _ = coordinator().get(&format!("/event/{event}/scan")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_ticket_is_drawn_for_its_owner_only() {
    let event = shop::put_on_sale(&coordinator(), &tonight(4)).await;
    let somebody = buyer(2);
    let ticket = bought(&somebody, &event, 2).await;
    for (ending, kind, begin) in [("svg", "image/svg+xml", "<svg "), ("pdf", "application/pdf", "%PDF-")] {
        let path = format!("/user/ticket/{ticket}.{ending}");
        let drawn = somebody.get(&path).await;
        assert_eq!((drawn.status, drawn.header("content-type")), (200, Some(kind)), "{}", drawn.text);
        assert_eq!(drawn.header("cache-control"), Some("private, no-store"));
        assert_eq!(drawn.header("content-disposition"), Some(format!("inline; filename=\"{ticket}.{ending}\"").as_str()));
        assert!(drawn.text.starts_with(begin));
        let _ = buyer(3).get(&path).await.problem(404, "not_found");
        let _ = Client::at(&cluster().url(1)).get(&path).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn tickets_are_listed_by_time_and_for_the_coordinator() {
    let staff = coordinator();
    let over = Terms { more: json!({"starts_at": at_second(-90_000)}), ..Terms::free(3) };
    let (past, coming) = (shop::put_on_sale(&staff, &over).await, shop::put_on_sale(&staff, &tonight(3)).await);
    let somebody = buyer(1);
    let (old, new) = (bought(&somebody, &past, 0).await, bought(&somebody, &coming, 0).await);
    let ids = async |query: &str| -> Vec<String> {
        let page = somebody.get(&format!("/user/ticket?{query}")).await.expect(200);
        page["data"].as_array().expect("a list").iter().map(shop::id).collect()
    };
    assert_eq!(ids("when=past").await, [old.as_str()]);
    assert_eq!(ids("when=upcoming").await, [new.as_str()]);
    assert_eq!(ids(&format!("event={past}")).await, [old.as_str()]);
    assert_eq!(ids("limit=9").await.len(), 2);

    let _ = scan(&staff, &coming, "North", "n1", &code(&somebody, &new).await).await.expect(200);
    let list = staff.get(&format!("/event/{coming}/ticket?state=checked_in")).await.expect(200);
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["last_scan"]["gate"]), (&new.as_str().into(), &"North".into()), "{list}");
    assert_eq!(staff.get(&format!("/event/{coming}/ticket?state=issued")).await.expect(200)["data"], json!([]));
    let _ = somebody.get(&format!("/event/{coming}/ticket")).await.problem(403, "forbidden");
    let _ = coordinator().get(&format!("/event/{coming}/ticket")).await.problem(404, "not_found");
}
