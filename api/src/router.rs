//! Every path of the product in one table: method, path, who may use it, whether it needs a key, what its query may hold.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use boxoffice_ledger::command::Role;
use futures::future::BoxFuture;

use crate::backend;
use crate::call::Call;
use crate::edge::Edge;
use crate::error::HttpProblem;
use crate::import::UPLOAD_BYTES_MAX;
use crate::live;
use crate::route::{
    admin, backup, cart, change, event, guest, hold, hook, import, inspection, key, list, media, member, performer, price, promo, refund,
    sale, scan, search, seat, session, site, ticket, user, venue, webhook,
};

/// Largest request body, in bytes; a seating plan may be larger.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Methods of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// GET, and HEAD with it.
    Get,
    /// POST.
    Post,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, logged in or not.
    Public,
    /// Accounts with this role or above.
    Role(Role),
}

/// Whether a route writes, and so takes an Idempotency-Key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It does not write.
    None,
    /// A key may be sent; without one every request is a new one.
    Optional,
    /// A key must be sent.
    Required,
}

/// Which limits hold for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The usual ones.
    Normal,
    /// The tighter ones of logins and registrations.
    Login,
    /// None: answered even when there is no room.
    Probe,
}

/// What a route's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// JSON.
    Json,
    /// An image; which kind is judged by its content.
    Image,
}

/// What a route gives.
pub type Running = BoxFuture<'static, Result<Response<Body>, HttpProblem>>;

/// A line of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// Method.
    pub method: Verb,
    /// Path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// Whether it takes a key.
    pub key: Key,
    /// Which limits hold.
    pub class: Class,
    /// Largest body, in bytes.
    pub body_max: usize,
    /// What its body is.
    pub takes: Takes,
    /// Parameters that its query may have.
    pub query: &'static [&'static str],
    /// What it does.
    pub run: fn(Arc<Edge>, Call) -> Running,
}

const PUBLIC: Access = Access::Public;
/// Who buys without an account of their own, too.
const GUEST: Access = Access::Role(Role::Guest);
const USER: Access = Access::Role(Role::Customer);
const COORDINATOR: Access = Access::Role(Role::Coordinator);
const OPERATOR: Access = Access::Role(Role::Operator);
const ADMIN: Access = Access::Role(Role::Admin);
/// Who may scan; whose events is for the backend to say.
const GATE: Access = Access::Role(Role::Gate);

const PAGE: &[&str] = &["limit", "cursor"];
const LIST: &[&str] = &[
    "limit",
    "cursor",
    "sort",
    "city",
    "category",
    "venue",
    "performer",
    "from",
    "to",
    "min_price",
    "max_price",
    "available",
    "on_sale",
    "expand",
];
const FIND: &[&str] = &[
    "limit",
    "cursor",
    "city",
    "category",
    "venue",
    "performer",
    "from",
    "to",
    "min_price",
    "max_price",
    "available",
    "on_sale",
    "facets",
    "expand",
];
const SEARCH: &[&str] = &[
    "q",
    "limit",
    "cursor",
    "city",
    "category",
    "venue",
    "performer",
    "from",
    "to",
    "min_price",
    "max_price",
    "available",
    "on_sale",
    "facets",
    "expand",
];
const SEATS: &[&str] = &["section", "state", "max_price", "as_of", "limit", "cursor"];

const CHANGES: &[&str] = &["after", "group", "event", "type", "limit", "follow"];

type Run = fn(Arc<Edge>, Call) -> Running;

const fn get(path: &'static str, access: Access, query: &'static [&'static str], run: Run) -> Route {
    Route { method: Verb::Get, path, access, key: Key::None, class: Class::Normal, body_max: 0, takes: Takes::Json, query, run }
}

const fn write(method: Verb, path: &'static str, access: Access, key: Key, run: Run) -> Route {
    Route { method, path, access, key, class: Class::Normal, body_max: BODY_BYTES_MAX, takes: Takes::Json, query: &[], run }
}

const fn post(path: &'static str, access: Access, run: Run) -> Route {
    write(Verb::Post, path, access, Key::Required, run)
}

/// A write that a stranger can try: it hashes or checks secrets, so its rate is that of logins.
const fn tried(path: &'static str, key: Key, run: Run) -> Route {
    Route { class: Class::Login, ..write(Verb::Post, path, PUBLIC, key, run) }
}

const fn probe(path: &'static str, run: Run) -> Route {
    Route { class: Class::Probe, ..get(path, PUBLIC, &[], run) }
}

/// The table.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    get("/event", PUBLIC, LIST, |edge, call| Box::pin(list::list(edge, call))),
    post("/event", COORDINATOR, |edge, call| Box::pin(event::create(edge, call))),
    write(Verb::Post, "/event/availability", PUBLIC, Key::None, |edge, call| Box::pin(list::availability(edge, call))),
    get("/event/search", PUBLIC, SEARCH, |edge, call| Box::pin(search::search(edge, call))),
    get("/event/search/{query}", PUBLIC, FIND, |edge, call| Box::pin(search::search(edge, call))),
    get("/event/suggest", PUBLIC, &["q", "limit"], |edge, call| Box::pin(search::suggest(edge, call))),
    get("/event/{id}", PUBLIC, &["expand"], |edge, call| Box::pin(event::show(edge, call))),
    Route {
        body_max: import::IMPORT_BYTES_MAX,
        ..post("/event/import", COORDINATOR, |edge, call| Box::pin(import::import(edge, call)))
    },
    write(Verb::Patch, "/event/{id}", COORDINATOR, Key::Optional, |edge, call| Box::pin(event::change(edge, call))),
    post("/event/{id}/publish", COORDINATOR, |edge, call| Box::pin(event::publish(edge, call))),
    post("/event/{id}/postpone", COORDINATOR, |edge, call| Box::pin(event::postpone(edge, call))),
    post("/event/{id}/open", COORDINATOR, |edge, call| Box::pin(sale::open(edge, call))),
    post("/event/{id}/pause", COORDINATOR, |edge, call| Box::pin(sale::pause(edge, call))),
    post("/event/{id}/resume", COORDINATOR, |edge, call| Box::pin(sale::resume(edge, call))),
    post("/event/{id}/close", COORDINATOR, |edge, call| Box::pin(sale::close(edge, call))),
    post("/event/{id}/cancel", COORDINATOR, |edge, call| Box::pin(sale::cancel(edge, call))),
    post("/event/{id}/block", COORDINATOR, |edge, call| Box::pin(sale::block(edge, call))),

    post("/event/{id}/promo", COORDINATOR, |edge, call| Box::pin(promo::create(edge, call))),
    get("/event/{id}/promo", COORDINATOR, PAGE, |edge, call| Box::pin(promo::list(edge, call))),
    get("/event/{id}/promo/{promo}", COORDINATOR, &[], |edge, call| Box::pin(promo::show(edge, call))),
    write(Verb::Patch, "/event/{id}/promo/{promo}", COORDINATOR, Key::Optional, |edge, call| Box::pin(promo::change(edge, call))),
    post("/event/{id}/allocation", COORDINATOR, |edge, call| Box::pin(promo::allocate(edge, call))),
    get("/event/{id}/allocation", COORDINATOR, &[], |edge, call| Box::pin(promo::allocations(edge, call))),

    get("/event/{id}/price", PUBLIC, &[], |edge, call| Box::pin(price::show(edge, call))),
    get("/event/{id}/price/history", PUBLIC, &["level", "limit", "cursor"], |edge, call| Box::pin(price::history(edge, call))),
    write(Verb::Patch, "/event/{id}/price", COORDINATOR, Key::Optional, |edge, call| Box::pin(price::change(edge, call))),
    write(Verb::Post, "/event/{id}/price/preview", COORDINATOR, Key::None, |edge, call| Box::pin(price::preview(edge, call))),

    get("/event/{id}/sale", COORDINATOR, &[], |edge, call| Box::pin(refund::sale(edge, call))),

    get("/event/{id}/seat", PUBLIC, SEATS, |edge, call| Box::pin(seat::map(edge, call))),
    get("/event/{id}/seat/live", PUBLIC, &[], |edge, call| Box::pin(live::live(edge, call))),
    get("/event/{id}/seat/stream", PUBLIC, &["since"], |edge, call| Box::pin(live::stream(edge, call))),
    get("/event/{id}/poster.svg", PUBLIC, &[], |edge, call| Box::pin(media::poster(edge, call))),
    get("/layout/{hash}", PUBLIC, &[], |edge, call| Box::pin(seat::layout(edge, call))),

    post("/event/{id}/hold", GUEST, |edge, call| Box::pin(hold::create(edge, call))),
    get("/event/{id}/hold/{hold}", GUEST, &[], |edge, call| Box::pin(hold::show(edge, call))),
    write(Verb::Delete, "/event/{id}/hold/{hold}", GUEST, Key::Optional, |edge, call| Box::pin(hold::release(edge, call))),
    post("/event/{id}/hold/{hold}/extend", GUEST, |edge, call| Box::pin(hold::extend(edge, call))),
    post("/event/{id}/hold/{hold}/pay", GUEST, |edge, call| Box::pin(hold::pay(edge, call))),

    post("/cart", USER, |edge, call| Box::pin(cart::create(edge, call))),
    get("/cart/{id}", USER, &[], |edge, call| Box::pin(cart::show(edge, call))),
    write(Verb::Delete, "/cart/{id}", USER, Key::Optional, |edge, call| Box::pin(cart::release(edge, call))),
    post("/cart/{id}/pay", USER, |edge, call| Box::pin(cart::pay(edge, call))),
    get("/user/cart", USER, &[], |edge, call| Box::pin(cart::list(edge, call))),

    get("/order/{id}", GUEST, &[], |edge, call| Box::pin(ticket::order(edge, call))),
    post("/order/{id}/refund", GUEST, |edge, call| Box::pin(refund::of_order(edge, call))),
    post("/order/{id}/cancel", COORDINATOR, |edge, call| Box::pin(refund::cancel_order(edge, call))),
    post("/user/ticket/{id}/refund", GUEST, |edge, call| Box::pin(refund::of_ticket(edge, call))),
    write(Verb::Post, "/payment/webhook", PUBLIC, Key::None, |edge, call| Box::pin(webhook::receive(edge, call))),
    get("/user/order", GUEST, PAGE, |edge, call| Box::pin(ticket::orders(edge, call))),
    get("/user/ticket", GUEST, &["limit", "cursor", "expand", "when", "event"], |edge, call| Box::pin(ticket::list(edge, call))),
    get("/user/ticket/{id}", GUEST, &["expand"], |edge, call| Box::pin(ticket::show(edge, call))),
    post("/user/ticket/{id}/transfer", USER, |edge, call| Box::pin(ticket::offer(edge, call))),
    write(Verb::Delete, "/user/ticket/{id}/transfer", USER, Key::Optional, |edge, call| Box::pin(ticket::withdraw(edge, call))),
    get("/user/transfer", USER, &[], |edge, call| Box::pin(ticket::offers(edge, call))),
    post("/user/transfer/{id}/accept", USER, |edge, call| Box::pin(ticket::accept(edge, call))),
    get("/.well-known/ticket-keys.json", PUBLIC, &[], |edge, call| Box::pin(ticket::keys(edge, call))),

    write(Verb::Post, "/scan", GATE, Key::None, |edge, call| Box::pin(scan::scan(edge, call))),
    get("/event/{id}/gate", GATE, &[], |edge, call| Box::pin(scan::gate(edge, call))),
    Route {
        body_max: scan::UPLOAD_BYTES_MAX,
        ..write(Verb::Post, "/event/{id}/scan/offline", GATE, Key::None, |edge, call| Box::pin(scan::upload(edge, call)))
    },
    get("/event/{id}/scan", COORDINATOR, PAGE, |edge, call| Box::pin(scan::report(edge, call))),
    get("/event/{id}/ticket", COORDINATOR, &["limit", "cursor", "state"], |edge, call| Box::pin(scan::tickets(edge, call))),

    tried("/user", Key::Required, |edge, call| Box::pin(user::register(edge, call))),
    get("/user", GUEST, &[], |edge, call| Box::pin(user::show(edge, call))),
    post("/user/{id}/role", ADMIN, |edge, call| Box::pin(user::set_role(edge, call))),
    Route { class: Class::Login, ..post("/user/password", USER, |edge, call| Box::pin(user::change_password(edge, call))) },
    tried("/user/password/reset", Key::None, |edge, call| Box::pin(user::ask_reset(edge, call))),
    tried("/user/password/reset/confirm", Key::Required, |edge, call| Box::pin(user::reset_password(edge, call))),
    Route { class: Class::Login, ..write(Verb::Post, "/user/email", USER, Key::None, |edge, call| Box::pin(user::ask_email(edge, call))) },
    tried("/user/guest", Key::None, |edge, call| Box::pin(guest::open(edge, call))),
    tried("/user/guest/open", Key::None, |edge, call| Box::pin(guest::open_link(edge, call))),
    tried("/user/guest/claim", Key::Required, |edge, call| Box::pin(guest::claim(edge, call))),
    write(Verb::Post, "/user/guest/hand-over", USER, Key::None, |edge, call| Box::pin(guest::hand_over(edge, call))),
    tried("/user/email/confirm", Key::None, |edge, call| Box::pin(user::change_email(edge, call))),

    tried("/session", Key::None, |edge, call| Box::pin(session::log_in(edge, call))),
    get("/session", GUEST, &[], |edge, call| Box::pin(session::list(edge, call))),
    Route {
        query: &["all"],
        ..write(Verb::Delete, "/session", PUBLIC, Key::Optional, |edge, call| Box::pin(session::log_out(edge, call)))
    },
    write(Verb::Post, "/session/refresh", PUBLIC, Key::None, |edge, call| Box::pin(session::refresh(edge, call))),
    write(Verb::Delete, "/session/{id}", GUEST, Key::Optional, |edge, call| Box::pin(session::end(edge, call))),

    post("/key", USER, |edge, call| Box::pin(key::create(edge, call))),
    get("/key", USER, &[], |edge, call| Box::pin(key::list(edge, call))),
    write(Verb::Delete, "/key/{id}", USER, Key::Optional, |edge, call| Box::pin(key::revoke(edge, call))),

    get("/admin/claim", PUBLIC, &[], |edge, call| Box::pin(admin::claimed(edge, call))),
    tried("/admin/claim", Key::Required, |edge, call| Box::pin(admin::claim(edge, call))),
    post("/admin/key/rotate", ADMIN, |edge, call| Box::pin(admin::rotate_key(edge, call))),
    get("/admin/audit", OPERATOR, &["group", "trail", "limit", "cursor"], |edge, call| Box::pin(admin::audit(edge, call))),
    get("/.well-known/jwks.json", PUBLIC, &[], |edge, call| Box::pin(admin::public_keys(edge, call))),

    get("/venue", PUBLIC, PAGE, |edge, call| Box::pin(venue::list(edge, call))),
    post("/venue", COORDINATOR, |edge, call| Box::pin(venue::create(edge, call))),
    get("/venue/{id}", PUBLIC, &[], |edge, call| Box::pin(venue::show(edge, call))),
    write(Verb::Patch, "/venue/{id}", COORDINATOR, Key::Optional, |edge, call| Box::pin(venue::change(edge, call))),
    Route {
        body_max: UPLOAD_BYTES_MAX, query: &["fix"],
        ..post("/venue/{id}/plan", COORDINATOR, |edge, call| Box::pin(venue::put_plan(edge, call)))
    },
    get("/performer", PUBLIC, PAGE, |edge, call| Box::pin(performer::list(edge, call))),
    post("/performer", COORDINATOR, |edge, call| Box::pin(performer::create(edge, call))),
    get("/performer/{id}", PUBLIC, &[], |edge, call| Box::pin(performer::show(edge, call))),
    write(Verb::Patch, "/performer/{id}", COORDINATOR, Key::Optional, |edge, call| Box::pin(performer::change(edge, call))),

    Route {
        body_max: backend::UPLOAD_BYTES_MAX, takes: Takes::Image,
        ..write(Verb::Post, "/media", COORDINATOR, Key::None, |edge, call| Box::pin(media::upload(edge, call)))
    },
    get("/media/{hash}", PUBLIC, &["width"], |edge, call| Box::pin(media::show(edge, call))),
    get("/changes", COORDINATOR, CHANGES, |edge, call| Box::pin(change::follow(edge, call))),
    post("/webhook", COORDINATOR, |edge, call| Box::pin(hook::create(edge, call))),
    get("/webhook", COORDINATOR, &[], |edge, call| Box::pin(hook::list(edge, call))),
    get("/webhook/{id}", COORDINATOR, &[], |edge, call| Box::pin(hook::show(edge, call))),
    write(Verb::Patch, "/webhook/{id}", COORDINATOR, Key::Optional, |edge, call| Box::pin(hook::change(edge, call))),
    write(Verb::Delete, "/webhook/{id}", COORDINATOR, Key::Optional, |edge, call| Box::pin(hook::delete(edge, call))),
    post("/webhook/{id}/rotate", COORDINATOR, |edge, call| Box::pin(hook::rotate(edge, call))),
    post("/webhook/{id}/test", COORDINATOR, |edge, call| Box::pin(hook::test(edge, call))),
    post("/webhook/{id}/replay", COORDINATOR, |edge, call| Box::pin(hook::replay(edge, call))),
    get("/webhook/{id}/delivery", COORDINATOR, &[], |edge, call| Box::pin(hook::deliveries(edge, call))),

    get("/cluster/member", OPERATOR, &[], |edge, call| Box::pin(member::list(edge, call))),
    post("/cluster/member", ADMIN, |edge, call| Box::pin(member::invite(edge, call))),
    tried("/cluster/join", Key::Required, |edge, call| Box::pin(member::join(edge, call))),
    post("/cluster/member/{id}/drain", OPERATOR, |edge, call| Box::pin(member::drain(edge, call))),
    post("/cluster/member/{id}/undrain", OPERATOR, |edge, call| Box::pin(member::undrain(edge, call))),
    write(Verb::Delete, "/cluster/member/{id}", ADMIN, Key::Optional, |edge, call| Box::pin(member::remove(edge, call))),
    write(Verb::Post, "/cluster/group/{group}/leader", OPERATOR, Key::None, |edge, call| Box::pin(member::lead(edge, call))),
    write(Verb::Post, "/cluster/rebalance", OPERATOR, Key::None, |edge, call| Box::pin(member::rebalance(edge, call))),
    post("/backup", OPERATOR, |edge, call| Box::pin(backup::ask(edge, call))),
    get("/backup", OPERATOR, &[], |edge, call| Box::pin(backup::status(edge, call))),
    get("/backup/{id}", OPERATOR, &[], |edge, call| Box::pin(backup::show(edge, call))),

    get("/digest/{group}", OPERATOR, &["index"], |edge, call| Box::pin(admin::digest(edge, call))),
    get("/check/{group}", OPERATOR, &[], |edge, call| Box::pin(inspection::check(edge, call))),
    get("/log/{group}", OPERATOR, &["from", "limit"], |edge, call| Box::pin(inspection::log(edge, call))),
    get("/status", OPERATOR, &[], |edge, call| Box::pin(admin::status(edge, call))),
    probe("/healthz", |edge, call| Box::pin(admin::healthz(edge, call))),
    probe("/metrics", |edge, call| Box::pin(admin::metrics(edge, call))),
    probe("/readyz", |edge, call| Box::pin(admin::readyz(edge, call))),
    get("/", PUBLIC, &[], |edge, call| Box::pin(site::page(edge, call))),
    get("/docs", PUBLIC, &[], |edge, call| Box::pin(site::docs(edge, call))),
    get("/openapi.json", PUBLIC, &[], |edge, call| Box::pin(site::openapi(edge, call))),
    get("/problem/{code}", PUBLIC, &[], |edge, call| Box::pin(site::problem(edge, call))),
];
