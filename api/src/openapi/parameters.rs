//! Parameters of paths, queries and headers.

use serde_json::{Map, Value, json};

use super::operation::Operation;
use crate::backend::WIDTHS;
use crate::changes::KINDS;
use crate::error::Code;
use crate::json::{STATE_NAMES, TextForm};
use crate::route::change::LIMIT_MAX;
use crate::route::event::{CITY_BYTES_MAX, PRICE_MAX, SEARCH_CHARS_MAX};
use crate::route::inspection::ENTRIES_MAX;
use crate::route::list::SORTS;
use crate::route::search::SUGGESTIONS_MAX;
use crate::router::{Key, Route};
use boxoffice_ledger::ids::{
    BackupId, CartId, EventId, HoldId, KeyId, MediaHash, OrderId, PerformerId, PlanHash, SessionId, TicketId, UserId, VenueId, WebhookId,
};

/// Everything that a route takes beside its body.
pub fn of(route: &Route, operation: &Operation) -> Vec<Value> {
    let mut found: Vec<Value> = path_names(route.path)
        .map(|name| {
            let (text, schema) = in_path(route.path, name);
            json!({"name": name, "in": "path", "required": true, "description": text, "schema": schema})
        })
        .collect();
    for name in route.query {
        let (text, schema) = in_query(route.path, name).unwrap_or_default();
        found.push(json!({"name": name, "in": "query", "description": text, "schema": schema}));
    }
    let mut refer = |name: &str| found.push(json!({"$ref": format!("#/components/parameters/{name}")}));
    match route.key {
        Key::None => {}
        Key::Optional => refer("idempotency-key-optional"),
        Key::Required => refer("idempotency-key"),
    }
    if operation.has_freshness() {
        refer("consistency");
        refer("min-revision");
    }
    if operation.is_tagged() {
        refer("if-none-match");
    }
    for (name, required, text) in operation.headers {
        found.push(json!({"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"}}));
    }
    found
}

/// The parameters that many routes take, by name.
pub fn shared() -> Value {
    let key = |required: bool| {
        json!({
            "name": "Idempotency-Key", "in": "header", "required": required,
            "description": "Names this attempt. A retry with the same key and body gets the first outcome and never happens twice.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        })
    };
    let revision = "^[0-9]+:[0-9]+(:[0-9]+)?(,[0-9]+:[0-9]+(:[0-9]+)?)?$";
    let mut all = Map::new();
    all.insert("idempotency-key".into(), key(true));
    all.insert("idempotency-key-optional".into(), key(false));
    all.insert(
        "consistency".into(),
        json!({
            "name": "consistency", "in": "query", "schema": {"type": "string", "enum": ["local", "linearizable"]},
            "description": "How fresh the answer has to be: what this node knows, or confirmed by a majority.",
        }),
    );
    all.insert(
        "min-revision".into(),
        json!({
            "name": "Boxoffice-Min-Revision", "in": "header", "schema": {"type": "string", "pattern": revision},
            "description": "The answer reflects this state or a later one: the Boxoffice-Revision of an earlier answer. \
                            The query parameter `min_index` says the same.",
        }),
    );
    all.insert(
        "if-none-match".into(),
        json!({
            "name": "If-None-Match", "in": "header", "schema": {"type": "string"},
            "description": "The ETag that the caller has: 304 if it is current.",
        }),
    );
    all.into()
}

/// The names in the braces of a path.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// A parameter of a path: what it is, and its schema. An `{id}` is that of the kind of thing that stands before it.
fn in_path(path: &str, name: &str) -> (String, Value) {
    let text = |pattern: String| json!({"type": "string", "pattern": pattern});
    match name {
        "hash" if path.starts_with("/media") => ("The image's id.".into(), text(MediaHash::pattern())),
        "hash" => ("The layout's hash.".into(), text(PlanHash::pattern())),
        "promo" => ("The code, in capital or small letters.".into(), text("^[A-Za-z0-9_-]{3,40}$".into())),
        "group" => ("A group's number.".into(), json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})),
        "id" if path.starts_with("/cluster/member") => {
            ("The node's number.".into(), json!({"type": "integer", "minimum": 1, "maximum": u64::MAX}))
        }
        "query" => ("What to search for.".into(), json!({"type": "string", "minLength": 1, "maxLength": SEARCH_CHARS_MAX})),
        "code" if path.starts_with("/problem/") => {
            let names: Vec<&str> = Code::all().map(|code| code.entry().name).collect();
            ("The problem's code.".into(), json!({"type": "string", "enum": names}))
        }
        _ => {
            let kind = if name == "id" { before(path) } else { name };
            (format!("The {kind}'s id."), id_pattern(path, kind).map_or(json!({"type": "string"}), text))
        }
    }
}

/// The part of a path before `{id}`.
fn before(path: &str) -> &str {
    path.split("/{id}").next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

fn id_pattern(path: &str, kind: &str) -> Option<String> {
    Some(match kind {
        // A ticket can also be had as a drawing.
        "ticket" if path == "/user/ticket/{id}" => TicketId::pattern().replace('$', r"(\.svg|\.pdf)?$"),
        "ticket" | "transfer" => TicketId::pattern(),
        // An event can also be had in other words.
        "event" if path == "/event/{id}" => EventId::pattern().replace('$', r"(\.jsonld|\.ics)?$"),
        "event" => EventId::pattern(),
        "hold" => HoldId::pattern(),
        "order" => OrderId::pattern(),
        "cart" => CartId::pattern(),
        "venue" => VenueId::pattern(),
        "performer" => PerformerId::pattern(),
        "user" => UserId::pattern(),
        "session" => SessionId::pattern(),
        "key" => KeyId::pattern(),
        "webhook" => WebhookId::pattern(),
        "backup" => BackupId::pattern(),
        _ => return None,
    })
}

/// A parameter of a query: what it is, and its schema.
pub fn in_query(path: &str, name: &str) -> Option<(&'static str, Value)> {
    let line = |most: usize| json!({"type": "string", "minLength": 1, "maxLength": most});
    let number = || json!({"type": "integer", "minimum": 0, "maximum": u64::MAX});
    let price = || json!({"type": "integer", "minimum": 0, "maximum": PRICE_MAX});
    let one_of = |names: &[&str]| json!({"type": "string", "enum": names});
    let moment = || json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]});
    Some(match name {
        "limit" if path.ends_with("/suggest") => {
            ("Most suggestions.", json!({"type": "integer", "minimum": 1, "maximum": SUGGESTIONS_MAX, "default": 8}))
        }
        "limit" if path == "/changes" => {
            ("Changes in a page.", json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": 100}))
        }
        "after" => (
            "Ids of changes, at most one a group, separated by commas: only what came after. `now`: only what is to come.",
            json!({"type": "string", "pattern": "^(now|chg_[0-9]+_[0-9]+_[0-9]+(,chg_[0-9]+_[0-9]+_[0-9]+)*)$"}),
        ),
        "type" => ("Only of these types, separated by commas.", json!({"type": "string", "examples": [KINDS.join(",")]})),
        "follow" => ("`true`: stay, and be told what happens. Server-sent events always do.", one_of(&["true", "false"])),
        "group" if path == "/changes" => ("Only of this group.", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})),
        "limit" if path == "/log/{group}" => ("Entries in a page.", json!({"type": "integer", "minimum": 1, "maximum": ENTRIES_MAX})),
        "from" if path == "/log/{group}" => ("The first entry; by default the first that the node still has.", number()),
        "limit" => ("Items in a page.", json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 25})),
        "cursor" => ("The `next_cursor` of the page before.", line(512)),
        "q" => ("What to search for.", line(SEARCH_CHARS_MAX)),
        "city" => ("Only in this city.", line(CITY_BYTES_MAX)),
        "category" => ("Only of this category.", line(CITY_BYTES_MAX)),
        "venue" => ("Only at this venue.", json!({"type": "string", "pattern": VenueId::pattern()})),
        "performer" => ("Only with this performer.", json!({"type": "string", "pattern": PerformerId::pattern()})),
        "min_price" => ("Only if the lowest price is at least this, in minor units.", price()),
        "max_price" if path == "/event" || path.starts_with("/event/search") => {
            ("Only if the lowest price is at most this, in minor units.", price())
        }
        "available" => ("`true`: only with something free.", one_of(&["true"])),
        "on_sale" => ("`true`: only if places can be held now.", one_of(&["true"])),
        "sort" => ("What is asked for most first (the default), what begins first, or by name.", one_of(&SORTS.map(|(name, _)| name))),
        "facets" => (
            "What all hits are to be counted by: category, city, venue, month, separated by commas.",
            json!({"type": "string", "pattern": "^(category|city|venue|month)(,(category|city|venue|month))*$"}),
        ),
        "event" => ("Only of this event.", json!({"type": "string", "pattern": EventId::pattern()})),
        "from" => ("Starting at this moment or later; a day is its beginning in UTC.", moment()),
        "to" => ("Starting before this moment.", moment()),
        "when" => ("Only of events to come, or of past ones.", one_of(&["upcoming", "past"])),
        "section" => ("Only seats of the section of this name.", json!({"type": "string"})),
        "state" if path.ends_with("/seat") => ("Only seats in this state.", one_of(&STATE_NAMES)),
        "state" => ("Only tickets in this state.", one_of(&["issued", "offered", "checked_in", "checked_out", "void"])),
        "as_of" => (
            "The seats as they were at this Boxoffice-Revision of the event, as far back as the node remembers.",
            json!({"type": "string", "pattern": "^[0-9]+:[0-9]+(:[0-9]+)?$"}),
        ),
        "max_price" => ("Only seats at this price or below, in minor units.", number()),
        "level" => ("Only of the price level with this index.", json!({"type": "integer", "minimum": 0, "maximum": u16::MAX})),
        "since" => ("The last revision's index that the caller has.", number()),
        "all" => ("`true`: all of the caller's sessions, not only this one.", one_of(&["true"])),
        "trail" => ("What was done (the default), or what was asked for and denied.", one_of(&["done", "denied"])),
        "group" => {
            ("The group whose trail is read; by default the first one.", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}))
        }
        "index" => ("The log index; by default the last one that was applied.", number()),
        "width" => ("Pixels: a smaller one, if the image is wider.", json!({"type": "integer", "enum": WIDTHS})),
        "fix" => ("Changes an upload so that it becomes right.", one_of(&["none", "renumber"])),
        "expand" => (
            "What to give whole instead of by id, separated by commas.",
            json!({"type": "string", "pattern": "^(venue|performers|event)(,(venue|performers|event))*$"}),
        ),
        _ => return None,
    })
}
