//! One keep-alive HTTP/1.1 connection that costs almost nothing: requests are bytes built by the caller, and of an answer only
//! the status line, `content-length` and the body are looked at. It is for measuring; it is not a general client.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes read at a time.
const READ_BYTES: usize = 16 * 1024;
/// A head longer than this is not from a boxoffice node.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request did not leave: nothing happened.
    NotSent,
    /// The request left and no answer came: it may have happened.
    NoAnswer,
}

/// An answer. The body stays in the connection's buffer until the next exchange.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

/// A connection to one node, opened when first used and again after it broke.
pub struct Connection {
    address: String,
    stream: Option<TcpStream>,
    inbox: Vec<u8>,
}

impl Connection {
    /// A connection to `host:port`, not opened yet.
    #[must_use]
    pub fn new(address: String) -> Self {
        Self { address, stream: None, inbox: Vec::with_capacity(READ_BYTES) }
    }

    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// [`Lost`] says whether the request may have taken effect.
    pub async fn exchange(&mut self, request: &[u8], patience: Duration) -> Result<Reply<'_>, Lost> {
        if self.stream.is_none() {
            match timeout(CONNECT_PATIENCE, TcpStream::connect(&self.address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(|_| Lost::NotSent)?;
                    self.stream = Some(stream);
                }
                _ => return Err(Lost::NotSent),
            }
        }
        match timeout(patience, self.converse(request)).await {
            Ok(Ok(head)) => Ok(Reply { status: head.status, body: &self.inbox[head.bytes..head.bytes + head.body] }),
            _ => {
                self.stream = None;
                Err(Lost::NoAnswer)
            }
        }
    }

    async fn converse(&mut self, request: &[u8]) -> io::Result<Head> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        self.inbox.clear();
        stream.write_all(request).await?;
        loop {
            if let Some(head) = Head::parse(&self.inbox)?
                && self.inbox.len() >= head.bytes + head.body
            {
                if head.close {
                    self.stream = None;
                }
                return Ok(head);
            }
            self.inbox.reserve(READ_BYTES);
            if stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    bytes: usize,
    body: usize,
    close: bool,
}

impl Head {
    /// Reads the head at the beginning of `inbox`; `None` while it is incomplete.
    fn parse(inbox: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = find(inbox, b"\r\n\r\n") else {
            return if inbox.len() > HEAD_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
        };
        let head = &inbox[..end];
        let status = head.get(9..12).and_then(decimal).ok_or(io::ErrorKind::InvalidData)?;
        let mut body = None;
        let mut close = false;
        for line in head.split(|&byte| byte == b'\n').skip(1) {
            if let Some(value) = value_of(line, b"content-length:") {
                body = decimal(value);
            } else if let Some(value) = value_of(line, b"connection:") {
                close = value.eq_ignore_ascii_case(b"close");
            }
        }
        let empty = matches!(status, 204 | 304);
        let body = if empty { 0 } else { body.ok_or(io::ErrorKind::InvalidData)? };
        let status = u16::try_from(status).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Some(Self { status, bytes: end + 4, body, close }))
    }
}

/// Where `needle` first stands in `haystack`.
#[must_use]
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The text after `"name":"` up to the next quote, by byte search.
#[must_use]
pub fn text_field<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let mark = format!("\"{name}\":\"");
    let start = find(body, mark.as_bytes())? + mark.len();
    let length = body[start..].iter().position(|&byte| byte == b'"')?;
    std::str::from_utf8(&body[start..start + length]).ok()
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| rest.trim_ascii())
}

fn decimal(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\nconnection: close\r\n\r\n{}";
        assert_eq!(Head::parse(&answer[..30]).unwrap(), None);
        let head = Head::parse(answer).unwrap().unwrap();
        assert_eq!((head.status, head.body, head.close), (409, 2, true));
        assert_eq!(&answer[head.bytes..], b"{}");
    }

    #[test]
    fn an_answer_without_a_length_is_refused_unless_it_has_no_body() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").is_err());
        assert_eq!(Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body, 0);
    }

    #[test]
    fn fields_are_found_by_name() {
        let body = br#"{"object":"hold","id":"hld_1","state":"active"}"#;
        assert_eq!(text_field(body, "id"), Some("hld_1"));
        assert_eq!(text_field(body, "nothing"), None);
    }
}
