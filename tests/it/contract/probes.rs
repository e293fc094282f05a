//! The part of the run that is drawn and spoilt: each operation, asked by everybody, rightly and in every wrong way.

use std::collections::BTreeSet;

use boxoffice_ledger::command::Role;
use boxoffice_tests::http::Client;
use serde_json::Value;

use super::ask::{Ask, Talk};
use super::generate::{Maker, spoilt};
use super::rules::{Answer, Operation};

/// Texts for parameters, most of them wrong for most.
const TEXTS: [&str; 14] = [
    "",
    "0",
    "-1",
    "+5",
    "1e3",
    "007",
    "0.5",
    "18446744073709551616",
    "null",
    "TRUE",
    "a,b",
    "\u{202e}\u{1f3ab}",
    "'; DROP TABLE seat;--",
    "../../etc/passwd",
];

/// Bodies that are no JSON.
const BROKEN: [&[u8]; 6] = [b"{", b"[1,", b"nul", b"{\"a\":1}}", b"\xff\xfe", b"{\"a\":\"\x01\"}"];

/// What is said of a field whose shape is wrong. A request that the schema allows never hears it.
const SHAPES: [&str; 3] = ["unknown_field", "wrong_type", "unknown_parameter"];

/// Bodies that are allowed, for each operation: those with passwords cost the node a hash.
const ALLOWED_MAX: usize = 10;
const HASHED_MAX: usize = 4;

/// Requests of everybody, for each operation.
const ROUNDS: usize = 3;

/// Who asks, and with what.
pub struct Probes<'t, 'r> {
    /// Where requests go.
    pub talk: &'t mut Talk<'r>,
    /// Where values come from.
    pub maker: Maker<'r>,
    /// Nobody.
    pub visitor: Client,
    /// Somebody of each role.
    pub callers: Vec<(Role, Client)>,
}

impl<'r> Probes<'_, 'r> {
    /// All of it, for one operation.
    pub async fn probe(&mut self, operation: &'r Operation) {
        self.methods(operation).await;
        self.strangers(operation).await;
        self.heads(operation).await;
        self.parameters(operation).await;
        if operation.method != "GET" {
            self.bodies(operation).await;
        }
        self.everybody(operation).await;
    }

    /// A right request, with what is needed and no more.
    fn plain(&mut self, operation: &Operation) -> Ask {
        let mut ask = Ask::new(operation);
        for parameter in operation.parameters.iter().filter(|parameter| parameter["name"] != "Idempotency-Key") {
            if parameter["required"] == true || parameter["name"] == "q" {
                let text = if parameter["name"] == "If-Match" { "\"1\"".to_owned() } else { self.maker.parameter(parameter) };
                ask.put(parameter, &text);
            }
        }
        if operation.body.is_some() {
            ask.body = Some(self.maker.example(&operation.example).to_string().into_bytes());
        }
        ask
    }

    /// A drawn request that the document allows; `None` when the draw was bad.
    fn drawn(&mut self, operation: &Operation) -> Option<Ask> {
        let mut ask = Ask::new(operation);
        for parameter in operation.parameters.iter().filter(|parameter| parameter["name"] != "Idempotency-Key") {
            if parameter["required"] == true || parameter["name"] == "q" || self.maker.dice.once_in(3) {
                let text = self.maker.parameter(parameter);
                if !self.talk.rules.allows_text(parameter, &text) {
                    return None;
                }
                ask.put(parameter, &text);
            }
        }
        if let Some(schema) = &operation.body {
            let body = self.maker.value("", schema);
            if !self.talk.rules.allows_body(operation, &body) {
                return None;
            }
            ask.body = Some(body.to_string().into_bytes());
        }
        Some(ask)
    }

    /// Somebody with the least role that suffices.
    fn least(&self, operation: &Operation) -> Client {
        let suffices = |role: &Role| operation.role.is_some_and(|least| *role >= least);
        self.callers.iter().find(|(role, _)| suffices(role)).map_or(&self.visitor, |(_, caller)| caller).clone()
    }

    /// Methods that the path does not know.
    async fn methods(&mut self, operation: &Operation) {
        let known = self.talk.rules.methods(&operation.path);
        if known.first() != Some(&operation.method.as_str()) {
            return; // Once for each path.
        }
        let mut allowed: BTreeSet<&str> = known.iter().copied().collect();
        if allowed.contains("GET") {
            allowed.insert("HEAD");
        }
        let mut plain = self.plain(operation);
        plain.body = None;
        for method in ["GET", "POST", "PATCH", "DELETE", "PUT"].into_iter().filter(|method| !known.contains(method)) {
            let ask = plain.with_method(method);
            let Some(answer) = self.talk.send(&self.visitor, operation, &ask).await else { continue };
            let told: BTreeSet<&str> = answer.headers.get("allow").into_iter().flat_map(|list| list.split(", ")).collect();
            if answer.status != 405 || answer.code() != "method_not_allowed" || told != allowed {
                self.talk.complain(operation, &ask, &answer, &format!("this should be 405 with Allow {allowed:?}, not {told:?}"));
            }
        }
    }

    /// Those who may not: no token, bad tokens, lower roles.
    async fn strangers(&mut self, operation: &Operation) {
        let visitor = self.visitor.clone();
        for token in ["Bearer nonsense", "Bearer a.b.c", "Bearer bo_live_x", "Bearer", "Basic YTpi", "\u{7f}"] {
            let mut ask = self.plain(operation);
            ask.headers.push(("Authorization".into(), token.into()));
            self.talk.expect(&visitor, operation, &ask, 401, "unauthenticated").await;
        }
        let Some(least) = operation.role else { return };
        let ask = self.plain(operation);
        self.talk.expect(&visitor, operation, &ask, 401, "unauthenticated").await;
        for (_, caller) in self.callers.clone().iter().filter(|(role, _)| *role < least) {
            let ask = self.plain(operation);
            self.talk.expect(caller, operation, &ask, 403, "forbidden").await;
        }
    }

    /// What is wrong with a request before its body.
    async fn heads(&mut self, operation: &Operation) {
        let who = self.least(operation);
        let plain = self.plain(operation);
        if operation.needs_key() {
            let ask = plain.clone().without("Idempotency-Key");
            self.talk.expect(&who, operation, &ask, 400, "idempotency_key_required").await;
        }
        if operation.header("If-Match").is_some() {
            let ask = plain.clone().renewed().without("If-Match");
            self.talk.expect(&who, operation, &ask, 428, "precondition_required").await;
        }
        let mut unknown = plain.clone().renewed();
        unknown.add_query("surprise", "1");
        self.talk.expect(&who, operation, &unknown, 422, "validation_failed").await;
        let mut long = plain.clone().renewed();
        long.add_query("limit", &"9".repeat(3000));
        self.talk.expect(&who, operation, &long, 414, "uri_too_long").await;
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let mut ask = plain.clone().renewed();
            match parameter["in"].as_str() {
                Some("path") => {
                    for text in ["%00", "%ff", "a%0ab"] {
                        ask.put_raw(name, text);
                        self.talk.expect(&who, operation, &ask, 400, "malformed_request").await;
                    }
                }
                Some("query") => {
                    let text = self.maker.parameter(parameter);
                    ask.add_query(name, &text);
                    ask.add_query(name, &text);
                    self.talk.expect(&who, operation, &ask, 422, "validation_failed").await;
                }
                _ => {}
            }
        }
    }

    /// Each parameter in every wrong way.
    async fn parameters(&mut self, operation: &Operation) {
        let who = self.least(operation);
        for parameter in &operation.parameters {
            let good = self.maker.parameter(parameter);
            let mut texts: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
            texts.extend([good.to_uppercase(), format!("{good}0"), format!(" {good}"), "w".repeat(600)]);
            texts.extend(good.char_indices().next_back().map(|(end, _)| good[..end].to_owned()));
            for text in texts {
                // HTTP does not keep the spaces around a header's value.
                let text = if parameter["in"] == "header" { text.trim() } else { &text };
                let mut ask = self.plain(operation);
                ask.put(parameter, text);
                let Some(answer) = self.talk.tell(&who, operation, &ask).await else { continue };
                if answer.is_success() && !self.talk.rules.allows_text(parameter, text) {
                    let complaint = format!("accepted, though {} may not be like this", parameter["name"]);
                    self.talk.complain(operation, &ask, &answer, &complaint);
                }
            }
        }
    }

    /// Bodies in every wrong way, and some right ones.
    async fn bodies(&mut self, operation: &Operation) {
        let who = self.least(operation);
        let plain = self.plain(operation);
        for header in [("Content-Type", "text/plain"), ("Content-Type", "application/xml"), ("Content-Encoding", "gzip")] {
            let mut ask = plain.with_body("{}");
            ask.headers.push((header.0.into(), header.1.into()));
            self.talk.expect(&who, operation, &ask, 415, "unsupported_media_type").await;
        }
        // Seating plans, listings, uploads of gates and images may be larger.
        if !matches!(operation.id.as_str(), "putPlan" | "importEvents" | "uploadScans" | "uploadMedia") {
            let ask = plain.with_body(vec![b' '; 64 * 1024 + 1]);
            self.talk.expect(&who, operation, &ask, 413, "payload_too_large").await;
        }
        if operation.body.is_none() {
            return;
        }
        let is_signed = operation.header("Stripe-Signature").is_some();
        for broken in BROKEN.iter().map(|text| text.to_vec()).chain([vec![b'['; 30_000]]).filter(|_| !is_signed) {
            self.talk.expect(&who, operation, &plain.with_body(broken), 400, "malformed_request").await;
        }
        let most = if operation.example.get("password").is_some() { HASHED_MAX } else { ALLOWED_MAX };
        let mut allowed = 0;
        let example = self.maker.example(&operation.example);
        for body in spoilt(&example) {
            let is_allowed = self.talk.rules.allows_body(operation, &body);
            allowed += usize::from(is_allowed);
            if is_allowed && allowed > most {
                continue;
            }
            let ask = plain.with_body(body.to_string());
            let Some(answer) = self.talk.tell(&who, operation, &ask).await else { continue };
            if answer.is_success() && !is_allowed {
                self.talk.complain(operation, &ask, &answer, "accepted, though the schema does not allow this body");
            }
        }
    }

    /// Right requests of everybody; what takes a key is repeated with it.
    async fn everybody(&mut self, operation: &Operation) {
        let visitor = (None, self.visitor.clone());
        let callers = self.callers.iter().map(|(role, caller)| (Some(*role), caller.clone()));
        for (role, caller) in [visitor].into_iter().chain(callers).collect::<Vec<_>>() {
            for round in 0..ROUNDS {
                let ask = if round == 0 { Some(self.plain(operation)) } else { self.drawn(operation) };
                let Some(ask) = ask else { continue };
                let Some(answer) = self.talk.tell(&caller, operation, &ask).await else { continue };
                self.is_fair(operation, role, &ask, &answer);
                if operation.header("Idempotency-Key").is_some() {
                    self.talk.tell(&caller, operation, &ask).await;
                }
            }
        }
    }

    /// Who may ask is not turned away, and what is allowed is not called misshapen.
    fn is_fair(&mut self, operation: &Operation, role: Option<Role>, ask: &Ask, answer: &Answer) {
        if operation.role.is_some_and(|least| role >= Some(least)) && matches!(answer.code().as_str(), "unauthenticated" | "forbidden") {
            self.talk.complain(operation, ask, answer, "turned away, though the role suffices");
        }
        let errors = answer.json();
        let codes = errors["errors"].as_array().into_iter().flatten().map(|error| &error["code"]);
        if codes.filter_map(Value::as_str).any(|code| SHAPES.contains(&code)) {
            self.talk.complain(operation, ask, answer, "called misshapen, though the document allows it");
        }
    }
}
