//! Which write a request is: one id per (caller, path, Idempotency-Key), one fingerprint per content.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, Method};
use boxoffice_ledger::ids::{Request, RequestId};

use crate::error::{Code, HttpProblem};

/// Derives request ids. All nodes of a cluster derive the same id for the same request.
pub struct Requests {
    key: [u8; 32],
    process: [u8; 16],
    drawn: AtomicU64,
}

impl Requests {
    /// For a cluster with this secret; `process` is random, for requests that come without a key.
    #[must_use]
    pub fn new(secret: &[u8; 32], process: [u8; 16]) -> Self {
        Self { key: blake3::derive_key("boxoffice 2026 request id", secret), process, drawn: AtomicU64::new(0) }
    }

    /// The id and fingerprint of a request. `scope` is the caller's id, or what stands for one (the e-mail of a
    /// registration), so that two people's equal keys never meet.
    #[must_use]
    pub fn derive(&self, scope: &[u8], method: &Method, target: &str, key: Option<&str>, body: &[u8]) -> Request {
        let path = target.split('?').next().unwrap_or(target);
        let id = match key {
            Some(key) => self.hash(&[scope, method.as_str().as_bytes(), path.as_bytes(), key.as_bytes()]),
            None => self.hash(&[&self.process, &self.drawn.fetch_add(1, Ordering::Relaxed).to_le_bytes()]),
        };
        let print = self.hash(&[method.as_str().as_bytes(), target.as_bytes(), body]);
        #[allow(clippy::cast_possible_truncation)] // Eight of sixteen hash bytes are wanted.
        Request { id: RequestId(id), fingerprint: print as u64 }
    }

    /// Each part is preceded by its length, so that no two lists of parts look alike.
    fn hash(&self, parts: &[&[u8]]) -> u128 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0_u8; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        u128::from_le_bytes(id)
    }
}

/// The Idempotency-Key of a request, if it has one.
///
/// # Errors
/// 400 when it is empty, too long, not printable, or there is more than one.
pub fn key_of(headers: &HeaderMap) -> Result<Option<&str>, HttpProblem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=255).contains(&bytes.len()) && bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    match value.to_str() {
        Ok(key) if fits && values.next().is_none() => Ok(Some(key)),
        _ => {
            Err(HttpProblem::new(Code::IdempotencyKeyRequired, "Idempotency-Key must be one value of 1 to 255 printable ASCII characters."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_is_the_same_on_every_node() {
        let secret = [7; 32];
        let (one, other) = (Requests::new(&secret, [1; 16]), Requests::new(&secret, [2; 16]));
        let derive =
            |node: &Requests, user: &[u8], path: &str, key: Option<&str>, body: &[u8]| node.derive(user, &Method::POST, path, key, body);
        let first = derive(&one, b"u1", "/event/e/hold", Some("k"), b"{}");
        assert_eq!(derive(&other, b"u1", "/event/e/hold", Some("k"), b"{}"), first);
        assert_ne!(derive(&one, b"u2", "/event/e/hold", Some("k"), b"{}").id, first.id);
        assert_ne!(derive(&one, b"u1", "/event/f/hold", Some("k"), b"{}").id, first.id);
        assert_ne!(derive(&one, b"u1", "/event/e/hold", Some("l"), b"{}").id, first.id);
        let other_body = derive(&one, b"u1", "/event/e/hold", Some("k"), b"{ }");
        assert_eq!(other_body.id, first.id);
        assert_ne!(other_body.fingerprint, first.fingerprint);
        // The query belongs to the content, not to the name.
        let other_query = derive(&one, b"u1", "/event/e/hold?fix=true", Some("k"), b"{}");
        assert_eq!(other_query.id, first.id);
        assert_ne!(other_query.fingerprint, first.fingerprint);
        // Without a key every request is a new one, on every node.
        let ids = [&one, &one, &other].map(|node| derive(node, b"u1", "/x", None, b"").id);
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        // Parts do not run into each other.
        assert_ne!(derive(&one, b"u1", "/a", Some("bc"), b"").id, derive(&one, b"u1", "/ab", Some("c"), b"").id);
    }

    #[test]
    fn keys_are_short_and_printable() {
        let key = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", axum::http::HeaderValue::from_bytes(value).unwrap());
            key_of(&headers).map(|key| key.map(str::len)).map_err(|problem| problem.code)
        };
        assert_eq!(key(b"a"), Ok(Some(1)));
        assert_eq!(key(&[b'a'; 255]), Ok(Some(255)));
        for bad in [&b""[..], &[b'a'; 256], b"\xc3\xa4", b"a\tb"] {
            assert_eq!(key(bad), Err(Code::IdempotencyKeyRequired));
        }
        assert_eq!(key_of(&HeaderMap::new()).unwrap(), None);
    }
}
