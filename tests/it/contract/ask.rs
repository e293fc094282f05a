//! A request to an operation of the document, part by part, so that one part can be spoilt; and how it is sent and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use boxoffice_tests::http::{Client, new_key};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::rules::{Answer, Operation, Rules};

/// How often a request is sent that is answered with one of these, and the pause before it is sent again.
const TRIES: usize = 5;
const BUSY: [&str; 5] = ["no_quorum", "overloaded", "not_ready", "outcome_unknown", "request_timeout"];
const PAUSE: Duration = Duration::from_millis(200);

/// How many failures are told.
const TOLD_MAX: usize = 60;

/// A request to an operation.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Method.
    pub method: String,
    /// The path with braces.
    template: String,
    /// Values of its braces, percent-encoded.
    path: Vec<(String, String)>,
    /// The query, percent-encoded.
    query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

impl Ask {
    /// A request without parameters, with a new key where one may be sent.
    pub fn new(operation: &Operation) -> Self {
        let mut ask = Self { method: operation.method.clone(), template: operation.path.clone(), ..Self::default() };
        if operation.header("Idempotency-Key").is_some() {
            ask.headers.push(("Idempotency-Key".into(), new_key()));
        }
        ask
    }

    /// Gives a parameter of the document this text, wherever it stands.
    pub fn put(&mut self, parameter: &Value, text: &str) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let (list, text) = match parameter["in"].as_str() {
            Some("path") => (&mut self.path, escaped(text)),
            Some("query") => (&mut self.query, escaped(text)),
            _ => (&mut self.headers, text.to_owned()),
        };
        list.retain(|(known, _)| known != name);
        list.push((name.to_owned(), text));
    }

    /// Gives a parameter of the path a text that is percent-encoded already.
    pub fn put_raw(&mut self, name: &str, text: &str) {
        self.path.retain(|(known, _)| known != name);
        self.path.push((name.to_owned(), text.to_owned()));
    }

    /// Adds to the query, whatever is there.
    pub fn add_query(&mut self, name: &str, text: &str) {
        self.query.push((name.to_owned(), escaped(text)));
    }

    /// Leaves a header out.
    pub fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| name != header);
        self
    }

    /// The same with this body.
    pub fn with_body(&self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self.clone() }.renewed()
    }

    /// The same with another method.
    pub fn with_method(&self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self.clone() }
    }

    /// The same as another request: with a key of its own.
    pub fn renewed(mut self) -> Self {
        for (name, value) in &mut self.headers {
            if name == "Idempotency-Key" {
                *value = new_key();
            }
        }
        self
    }

    /// Path and query.
    fn target(&self) -> String {
        let mut target = self.template.clone();
        for (name, value) in &self.path {
            target = target.replace(&format!("{{{name}}}"), value);
        }
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { target } else { format!("{target}?{}", query.join("&")) }
    }

    /// Whether it asks for a state that may not be there yet.
    fn waits(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "Boxoffice-Min-Revision") || self.query.iter().any(|(name, _)| name == "min_index")
    }
}

/// Percent-encodes all that is not unreserved.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}

/// What was sent and learned so far.
pub struct Talk<'a> {
    /// The document.
    pub rules: &'a Rules,
    /// How many requests were sent.
    pub sent: usize,
    /// Operations that answered that all is well.
    pub done: BTreeSet<String>,
    /// What was wrong: operation and complaint, with the first request that showed it and how many did.
    wrong: BTreeMap<(String, String), (String, usize)>,
}

impl<'a> Talk<'a> {
    /// Nothing was sent yet.
    pub fn new(rules: &'a Rules) -> Self {
        Self { rules, sent: 0, done: BTreeSet::new(), wrong: BTreeMap::new() }
    }

    /// Sends a request and judges the answer; `None` when it cannot be put into HTTP at all.
    pub async fn tell(&mut self, who: &Client, operation: &Operation, ask: &Ask) -> Option<Answer> {
        let answer = self.send(who, operation, ask).await?;
        for complaint in self.rules.judge(operation, &answer, ask.waits()) {
            self.complain(operation, ask, &answer, &complaint);
        }
        if answer.is_success() {
            self.done.insert(operation.id.clone());
        }
        Some(answer)
    }

    /// Sends a request whose answer must have this status and code.
    pub async fn expect(&mut self, who: &Client, operation: &Operation, ask: &Ask, status: u16, code: &str) {
        let Some(answer) = self.tell(who, operation, ask).await else { return };
        if answer.status != status || answer.code() != code {
            self.complain(operation, ask, &answer, &format!("this should be {status} {code}"));
        }
    }

    /// Sends a request without judging the answer, and again a few times while the answer is that a busy machine could not do it: what
    /// stays so is an answer like any other.
    pub async fn send(&mut self, who: &Client, operation: &Operation, ask: &Ask) -> Option<Answer> {
        let mut tries = 0;
        loop {
            let answer = self.send_once(who, operation, ask).await?;
            tries += 1;
            if ask.waits() || tries == TRIES || !BUSY.contains(&answer.code().as_str()) {
                return Some(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send_once(&mut self, who: &Client, operation: &Operation, ask: &Ask) -> Option<Answer> {
        let mut request = who.request(&ask.method, &ask.target());
        for (name, value) in &ask.headers {
            request = request.header(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        if let Some(body) = &ask.body {
            if !ask.headers.iter().any(|(name, _)| name == "Content-Type") {
                request = request.header("Content-Type", "application/json");
            }
            request = request.body(body.clone());
        }
        self.sent += 1;
        let response = request.send().await.unwrap_or_else(|error| panic!("{}: no answer to {ask:?}: {error:?}", operation.id));
        let status = response.status().as_u16();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: BTreeMap<String, String> =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        // Lines may go on for ever, too, and are no one JSON text.
        let endless = ["text/event-stream", "application/x-ndjson"];
        let is_stream = status == 101 || headers.get("content-type").is_some_and(|kind| endless.contains(&kind.as_str()));
        let body = if is_stream { None } else { response.bytes().await.ok().map(|bytes| bytes.to_vec()) };
        Some(Answer { status, headers, body })
    }

    /// Notes that an answer is wrong.
    pub fn complain(&mut self, operation: &Operation, ask: &Ask, answer: &Answer, complaint: &str) {
        let body = String::from_utf8_lossy(ask.body.as_deref().unwrap_or_default()).into_owned();
        let told = String::from_utf8_lossy(answer.body.as_deref().unwrap_or_default()).into_owned();
        let short = |text: &str| text.chars().take(300).collect::<String>();
        let example = format!(
            "{} {} {:?} {}\n        -> {} {}",
            ask.method,
            short(&ask.target()),
            ask.headers,
            short(&body),
            answer.status,
            short(&told)
        );
        let known = self.wrong.entry((operation.id.clone(), complaint.to_owned())).or_insert((example, 0));
        known.1 += 1;
    }

    /// Everything that was wrong, in words.
    pub fn complaints(&self) -> Vec<String> {
        let lines =
            self.wrong.iter().map(|((id, complaint), (example, count))| format!("{id}: {complaint} ({count} times)\n    {example}"));
        lines.take(TOLD_MAX).collect()
    }
}
