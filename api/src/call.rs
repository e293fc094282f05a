//! One request as a route sees it: authenticated, limited, read, with its query checked.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use boxoffice_cluster_config::request_tag::RequestTag;
use boxoffice_ledger::ids::Request;
use bytes::Bytes;

use crate::backend::{Caller, Context, Freshness, Grant, Revision};
use crate::dispatch::Params;
use crate::error::{Code, HttpProblem};
use crate::json::Expand;

/// Items in a page if the caller does not say.
const PAGE_DEFAULT: usize = 25;
/// Most items in a page.
const PAGE_MAX: usize = 100;
/// Longest cursor, in bytes.
const CURSOR_BYTES_MAX: usize = 512;

/// A request.
pub struct Call {
    /// Method, path, headers, upgrade.
    pub parts: Parts,
    /// Who is calling, if anyone said.
    pub caller: Option<Caller>,
    /// What the caller's access token says, if they came with one.
    pub grant: Option<Grant>,
    /// Where from.
    pub address: IpAddr,
    /// What it is called in the logs of other nodes.
    pub tag: RequestTag,
    /// Its body, within the route's bound.
    pub body: Bytes,
    /// Which write it is, on routes that write.
    pub request: Option<Request>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The freshness that was asked for.
    pub freshness: Option<Freshness>,
    /// Parameters of the path.
    pub params: Params,
    /// Parameters of the query, all known to the route.
    pub query: Vec<(String, String)>,
}

impl Call {
    /// The caller, on routes that need one.
    ///
    /// # Errors
    /// 401 when nobody said who is calling.
    pub fn user(&self) -> Result<Caller, HttpProblem> {
        self.caller.ok_or_else(unauthenticated)
    }

    /// The write's id, on routes that write.
    ///
    /// # Errors
    /// 400 when there is none.
    pub fn write(&self) -> Result<Request, HttpProblem> {
        self.request.ok_or_else(|| HttpProblem::new(Code::IdempotencyKeyRequired, "This request needs an Idempotency-Key."))
    }

    /// The context of a read that is this fresh unless the caller asked for something else.
    #[must_use]
    pub fn fresh(&self, default: Freshness) -> Context {
        let freshness = self.freshness.unwrap_or(default);
        Context { deadline: self.deadline, freshness, from: Some(self.address), request: self.tag }
    }

    /// The context of a write, or of a read where any state does.
    #[must_use]
    pub fn context(&self) -> Context {
        self.fresh(Freshness::Local)
    }

    /// A parameter of the path, percent-decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name)
    }

    /// An id in the path.
    ///
    /// # Errors
    /// 404 when it is not an id of this kind: nothing can have that name.
    pub fn id<T: FromStr>(&self, name: &str, what: &str) -> Result<T, HttpProblem> {
        self.param(name).parse().map_err(|_| HttpProblem::not_found(what))
    }

    /// A parameter of the query.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `limit` and `cursor`.
    ///
    /// # Errors
    /// 422 when they are out of range.
    pub fn page(&self) -> Result<(usize, Option<&str>), HttpProblem> {
        let limit = match self.asked("limit") {
            None => PAGE_DEFAULT,
            Some(text) => match number::<usize>(text) {
                Some(limit @ 1..=PAGE_MAX) => limit,
                _ => return Err(HttpProblem::field("?limit", "out_of_range", format!("limit is a number from 1 to {PAGE_MAX}"))),
            },
        };
        let cursor = self.asked("cursor");
        if cursor.is_some_and(|cursor| cursor.is_empty() || cursor.len() > CURSOR_BYTES_MAX || !cursor.is_ascii()) {
            return Err(HttpProblem::field("?cursor", "invalid", "cursor is the next_cursor of the page before"));
        }
        Ok((limit, cursor))
    }

    /// `expand`.
    ///
    /// # Errors
    /// 422 when it names something that cannot be given whole.
    pub fn expand(&self) -> Result<Expand, HttpProblem> {
        let mut expand = Expand::default();
        for name in self.asked("expand").into_iter().flat_map(|names| names.split(',')) {
            match name {
                "venue" => expand.venue = true,
                "performers" => expand.performers = true,
                "event" => expand.event = true,
                _ => return Err(HttpProblem::field("?expand", "invalid", "expand is a list of venue, performers, event")),
            }
        }
        Ok(expand)
    }

    /// The version in `If-Match`.
    ///
    /// # Errors
    /// 428 without the header, 412 when no object can have that tag.
    pub fn if_match(&self) -> Result<u64, HttpProblem> {
        let Some(value) = self.parts.headers.get(header::IF_MATCH) else {
            return Err(HttpProblem::new(Code::PreconditionRequired, "Send the object's ETag in If-Match."));
        };
        let tag = value.to_str().unwrap_or_default().trim().trim_start_matches("W/");
        let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or_default();
        let version = tag.split('-').next().and_then(|version| version.parse().ok());
        version.ok_or_else(|| HttpProblem::new(Code::VersionMismatch, "If-Match is not an ETag of this object."))
    }

    /// Whether the caller has this version already.
    #[must_use]
    pub fn has_tag(&self, tag: &[u8]) -> bool {
        let Some(tags) = self.parts.headers.get(header::IF_NONE_MATCH) else { return false };
        let weak = |one: &[u8]| one.trim_ascii().strip_prefix(b"W/").unwrap_or(one.trim_ascii()) == tag;
        tags.as_bytes().split(|&byte| byte == b',').any(weak)
    }
}

/// A number in its one text form: digits, without a sign and without zeros before them.
#[must_use]
pub fn number<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

/// The challenge of every 401.
pub const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// 401, with the challenge that HTTP asks for.
#[must_use]
pub fn unauthenticated() -> HttpProblem {
    HttpProblem::new(Code::Unauthenticated, "Send a valid access token.").header(header::WWW_AUTHENTICATE, BEARER)
}

/// The parameters of the query, each known and given once.
///
/// # Errors
/// 422 for an unknown or repeated one, 400 for one that is not text.
pub fn query(parts: &Parts, known: &[&str]) -> Result<Vec<(String, String)>, HttpProblem> {
    if parts.uri.query().is_none_or(str::is_empty) {
        return Ok(Vec::new());
    }
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return Err(HttpProblem::new(Code::MalformedRequest, "The query is not well formed."));
    };
    for (at, (name, value)) in pairs.iter().enumerate() {
        if !known.contains(&name.as_str()) && !["consistency", "min_index"].contains(&name.as_str()) {
            let detail = format!("this path knows only: {}", known.join(", "));
            return Err(HttpProblem::field(format!("?{}", name.escape_default()), "unknown_parameter", detail));
        }
        if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(HttpProblem::field(format!("?{name}"), "duplicate", "give it once"));
        }
        if value.chars().any(char::is_control) {
            return Err(HttpProblem::field(format!("?{name}"), "invalid", "no control characters"));
        }
    }
    Ok(pairs)
}

/// The freshness that was asked for: `Boxoffice-Min-Revision` or `?min_index=`, and `?consistency=`.
///
/// # Errors
/// 422 when one of them is not understood.
pub fn freshness(headers: &HeaderMap, query: &[(String, String)]) -> Result<Option<Freshness>, HttpProblem> {
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let header = headers.get("boxoffice-min-revision").map(|value| value.to_str().unwrap_or_default());
    if let Some(text) = header.or_else(|| asked("min_index")) {
        let place = if header.is_some() { "Boxoffice-Min-Revision" } else { "?min_index" };
        let asked = match text.split_once(',') {
            None => Revision::parse(text).map(Freshness::AtLeast),
            Some((one, other)) => Revision::parse(one).zip(Revision::parse(other)).map(|(one, other)| Freshness::AtLeastBoth(one, other)),
        };
        let wrong = || HttpProblem::field(place, "invalid", "as answers carry it: <group>:<index>, such as 3:81263, or two with a comma");
        return asked.ok_or_else(wrong).map(Some);
    }
    match asked("consistency") {
        None => Ok(None),
        Some("local") => Ok(Some(Freshness::Local)),
        Some("linearizable") => Ok(Some(Freshness::Linearizable)),
        Some(_) => Err(HttpProblem::field("?consistency", "invalid", "local or linearizable")),
    }
}

/// When the caller stops waiting.
#[must_use]
pub fn deadline(after: Duration) -> Instant {
    Instant::now() + after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_text_form() {
        assert_eq!((number("0"), number("81263")), (Some(0_u64), Some(81_263_u64)));
        for bad in ["", "+5", "-0", "007", " 1", "1.0", "1e3", "18446744073709551616"] {
            assert_eq!(number::<u64>(bad), None, "{bad}");
        }
    }

    #[test]
    fn revisions_have_one_text_form() {
        for text in ["3:81263", "0:0", "12:9:4"] {
            assert_eq!(Revision::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "3", "3:", ":3", "3:-1", "3:+1", "3:1:2:3", "4294967296:1", "a:b", "3:18446744073709551616"] {
            assert_eq!(Revision::parse(bad), None, "{bad}");
        }
    }
}
