//! Requests and answers of the sandbox without their transport, and which operation a path is.

use bytes::Bytes;
use serde_json::Value;

use super::books::Books;
use super::draft::Draft;
use super::form::Form;
use super::trouble::Trouble;
use super::{intents, objects, refunds};

/// Objects on a page of a list, unless the caller says otherwise, and at most.
const PAGE: usize = 10;
const PAGE_MAX: usize = 100;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method, in upper case.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Idempotency-Key`.
    pub key: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The header `Content-Type`.
    pub kind: &'static str,
    /// A further header.
    pub header: Option<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", header: None, body: body.to_string().into() }
    }
}

impl From<Trouble> for Reply {
    fn from(trouble: Trouble) -> Self {
        Self::json(trouble.status, &trouble.body())
    }
}

impl Call {
    /// Its parameters: those of the body, or of the query when nothing is changed.
    pub fn form(&self) -> Form {
        if self.method == "POST" { Form::parse(&self.body) } else { Form::parse(self.query.as_bytes()) }
    }

    /// What faults are drawn by: the idempotency key, or what is asked for. An intent goes by the attempt that its creator noted on
    /// it, since its own id is new in every run.
    pub fn fault_key(&self, books: &Books) -> String {
        let known = |segment| books.intent(segment).and_then(|intent| intent.metadata.get("attempt")).map_or(segment, String::as_str);
        let path = || self.path.split('/').map(known).collect::<Vec<_>>().join("/");
        self.key.clone().unwrap_or_else(|| format!("{} {}", self.method, path()))
    }

    /// Carries the request out.
    ///
    /// # Errors
    /// What Stripe refuses too.
    pub fn run(&self, draft: &mut Draft<'_>) -> Result<Value, Trouble> {
        let form = self.form();
        let segments: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        match (self.method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => intents::create(draft, &form, &self.fault_key(draft.books)),
            ("GET", ["v1", "payment_intents"]) => list_intents(draft, &form),
            ("GET", ["v1", "payment_intents", id]) => {
                let intent = draft.books.intent(id).ok_or_else(|| Trouble::missing("payment_intent", id))?;
                Ok(objects::intent(draft.books, draft.site, intent, form.expands("latest_charge")))
            }
            ("POST", ["v1", "payment_intents", id, "confirm"]) => intents::confirm(draft, id, &form),
            ("POST", ["v1", "payment_intents", id, "capture"]) => intents::capture(draft, id, &form),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => intents::cancel(draft, id, &form),
            ("POST", ["v1", "refunds"]) => refunds::create(draft, &form),
            ("GET", ["v1", "refunds", id]) => draft.books.refund(id).map(objects::refund).ok_or_else(|| Trouble::missing("refund", id)),
            ("GET", ["v1", "events"]) => list_events(draft, &form),
            (method, _) => Err(Trouble::unknown_path(method, &self.path)),
        }
    }
}

fn limit(form: &Form) -> Result<usize, Trouble> {
    match form.get("limit").map(str::parse) {
        None => Ok(PAGE),
        Some(Ok(limit @ 1..=PAGE_MAX)) => Ok(limit),
        Some(_) => Err(Trouble::invalid("parameter_invalid_integer", "limit must be between 1 and 100.").about("limit")),
    }
}

fn list_intents(draft: &Draft<'_>, form: &Form) -> Result<Value, Trouble> {
    form.only(&["limit", "starting_after", "created[gte]"])?;
    let since_ms = match form.get("created[gte]").map(str::parse::<u64>) {
        None => 0,
        Some(Ok(since_s)) => since_s.saturating_mul(1000),
        Some(Err(_)) => return Err(Trouble::invalid("parameter_invalid_integer", "created[gte] is a time in seconds.").about("created")),
    };
    let (limit, before) = match form.get("starting_after") {
        None => (limit(form)?, u64::MAX),
        Some(id) => (limit(form)?, draft.books.intent(id).ok_or_else(|| Trouble::missing("payment_intent", id))?.seq),
    };
    let mut found = draft.books.intents(before).filter(|intent| intent.created_ms >= since_ms);
    let data = found.by_ref().take(limit).map(|intent| objects::intent(draft.books, draft.site, intent, false)).collect();
    Ok(objects::list("/v1/payment_intents", data, found.next().is_some()))
}

fn list_events(draft: &Draft<'_>, form: &Form) -> Result<Value, Trouble> {
    form.only(&["limit", "starting_after"])?;
    let (limit, before) = match form.get("starting_after") {
        None => (limit(form)?, u64::MAX),
        Some(id) => {
            let known = draft.books.events(u64::MAX).find(|event| event.id == id);
            (limit(form)?, known.ok_or_else(|| Trouble::missing("event", id))?.seq)
        }
    };
    let mut found = draft.books.events(before);
    let data = found.by_ref().take(limit).map(objects::event).collect();
    Ok(objects::list("/v1/events", data, found.next().is_some()))
}
