//! Who may do what: every route with every role, tokens that are not good, cookies from elsewhere, other people's objects.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{OrderId, Slot, TicketId};

use super::fake::{event_id, image_id, performer_id, plan_hash, venue_id};
use super::harness::Edge;
use crate::router::{Access, ROUTES, Route, Verb};

/// The path of a route with ids that exist.
fn path(route: &Route) -> String {
    let id = match route.path.split('/').nth(1) {
        Some("venue") => venue_id().to_string(),
        Some("performer") => performer_id().to_string(),
        Some("user") => TicketId::of_order(OrderId::for_tickets(1, Slot::new(9), 0), 0).to_string(),
        Some("cluster") => "1".to_owned(),
        Some("backup") => super::fake::backup::backup_id().to_string(),
        Some("webhook") => super::fake::changes::webhook_id().to_string(),
        _ => event_id().to_string(),
    };
    let image = image_id().to_string();
    let path = if route.path.starts_with("/media") { route.path.replace("{hash}", &image) } else { route.path.to_owned() };
    let path = path.replace("{id}", &id).replace("{query}", "radio").replace("{hash}", &plan_hash().to_string());
    path.replace("{hold}", &boxoffice_ledger::ids::HoldId(5).to_string())
        .replace("{group}", "3")
        .replace("{code}", "internal")
        .replace("{promo}", "SUMMER")
}

fn verb(route: &Route) -> &'static str {
    match route.method {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    }
}

/// Which routes are open, or need less than an operator: everything else is for operators. Kept apart from the table on
/// purpose, so that a slip there is noticed here.
fn expected(route: &Route) -> Option<Role> {
    match (route.method, route.path) {
        (Verb::Get, "/event/{id}/sale") | (Verb::Post, "/order/{id}/cancel") => Some(Role::Coordinator),
        (Verb::Get, "/docs" | "/openapi.json" | "/media/{hash}") | (Verb::Post, "/event/availability") => None,
        (Verb::Post, "/media") => Some(Role::Coordinator),
        (Verb::Post, "/cluster/join") => None,
        (Verb::Post, "/cluster/member") | (Verb::Delete, "/cluster/member/{id}") => Some(Role::Admin),
        (_, path) if path == "/changes" || path.starts_with("/webhook") => Some(Role::Coordinator),
        (_, path) if path.starts_with("/event/{id}/promo") || path.starts_with("/event/{id}/allocation") => Some(Role::Coordinator),
        (_, path) if path.starts_with("/event/{id}/hold") => Some(Role::Guest),
        (_, path) if path.starts_with("/cart") || path == "/user/cart" => Some(Role::Customer),
        (Verb::Post, "/user/guest" | "/user/guest/open" | "/user/guest/claim") => None,
        (Verb::Post, "/user/guest/hand-over") => Some(Role::Customer),
        // What a guest sees and gives back of what they bought.
        (Verb::Get, "/user" | "/user/ticket" | "/user/ticket/{id}" | "/user/order" | "/order/{id}" | "/session") => Some(Role::Guest),
        (Verb::Post, "/user/ticket/{id}/refund" | "/order/{id}/refund") | (Verb::Delete, "/session/{id}") => Some(Role::Guest),
        (
            Verb::Get,
            "/" | "/healthz" | "/metrics" | "/readyz" | "/problem/{code}" | "/layout/{hash}" | "/.well-known/jwks.json" | "/admin/claim",
        ) => None,
        (Verb::Get, "/.well-known/ticket-keys.json") => None,
        (Verb::Get, "/event/{id}/gate") | (Verb::Post, "/scan" | "/event/{id}/scan/offline") => Some(Role::Gate),
        (Verb::Get, "/event/{id}/scan" | "/event/{id}/ticket") => Some(Role::Coordinator),
        (_, path) if path.starts_with("/user/ticket") || path.starts_with("/user/transfer") => Some(Role::Customer),
        (Verb::Get, path) if ["/event", "/venue", "/performer"].iter().any(|open| path.starts_with(open)) => None,
        (Verb::Post, "/user" | "/session" | "/session/refresh" | "/admin/claim") | (Verb::Delete, "/session") => None,
        (Verb::Post, "/payment/webhook") => None,
        (Verb::Post, "/user/password/reset" | "/user/password/reset/confirm" | "/user/email/confirm") => None,
        (Verb::Post, "/user/{id}/role" | "/admin/key/rotate") => Some(Role::Admin),
        (_, path) if ["/session", "/key", "/user/password", "/user/email"].iter().any(|own| path.starts_with(own)) => Some(Role::Customer),
        (Verb::Post | Verb::Patch, path) if ["/event", "/venue", "/performer"].iter().any(|open| path.starts_with(open)) => {
            Some(Role::Coordinator)
        }
        _ => Some(Role::Operator),
    }
}

#[tokio::test]
async fn nothing_is_allowed_that_is_not_meant_to_be() {
    let edge = Edge::new();
    // Metrics are for trusted networks too: `operators_look_at_the_node` holds who gets them.
    for route in ROUTES.iter().filter(|route| route.path != "/metrics") {
        let least = expected(route);
        assert_eq!(route.access, least.map_or(Access::Public, Access::Role), "{} {}", verb(route), route.path);
        let anyone = edge.send(verb(route), &path(route), &["idempotency-key: k"], "").await;
        // These say 401 about what is in their bodies and cookies.
        let login = matches!(route.path, "/session" | "/session/refresh" | "/user/password") && route.method == Verb::Post;
        assert!(login || (anyone.status == 401) == least.is_some(), "{} {}: {}", verb(route), route.path, anyone.status);
        if least.is_some() {
            assert_eq!((anyone.code(), anyone.header("www-authenticate")), ("unauthenticated", "Bearer"));
        }
        for role in crate::auth::ROLES {
            let reply = edge.as_role(role, verb(route), &path(route), "").await;
            let allowed = least.is_none_or(|least| role >= least);
            assert_eq!(reply.code() != "forbidden", allowed, "{} {} as {role:?}", verb(route), route.path);
            assert!(reply.status != 401 || login, "{} {} as {role:?}", verb(route), route.path);
            assert!(reply.status != 500, "{} {} as {role:?}: {}", verb(route), route.path, reply.text);
        }
    }
}

#[tokio::test]
async fn writes_need_a_key_unless_they_are_harmless_to_repeat() {
    // What opens a session or mails a link is harmless to repeat, and what a link or a token does it does once. A scan carries
    // a number of its own, an image its content, and a message of the payment provider its id.
    let free = [
        "/event/availability",
        "/session",
        "/session/refresh",
        "/payment/webhook",
        "/user/password/reset",
        "/user/email",
        "/user/email/confirm",
        "/user/guest",
        "/user/guest/open",
        "/user/guest/hand-over",
        "/scan",
        "/event/{id}/scan/offline",
        "/event/{id}/price/preview",
        "/media",
        "/cluster/group/{group}/leader",
        "/cluster/rebalance",
    ];
    for route in ROUTES.iter().filter(|route| route.method != Verb::Get) {
        if free.contains(&route.path) && route.method == Verb::Post {
            assert_eq!(route.key, crate::router::Key::None, "{}", route.path);
            continue;
        }
        let optional = matches!(route.method, Verb::Patch | Verb::Delete);
        assert_eq!(route.key == crate::router::Key::Optional, optional, "{} {}", verb(route), route.path);
        assert_eq!(route.key == crate::router::Key::Required, !optional, "{} {}", verb(route), route.path);
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_everywhere_alike() {
    let edge = Edge::new();
    let good = edge.token(Role::Operator, 1);
    let other = super::harness::config();
    let foreign = Edge::with(crate::config::ApiConfig { secret: [43; 32], ..other }).token(Role::Operator, 1);
    let (head, rest) = good.split_once('.').unwrap();
    let tampered = format!("{head}.f{}", &rest[1..]);
    for value in
        [format!("Bearer {foreign}"), format!("Bearer {tampered}"), "Bearer ".into(), "Bearer x".into(), format!("Basic {good}"), good]
    {
        for path in ["/status", "/event"] {
            let reply = edge.send("GET", path, &[&format!("authorization: {value}")], "").await;
            assert_eq!((reply.status.as_u16(), reply.code()), (401, "unauthenticated"), "{path} {value}");
            assert_eq!(reply.json["detail"], "Send a valid access token.");
        }
    }
}

#[tokio::test]
async fn a_cookie_changes_things_only_from_our_own_pages() {
    let edge = Edge::new();
    let cookie = format!("cookie: boxoffice_session={}", edge.token(Role::Customer, 1));
    let hold = format!("/event/{}/hold", event_id());
    let key = "idempotency-key: k";
    for (headers, status) in [
        (&["sec-fetch-site: same-origin"][..], 201),
        (&["sec-fetch-site: cross-site"][..], 403),
        (&["sec-fetch-site: same-site"][..], 403),
        (&["sec-fetch-site: none"][..], 403),
        (&["host: box.example", "origin: https://box.example"][..], 201),
        (&["host: box.example", "origin: https://evil.example"][..], 403),
        (&["host: box.example", "origin: null"][..], 403),
        (&["host: box.example"][..], 403),
    ] {
        let all: Vec<&str> = [cookie.as_str(), key].into_iter().chain(headers.iter().copied()).collect();
        let reply = edge.send("POST", &hold, &all, r#"{"seats":[1]}"#).await;
        assert_eq!(reply.status.as_u16(), status, "{headers:?} {}", reply.text);
        assert_eq!(reply.code() == "cross_site", status == 403, "{headers:?}");
    }
    assert_eq!(edge.send("GET", "/user", &[&cookie, "sec-fetch-site: cross-site"], "").await.status, 200);
    let stale = edge.send("GET", "/event", &["cookie: boxoffice_session=old"], "").await;
    assert_eq!(stale.status, 200, "a stale cookie is a visitor");
    assert_eq!(stale.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn other_peoples_objects_are_not_found() {
    let edge = Edge::new();
    let hold = format!("/event/{}/hold", event_id());
    let own = edge.user("POST", &hold, r#"{"seats":[1]}"#).await.json["id"].as_str().unwrap().to_owned();
    let token = format!("authorization: Bearer {}", edge.token(Role::Customer, 2));
    let nothing = boxoffice_ledger::ids::HoldId(77).to_string();
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/extend"), ("POST", "/pay")] {
        let mut replies = Vec::new();
        for id in [&own, &nothing] {
            let reply = edge.send(method, &format!("{hold}/{id}{rest}"), &[&token, "idempotency-key: k"], "").await;
            assert_eq!(reply.status.as_u16(), 404, "{method} {rest}");
            replies.push((reply.json["detail"].clone(), reply.json["title"].clone()));
        }
        assert_eq!(replies[0], replies[1], "a foreign object looks like none");
    }
}
