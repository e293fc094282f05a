//! Ways in as a client meets them: sessions and their cookies, keys of programs, links, the signing key, other sites.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::KeyId;
use serde_json::json;

use super::fake::event_id;
use super::fake::identity::{KEY, SESSION};
use super::harness::{Edge, Reply, config};
use crate::backend::Standing;
use crate::config::{ApiConfig, Rate};

const RIGHT: &str = r#"{"email":"ada@example.org","password":"correct horse"}"#;

fn cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_browser_goes_on_with_a_cookie_that_scripts_cannot_read() {
    let edge = Edge::new();
    let opened = edge.send("POST", "/session", &["user-agent: Test\t/1"], RIGHT).await;
    assert_eq!((opened.status.as_u16(), &opened.json["refresh_token"]), (201, &json!(null)));
    let set = cookies(&opened);
    assert!(set[1].starts_with("boxoffice_refresh=refresh-1; Path=/session; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{set:?}");
    assert_eq!(edge.fake.writes()[0], "log_in 127.0.0.1 Test/1");

    let own = ["cookie: boxoffice_refresh=refresh-1", "sec-fetch-site: same-origin"];
    let next = edge.send("POST", "/session/refresh", &own, "").await;
    assert_eq!((next.status.as_u16(), &next.json["user"]["email"]), (200, &json!("ada@example.org")));
    assert!(cookies(&next)[1].starts_with("boxoffice_refresh=refresh-2;"));
    let token = format!("authorization: Bearer {}", next.json["access_token"].as_str().unwrap());
    let list = edge.send("GET", "/session", &[&token], "").await;
    assert_eq!((&list.json["data"][0]["id"], &list.json["data"][0]["current"]), (&json!(SESSION.to_string()), &json!(true)));
    assert_eq!(list.json["data"][0]["address"], "192.0.2.1");

    let elsewhere = edge.send("POST", "/session/refresh", &[own[0], "sec-fetch-site: cross-site"], "").await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.code()), (403, "cross_site"));
    let nothing = edge.send("POST", "/session/refresh", &[], "").await;
    assert_eq!((nothing.status.as_u16(), nothing.header("www-authenticate")), (401, "Bearer"));
    let used = edge.send("POST", "/session/refresh", &["cookie: boxoffice_refresh=refresh-0", own[1]], "").await;
    assert_eq!((used.status.as_u16(), used.code()), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_program_may_keep_the_refresh_token_itself() {
    let edge = Edge::new();
    let opened = edge.send("POST", "/session", &[], &RIGHT.replace('}', r#","refresh":true}"#)).await;
    assert_eq!((opened.status.as_u16(), &opened.json["refresh_token"]), (201, &json!("refresh-1")));
    assert_eq!(cookies(&opened).len(), 1, "no refresh cookie");
    let next = edge.send("POST", "/session/refresh", &[], r#"{"refresh_token":"refresh-1"}"#).await;
    assert_eq!((next.status.as_u16(), &next.json["refresh_token"]), (200, &json!("refresh-2")));
}

#[tokio::test]
async fn logging_out_ends_the_session_on_the_server() {
    let edge = Edge::new();
    let opened = edge.send("POST", "/session", &[], RIGHT).await;
    let token = format!("authorization: Bearer {}", opened.json["access_token"].as_str().unwrap());
    let out = edge.send("DELETE", "/session", &[&token], "").await;
    assert_eq!((out.status.as_u16(), edge.fake.writes().last().unwrap()), (204, &format!("end_session {SESSION}")));
    let dropped = cookies(&out);
    assert!(dropped.iter().all(|cookie| cookie.contains("=; ") && cookie.contains("Max-Age=0")) && dropped.len() == 2, "{dropped:?}");
    let cookie = "cookie: boxoffice_refresh=refresh-1";
    assert_eq!(edge.send("DELETE", "/session", &[cookie, "sec-fetch-site: same-origin"], "").await.status, 204);
    assert_eq!(edge.send("DELETE", "/session", &[cookie], "").await.code(), "cross_site");
    assert_eq!(edge.send("DELETE", "/session?all=true", &[&token], "").await.status, 204);
    assert_eq!(edge.fake.writes().last().unwrap(), "end_sessions");
    assert_eq!(edge.send("DELETE", "/session?all=1", &[&token], "").await.status, 422);
    assert_eq!(edge.send("DELETE", "/session?all=true", &[], "").await.status, 401);
    assert_eq!(edge.user("DELETE", &format!("/session/{SESSION}"), "").await.status, 204);
    let foreign = edge.user("DELETE", &format!("/session/{}", boxoffice_ledger::ids::SessionId(1)), "").await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (404, "not_found"));
}

#[tokio::test]
async fn a_token_from_before_a_change_reads_but_does_not_write() {
    let edge = Edge::new();
    let hold = format!("/event/{}/hold", event_id());
    edge.fake.inner.lock().standing = Some(Standing::Over);
    let refused = edge.user("POST", &hold, r#"{"seats":[1]}"#).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "unauthenticated"));
    assert_eq!(edge.user("GET", "/user", "").await.status, 200);
    edge.fake.inner.lock().standing = Some(Standing::Unsure);
    assert_eq!(edge.user("POST", &hold, r#"{"seats":[1]}"#).await.status, 201);
    assert!(edge.fake.writes().contains(&"confirmed_standing".to_owned()), "a quorum was asked");
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let edge = Edge::new();
    let hold = format!("/event/{}/hold", event_id());
    let key = format!("authorization: Bearer {KEY}");
    for body in [r#"{"seats":[1]}"#, r#"{"seats":[2]}"#] {
        let held = edge.send("POST", &hold, &[&key, &format!("idempotency-key: {body}")], body).await;
        assert_eq!(held.status.as_u16(), 201, "{}", held.text);
    }
    assert_eq!(edge.fake.writes().iter().filter(|call| *call == "key_holder").count(), 1, "remembered for a moment");
    let tickets = edge.send("GET", "/user/ticket", &[&key], "").await;
    assert_eq!((tickets.status.as_u16(), tickets.code()), (403, "forbidden"));
    assert!(tickets.json["detail"].as_str().unwrap().contains("scope tickets"));
    for (method, path) in [("GET", "/session"), ("POST", "/key"), ("POST", "/user/password"), ("GET", "/user")] {
        let reply = edge.send(method, path, &[&key, "idempotency-key: k"], "").await;
        assert_eq!((reply.status.as_u16(), reply.code()), (403, "forbidden"), "{method} {path}");
    }
    assert_eq!(edge.send("GET", "/status", &[&key], "").await.status, 403, "the owner's role counts too");
    for bad in ["bo_live_bad", "bo_live_", &format!("bo_live_{}", "x".repeat(500))] {
        assert_eq!(edge.send("GET", "/event", &[&format!("authorization: Bearer {bad}")], "").await.status, 401, "{bad}");
    }
}

#[tokio::test]
async fn keys_are_made_listed_and_ended() {
    let edge = Edge::new();
    let made = edge.user("POST", "/key", r#"{"name":"Shop","scopes":["book","scan"],"expires_at":"2099-01-01T00:00:00Z"}"#).await;
    assert_eq!((made.status.as_u16(), &made.json["key"]), (201, &json!(KEY)));
    assert_eq!((&made.json["scopes"], &made.json["expires_at"]), (&json!(["book", "scan"]), &json!("2099-01-01T00:00:00Z")));
    let list = edge.user("GET", "/key", "").await;
    assert_eq!((&list.json["data"][0]["name"], list.text.contains("bo_live_")), (&json!("Shop"), false));
    assert_eq!(edge.user("DELETE", &format!("/key/{}", KeyId(9)), "").await.status, 204);
    assert_eq!(edge.user("DELETE", &format!("/key/{}", KeyId(8)), "").await.status, 404);
    for (body, pointer) in [
        (r#"{"name":"","scopes":["book"]}"#, "/name"),
        (r#"{"name":"a","scopes":[]}"#, "/scopes"),
        (r#"{"name":"a","scopes":["book","all"]}"#, "/scopes/1"),
        (r#"{"name":"a","scopes":["book"],"expires_at":"2001-01-01T00:00:00Z"}"#, "/expires_at"),
        (r#"{"name":"a","scopes":["book"],"user":"usr_1"}"#, "/user"),
    ] {
        let reply = edge.user("POST", "/key", body).await;
        assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

#[tokio::test]
async fn passwords_and_addresses_change_with_the_old_password_or_a_link() {
    let edge = Edge::new();
    let set = edge.user("POST", "/user/password", r#"{"old_password":"correct horse","password":"battery staple"}"#).await;
    assert_eq!((set.status.as_u16(), &set.json["object"]), (200, &json!("session")));
    let token = format!("authorization: Bearer {}", set.json["access_token"].as_str().unwrap());
    assert_eq!(edge.send("GET", "/user", &[&token], "").await.status, 200);
    let wrong = edge.user("POST", "/user/password", r#"{"old_password":"x","password":"battery staple"}"#).await;
    assert_eq!((wrong.status.as_u16(), wrong.code(), wrong.header("www-authenticate")), (401, "bad_credentials", "Bearer"));
    let weak = edge.user("POST", "/user/password", r#"{"old_password":"correct horse","password":"password123"}"#).await;
    assert_eq!((weak.status.as_u16(), &weak.json["errors"][0]["code"]), (422, &json!("too_common")));

    let mut answers = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        let asked = edge.send("POST", "/user/password/reset", &[], &json!({"email": email}).to_string()).await;
        answers.push((asked.status.as_u16(), asked.text));
    }
    assert_eq!((answers[0].0, &answers[0]), (202, &answers[1]), "the same answer for everybody");
    let confirm = |token: &str| json!({"token": token, "password": "battery staple"}).to_string();
    let key = "idempotency-key: k";
    assert_eq!(edge.send("POST", "/user/password/reset/confirm", &[key], &confirm("link")).await.status, 204);
    let over = edge.send("POST", "/user/password/reset/confirm", &[key], &confirm("other")).await;
    assert_eq!((over.status.as_u16(), over.code()), (410, "link_over"));

    let asked = edge.user("POST", "/user/email", r#"{"email":" New@example.org","password":"correct horse"}"#).await;
    assert_eq!((asked.status.as_u16(), &asked.json["email"]), (202, &json!("new@example.org")));
    let changed = edge.send("POST", "/user/email/confirm", &[], r#"{"token":"link"}"#).await;
    assert_eq!((changed.status.as_u16(), &changed.json["email"]), (200, &json!("new@example.org")));
}

#[tokio::test]
async fn mails_cannot_be_made_to_flood_an_address() {
    let mut limits = config().limits;
    limits.mail = Rate { per_minute: 1, burst: 2 };
    let edge = Edge::with(ApiConfig { limits, ..config() });
    let ask = async |email: &str| edge.send("POST", "/user/password/reset", &[], &json!({"email": email}).to_string()).await;
    for email in ["nobody@example.org", "ada@example.org"] {
        assert_eq!([ask(email).await.status.as_u16(), ask(email).await.status.as_u16()], [202, 202]);
        let flood = ask(email).await;
        assert_eq!((flood.status.as_u16(), flood.code(), flood.header("retry-after").is_empty()), (429, "rate_limited", false));
        assert!(flood.header("ratelimit-policy").starts_with("\"mail\""));
    }
}

#[tokio::test]
async fn another_key_signs_and_every_node_follows() {
    let edge = Edge::new();
    let old = edge.send("POST", "/session", &[], RIGHT).await.json["access_token"].as_str().unwrap().to_owned();
    let rotated = edge.as_role(Role::Admin, "POST", "/admin/key/rotate", "").await;
    assert_eq!((rotated.status.as_u16(), &rotated.json["epoch"]), (200, &json!(1)));
    assert_eq!(edge.fake.writes().last().unwrap(), "rotate_signing_key 960000");
    let new = edge.send("POST", "/session", &[], RIGHT).await.json["access_token"].as_str().unwrap().to_owned();
    assert_ne!(old.split('.').next(), new.split('.').next(), "another key id");
    for token in [&old, &new] {
        assert_eq!(edge.send("GET", "/user", &[&format!("authorization: Bearer {token}")], "").await.status, 200);
    }
    let keys = edge.get("/.well-known/jwks.json").await.json["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 4, "the old, the new, the next, and the secret holder's");
    assert!(keys.iter().all(|key| key["alg"] == "EdDSA" && key["crv"] == "Ed25519" && key.get("d").is_none()));
}

#[tokio::test]
async fn the_first_admin_and_the_audit_trail() {
    let edge = Edge::new();
    assert_eq!(edge.get("/admin/claim").await.json["claimed"], false);
    let body = |token: &str| json!({"token": token, "email": "root@example.org", "name": "Root", "password": "correct horse"}).to_string();
    let claimed = edge.send("POST", "/admin/claim", &["idempotency-key: k"], &body("link")).await;
    assert_eq!((claimed.status.as_u16(), &claimed.json["role"]), (201, &json!("admin")));
    assert_eq!(edge.send("POST", "/admin/claim", &["idempotency-key: l"], &body("guess")).await.status, 410);
    let page = edge.as_role(Role::Operator, "GET", "/admin/audit?group=10&cursor=6&limit=1", "").await;
    assert_eq!(edge.fake.writes().last().unwrap(), "audit Some(10) Done Some(6) 1");
    assert_eq!(page.json["data"][0]["address"], "192.0.2.7");
    edge.as_role(Role::Operator, "GET", "/admin/audit?trail=denied", "").await;
    assert_eq!(edge.fake.writes().last().unwrap(), "audit None Denied None 25");
    assert_eq!(edge.as_role(Role::Operator, "GET", "/admin/audit?trail=x", "").await.status, 422);
    assert_eq!((&page.json["data"][0]["action"], &page.json["next_cursor"]), (&json!("role_changed"), &json!("7")));
    assert_eq!(page.json["data"][0]["hash"].as_str().unwrap().len(), 64);
    assert!(page.header("link").contains("cursor=7"));
    assert_eq!(edge.as_role(Role::Operator, "GET", "/admin/audit?cursor=x", "").await.status, 422);
}

#[tokio::test]
async fn other_sites_may_call_only_if_configured_and_never_with_cookies() {
    let edge = Edge::with(ApiConfig { allowed_origins: vec!["https://shop.example".into()], ..config() });
    let ask = ["access-control-request-method: POST", "access-control-request-headers: authorization"];
    let friend = edge.send("OPTIONS", "/event", &[ask[0], ask[1], "origin: https://shop.example"], "").await;
    assert_eq!((friend.status.as_u16(), friend.header("access-control-allow-origin")), (204, "https://shop.example"));
    assert!(friend.header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(friend.header("access-control-allow-credentials"), "");
    let stranger = edge.send("OPTIONS", "/event", &[ask[0], "origin: https://evil.example"], "").await;
    assert_eq!((stranger.status.as_u16(), stranger.header("access-control-allow-origin")), (405, ""));
    let read = edge.send("GET", "/event", &["origin: https://shop.example"], "").await;
    assert_eq!((read.header("access-control-allow-origin"), read.header("vary")), ("https://shop.example", "origin"));
    assert_eq!(edge.send("GET", "/event", &["origin: https://evil.example"], "").await.header("access-control-allow-origin"), "");
    let none = Edge::new().send("GET", "/event", &["origin: https://shop.example"], "").await;
    assert_eq!((none.header("access-control-allow-origin"), none.header("x-frame-options")), ("", "DENY"));
}

#[tokio::test]
async fn browsers_are_told_to_come_back_over_tls_where_there_is_tls() {
    let edge = Edge::with(ApiConfig { secure_cookies: true, ..config() });
    for path in ["/", "/event", "/nowhere", "/style.css"] {
        assert_eq!(edge.get(path).await.header("strict-transport-security"), "max-age=31536000", "{path}");
        assert_eq!(Edge::new().get(path).await.header("strict-transport-security"), "", "{path}");
    }
}
