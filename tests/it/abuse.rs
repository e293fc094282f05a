//! What somebody who means harm tries first: the families of the abuse list (docs/security.md) that no other module tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::{Client, new_key};
use boxoffice_tests::people::{self, PASSWORD};
use boxoffice_tests::shop::{self, Terms};
use futures::future::join_all;
use serde_json::json;

use crate::shared::{buyer, cluster, coordinator};

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// 8: one seat, fifty accounts, a thousand requests.
#[tokio::test]
async fn of_a_thousand_who_want_one_seat_one_gets_it() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(4)).await;
    let accounts: Vec<Client> = (0..50).map(|number| buyer(number % 3 + 1)).collect();
    let storm = accounts.iter().map(async |account| {
        let mut won = 0;
        for _ in 0..20 {
            match account.post(&format!("/event/{event}/hold"), &json!({"seats": [2]})).await.status {
                201 => won += 1,
                409 => {}
                other => panic!("{other}"),
            }
        }
        won
    });
    assert_eq!(join_all(storm).await.into_iter().sum::<u32>(), 1);
}

/// 9 and 10: other people's holds do not exist; what is over is not paid.
#[tokio::test]
async fn a_hold_is_paid_by_its_owner_and_while_it_lives() {
    let event = shop::put_on_sale(&coordinator(), &Terms::free(4)).await;
    let (ada, eve) = (buyer(1), buyer(2));
    let hold = shop::id(&shop::hold(&ada, &event, &[0]).await.expect(201));
    let path = format!("/event/{event}/hold/{hold}");
    let _ = shop::pay(&eve, &event, &hold).await.problem(404, "not_found");
    let _ = eve.get(&path).await.problem(404, "not_found");
    let _ = eve.post(&format!("{path}/extend"), &json!({})).await.problem(404, "not_found");
    let released = ada.delete(&path).await;
    assert!(matches!(released.status, 200 | 204), "{}", released.text);
    assert_eq!(shop::pay(&ada, &event, &hold).await.status, 410, "it was given back");
}

/// 12: messages of the provider that are forged, old or replayed.
#[tokio::test]
async fn a_message_of_the_provider_is_believed_only_with_its_signature() {
    let client = Client::at(&cluster().url(1));
    let body = r#"{"id":"evt_forged","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}"#;
    let send = async |signature: String| {
        let request = client.request("POST", "/payment/webhook").header("Content-Type", "application/json");
        client.send(request.header("Stripe-Signature", signature).body(body)).await.expect("an answer")
    };
    let _ = send(format!("t={},v1={}", unix_now(), "0".repeat(64))).await.problem(401, "bad_signature");
    let _ = send(format!("t={},v1={}", unix_now() - 3600, "0".repeat(64))).await.problem(401, "bad_signature");
    assert!(matches!(send("nonsense".into()).await.status, 400 | 401 | 422));
    let bare = client.request("POST", "/payment/webhook").header("Content-Type", "application/json").body(body);
    assert_eq!(client.send(bare).await.expect("an answer").status, 400);
}

/// 15: seats that are held, let go and held again.
#[tokio::test]
async fn who_holds_again_and_again_has_to_wait() {
    let terms = Terms { more: json!({"lapses_max": 2}), ..Terms::free(6) };
    let event = shop::put_on_sale(&coordinator(), &terms).await;
    let hoarder = buyer(1);
    for seat in [0, 1] {
        let held = shop::hold(&hoarder, &event, &[seat]).await.expect(201);
        assert_eq!(hoarder.delete(&format!("/event/{event}/hold/{}", shop::id(&held))).await.status, 204);
    }
    let refused = shop::hold(&hoarder, &event, &[2]).await;
    let seconds: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("a time to wait");
    assert!((500..=600).contains(&seconds), "{seconds}");
    let _ = refused.problem(429, "too_soon");
    let other = buyer(2);
    let held = shop::hold(&other, &event, &[2]).await.expect(201);
    let _ = shop::pay(&other, &event, &shop::id(&held)).await.expect(200);
    assert_eq!(shop::seat_states(&other, &event, 6).await, [0, 0, 2, 0, 0, 0]);
}

/// 17: one account on a hundred devices.
#[tokio::test]
async fn a_limit_holds_on_a_hundred_devices() {
    let event = shop::put_on_sale(&coordinator(), &Terms { per_user_limit: 6, ..Terms::free(120) }).await;
    let one = cluster().someone(Role::Customer);
    let devices = (0..100_u32).map(async |seat| {
        let device = Client::at(&cluster().url(u64::from(seat) % 3 + 1)).with_token(&one.token);
        let held = shop::hold(&device, &event, &[seat]).await;
        if held.status != 201 {
            assert_eq!(held.status, 409, "{}", held.text);
            return 0;
        }
        u32::from(shop::pay(&device, &event, &shop::id(&held.body)).await.status == 200)
    });
    assert_eq!(join_all(devices).await.into_iter().sum::<u32>(), 6);
    let sold = shop::seat_states(&buyer(1), &event, 120).await.into_iter().filter(|&state| state != 0).count();
    assert_eq!(sold, 6);
}

/// 20: searches that are meant to be dear.
#[tokio::test]
async fn no_search_is_dear() {
    let client = Client::at(&cluster().url(1));
    let nested = format!("{}a{}", "(".repeat(120), ")".repeat(120));
    for text in ["*:*", "a*a*a*a*a*a*", "/(a+)+$/", nested.as_str(), "a~2 b~2 c~2 d~2 e~2", "name:[* TO *]", "\"\"\"\"", "NOT NOT NOT a"] {
        let path = format!("/event/search/{}", text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>());
        shop::is_quick(text, Duration::from_secs(5), async || {
            let reply = client.get(&path).await;
            assert!(matches!(reply.status, 200 | 400 | 422), "{text}: {}", reply.text);
        })
        .await;
    }
}

/// 21: paths that lead elsewhere.
#[tokio::test]
async fn no_path_leads_elsewhere() {
    let client = buyer(1);
    for path in
        ["/event/..%2f..%2fadmin%2faudit", "//admin/audit", "/event/%c0%ae%c0%ae", "/event/1;x=y", "/./../status", "/event/%00", "/EVENT"]
    {
        let reply = client.get(path).await;
        assert!(matches!(reply.status, 400 | 403 | 404), "{path}: {} {}", reply.status, reply.text);
        assert_ne!(reply.body["object"], "list", "{path}");
    }
}

/// 26: names that are meant for somebody's page, mail or header.
#[tokio::test]
async fn names_are_text_and_nothing_else() {
    let staff = coordinator();
    let venue = shop::build_venue(&staff, 4).await;
    let named = |name: &str| shop::event_body(&venue, &Terms { name: name.into(), ..Terms::free(4) });
    for name in ["Two\r\nSet-Cookie: a=b", "bell\u{7}", "nul\u{0}", "turned \u{202e}round"] {
        let _ = staff.post("/event", &named(name)).await.problem(422, "validation_failed");
    }
    let script = "<script>alert(1)</script>";
    let event = shop::id(&staff.post("/event", &named(script)).await.expect(201));
    let shown = buyer(1).get(&format!("/event/{event}")).await;
    assert_eq!(shown.header("content-type"), Some("application/json"));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(shown.body["name"], script, "kept as it is: whoever shows it, shows text");
    let page = Client::at(&cluster().url(1)).get("/").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") || policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe-inline") || !policy.contains("script-src 'self' 'unsafe-inline'"), "{policy}");
}

/// 27: whether an address has an account is not to be had from answers.
#[tokio::test]
async fn no_answer_tells_who_has_an_account() {
    let client = Client::at(&cluster().url(1));
    let ada = people::register(&client, "ada").await;
    let nobody = people::new_email("nobody");
    let mut answers = Vec::new();
    for email in [&ada.email, &nobody] {
        let refused = people::log_in(&client, email, "not the password").await;
        let _ = refused.clone().problem(401, "bad_credentials");
        let forgot = client.send(client.request("POST", "/user/password/reset").json(&json!({"email": email}))).await.expect("an answer");
        answers.push((refused.body["detail"].clone(), refused.body["title"].clone(), forgot.status, forgot.text));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(people::log_in(&client, &ada.email, PASSWORD).await.status, 201);
}

/// 29: of a refund and a scan at once, and of two refunds at once, one wins.
#[tokio::test]
async fn a_ticket_is_used_or_given_back_and_never_both() {
    let staff = coordinator();
    let more = json!({"starts_at": crate::gate::at_second(0), "refunds": {"who": "buyer"}});
    let event = shop::put_on_sale(&staff, &Terms { more, ..Terms::free(12) }).await;
    let ada = buyer(1);
    for seat in 0..6 {
        let ticket = shop::buy(&ada, &event, seat).await["tickets"][0].as_str().expect("a ticket").to_owned();
        let shown = ada.get(&format!("/user/ticket/{ticket}")).await.expect(200);
        let scan = json!({"code": shown["code"], "gate": "North", "nonce": new_key(), "event": event});
        let refund =
            async |node| ada.moved_to(&cluster().url(node)).post(&format!("/user/ticket/{ticket}/refund"), &json!({})).await.status;
        let scanned = async { staff.send(staff.request("POST", "/scan").json(&scan)).await.expect("an answer").status };
        let (scanned, one, two) = futures::join!(scanned, refund(2), refund(3));
        let refunds = [one, two].into_iter().filter(|status| *status == 201).count();
        assert_eq!(refunds + usize::from(scanned == 200), 1, "scan {scanned}, refunds {one} and {two}");
    }
}
