//! The OpenAPI 3.1 document of this build, generated from the table of routes (paths, parameters, keys, roles, limits), the types
//! that are read and written (schemas) and the table of problems. What only people can say stands in `describe/`, one line of a
//! list for each route.

mod describe;
mod operation;
mod parameters;
mod problems;
mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::error::Code;
use crate::router::{Access, Key, ROUTES, Route, Verb};
use crate::{json as forms, scope};
use describe::Tag;
use operation::Operation;
use schemas::Schemas;

const ABOUT: &str = "Events, seats, holds, orders and tickets of a boxoffice cluster. Every node answers everything.\n\n\
    * Every write takes an `Idempotency-Key`: a retry with the same key never happens twice.\n\
    * Every error is `application/problem+json` (RFC 9457); `code` is the contract, and `type` leads to a page that explains it.\n\
    * Answers carry `Boxoffice-Revision`; send it back as `Boxoffice-Min-Revision` to read your own writes at any node.\n\
    * Money is in minor units. Times are RFC 3339. Answers may get further members; requests with unknown members are refused.\n\
    * A path that does not know a method says 405, with the methods that it knows in `Allow`.";

/// The document as it is served: JSON in one line.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_string())
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut shared = BTreeMap::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let tags = describe::tags();
    for route in ROUTES {
        let Some((tag, operation)) = find(&tags, route) else { continue };
        let described = describe(&mut schemas, &mut shared, route, tag, operation);
        paths.entry(route.path).or_default().insert(verb(route.method).to_lowercase(), described);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "boxoffice", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that served this document."}],
        "tags": tags.iter().map(|tag| json!({"name": tag.name, "description": tag.text})).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "responses": shared,
            "parameters": parameters::shared(),
            "headers": operation::headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

/// The description of a route.
fn find<'a>(tags: &'a [Tag], route: &Route) -> Option<(&'a Tag, &'a Operation)> {
    let is = |operation: &&Operation| operation.verb == route.method && operation.path == route.path;
    tags.iter().find_map(|tag| Some((tag, tag.operations.iter().find(is)?)))
}

/// A method's name.
fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    }
}

fn describe(schemas: &mut Schemas, shared: &mut BTreeMap<String, Value>, route: &Route, tag: &Tag, operation: &Operation) -> Value {
    let mut responses = operation.success(schemas);
    let codes: BTreeSet<Code> = always(route, operation).into_iter().chain(operation.problems.iter().copied()).collect();
    for (status, response) in problems::responses(schemas, shared, &codes) {
        responses.insert(status.to_string(), response);
    }
    let mut described = json!({
        "operationId": operation.id, "tags": [tag.name], "summary": operation.summary,
        "parameters": parameters::of(route, operation), "responses": responses, "security": security(route, operation),
    });
    if !operation.text.is_empty() {
        described["description"] = operation.text.into();
    }
    if let Some((schema, example)) = &operation.body {
        let schema = schema(schemas);
        let required = schemas.requires_something(&schema);
        described["requestBody"] = json!({
            "required": required, "description": format!("At most {} bytes.", route.body_max),
            "content": {"application/json": {"schema": schema, "example": example}},
        });
    }
    if !operation.uploads.is_empty() {
        let kinds = operation.uploads.iter().map(|&kind| (kind.to_owned(), json!({})));
        described["requestBody"] = json!({
            "required": true, "description": format!("At most {} bytes.", route.body_max), "content": kinds.collect::<Map<String, Value>>(),
        });
    }
    described
}

/// The problems that follow from a route's line in the table.
fn always(route: &Route, operation: &Operation) -> Vec<Code> {
    use Code::*;
    let mut codes =
        vec![MalformedRequest, Unauthenticated, UriTooLong, ValidationFailed, RateLimited, Internal, NoQuorum, Overloaded, OutcomeUnknown];
    if route.access != Access::Public {
        codes.push(Forbidden);
    }
    if route.method != Verb::Get {
        codes.extend([CrossSite, RequestTimeout, PayloadTooLarge, UnsupportedMediaType]);
    }
    if route.key != Key::None {
        codes.extend([IdempotencyKeyRequired, IdempotencyKeyReused]);
    }
    if route.path.contains('{') {
        codes.push(NotFound);
    }
    if operation.has_freshness() {
        codes.push(RevisionGone);
    }
    codes
}

/// Ways in: each by itself is enough.
fn security(route: &Route, operation: &Operation) -> Value {
    let mut ways = Vec::new();
    match route.access {
        Access::Public => {
            ways.push(json!({}));
            ways.extend(operation.cookie.map(|cookie| json!({cookie: []})));
        }
        Access::Role(role) => {
            let role = forms::role(role);
            ways.push(json!({"bearer": [role]}));
            ways.push(json!({"session": [role]}));
            ways.extend(scope::of(route).map(|scope| json!({"key": [role, scope::name(scope)]})));
        }
    }
    ways.into()
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of a person, from POST /session. An operation lists the least role that it needs: \
                            guest (from POST /user/guest), customer, gate, coordinator, operator, admin, \
                            each with the rights of those before it.",
        },
        "key": {
            "type": "http", "scheme": "bearer", "bearerFormat": "boxoffice key",
            "description": "The key of a program, from POST /key. An operation lists the least role of its owner, and the scope.",
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": crate::who::SESSION_COOKIE,
            "description": "The page's access token. Changes are accepted from the site's own pages only.",
        },
        "refresh": {
            "type": "apiKey", "in": "cookie", "name": crate::who::REFRESH_COOKIE,
            "description": "The page's refresh token: good once, sent to /session only, never readable by scripts.",
        },
    })
}

#[cfg(test)]
mod tests;
