//! The one table of everything that can be wrong: code, status, title, what the caller should do. Problems are answered
//! as `application/problem+json` (RFC 9457); the same table makes the help pages at `/problem/{code}`.

mod map;
mod table;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::{Value, json};

use crate::backend::{Problem, Revision};

pub use map::{bad_credentials, from_failure, promo_refused};
pub use table::Code;

/// One problem, ready to be answered.
#[derive(Debug)]
pub struct HttpProblem {
    /// What kind: decides status, title and advice.
    pub code: Code,
    /// What was wrong this time.
    pub detail: Cow<'static, str>,
    /// What else there is to say.
    pub more: Box<More>,
}

/// What else a problem can say.
#[derive(Debug, Default)]
pub struct More {
    /// Further members.
    pub members: Vec<(&'static str, Value)>,
    /// When to try again, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The revision at which it was decided.
    pub revision: Option<Revision>,
    /// Whether the same was answered before to a request with this key.
    pub replayed: bool,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl HttpProblem {
    /// A problem of this kind.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), more: Box::default() }
    }

    /// With a further member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.members.push((name, value));
        self
    }

    /// With a time to try again.
    #[must_use]
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.more.retry_after_ms = Some(ms);
        self
    }

    /// With a further header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.headers.push((name, value));
        self
    }

    /// Fields that are wrong, each with its pointer.
    #[must_use]
    pub fn invalid(problems: &[Problem]) -> Self {
        let errors = problems.iter().map(|one| json!({"pointer": one.pointer, "code": one.code, "detail": one.detail})).collect();
        let detail = match problems {
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} fields are not right; see errors.", many.len()),
        };
        Self::new(Code::ValidationFailed, detail).with("errors", Value::Array(errors))
    }

    /// One field that is wrong.
    #[must_use]
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(&[Problem { pointer: pointer.into(), code, detail: detail.into() }])
    }

    /// Nothing of this name, or not the caller's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or it is not yours."))
    }

    /// The answer. `instance` is the request's path.
    #[must_use]
    pub fn response(self, instance: &str, request_id: &str) -> Response<Body> {
        let entry = self.code.entry();
        let mut bytes = Vec::with_capacity(512);
        if let Err(error) = self.write(&mut bytes, instance, request_id) {
            tracing::error!(%error, "a problem could not be serialised");
        }
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.reserve(crate::json::HEADERS_USUAL);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(ms) = self.more.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000).max(1)));
        }
        if let Some(revision) = self.more.revision {
            crate::json::put_revision(headers, revision);
        }
        if self.more.replayed {
            headers.insert(crate::json::REPLAYED, HeaderValue::from_static("true"));
        }
        for (name, value) in self.more.headers {
            headers.append(name, value);
        }
        response
    }

    /// Its JSON, written member by member: refusals are as frequent as answers when an event sells out.
    fn write(&self, bytes: &mut Vec<u8>, instance: &str, request_id: &str) -> serde_json::Result<()> {
        let entry = self.code.entry();
        let mut serializer = serde_json::Serializer::new(bytes);
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("type", &format_args!("/problem/{}", entry.name))?;
        body.serialize_entry("title", entry.title)?;
        body.serialize_entry("status", &entry.status)?;
        body.serialize_entry("detail", &self.detail)?;
        body.serialize_entry("instance", instance)?;
        body.serialize_entry("code", entry.name)?;
        body.serialize_entry("request_id", request_id)?;
        body.serialize_entry("retryable", &entry.retryable)?;
        if let Some(revision) = self.more.revision {
            body.serialize_entry("revision", &format_args!("{revision}"))?;
        }
        for (name, value) in &self.more.members {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}

/// The help page of a code, or `None` if there is no such code.
#[must_use]
pub fn help_page(name: &str) -> Option<String> {
    let entry = Code::by_name(name)?.entry();
    let retry =
        if entry.retryable { "Yes: the same request with the same Idempotency-Key." } else { "No: repeating it gives the same answer." };
    Some(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\
         <h1>{title}</h1><p><code>{name}</code>, HTTP status {status}</p><p>{help}</p><h2>Try again?</h2><p>{retry}</p></html>\n",
        name = entry.name,
        title = entry.title,
        status = entry.status,
        help = entry.help,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_its_own_name() {
        let mut names: Vec<&str> = Code::all().map(|code| code.entry().name).collect();
        for name in &names {
            let page = help_page(name).unwrap();
            assert!(page.contains(name) && page.len() > 150, "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(help_page("nonsense"), None);
    }

    #[test]
    fn the_table_stands_in_the_order_of_the_codes() {
        for code in Code::all() {
            assert_eq!(code.entry().code, code);
            assert!((400..600).contains(&code.entry().status));
        }
        // A definite refusal is never reported with the status of an unknown outcome, and the other way round.
        for code in Code::all() {
            assert_eq!(code.entry().status == 504, code == Code::OutcomeUnknown);
        }
    }
}
