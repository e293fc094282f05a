//! A WebSocket client that costs little: the handshake, whole text frames in, masked frames out. It is for measuring; it is not a
//! general client.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A frame longer than this is not from a boxoffice node.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Room that an idle socket keeps.
const IDLE_BYTES: usize = 2 * 1024;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An open socket.
pub struct Socket {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// How much of the inbox was given out.
    used: usize,
}

impl Socket {
    /// Opens `path` at `host:port`.
    ///
    /// # Errors
    /// When it cannot be connected to, or does not answer the handshake as it should.
    pub async fn open(address: &str, path: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let handshake = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: boxoffice.seat.v1\r\n\r\n"
        );
        stream.write_all(handshake.as_bytes()).await?;
        let mut socket = Self { stream, inbox: Vec::with_capacity(IDLE_BYTES), used: 0 };
        loop {
            if let Some(end) = super::connection::find(&socket.inbox, b"\r\n\r\n") {
                if socket.inbox.get(9..12) != Some(b"101") {
                    return Err(io::Error::other(String::from_utf8_lossy(&socket.inbox[..end]).into_owned()));
                }
                socket.used = end + 4;
                return Ok(socket);
            }
            socket.fill().await?;
        }
    }

    /// Sends a text.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.write(TEXT, text.as_bytes()).await
    }

    /// The next text; pings are answered on the way. `None` when the other side closes.
    ///
    /// # Errors
    /// When the connection broke, or what came is no frame.
    pub async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let (from, to) = loop {
            let Some(frame) = Frame::parse(&self.inbox[self.used..])? else {
                self.fill().await?;
                continue;
            };
            let (from, to) = (self.used + frame.head, self.used + frame.head + frame.body);
            self.used = to;
            match frame.kind {
                TEXT => break (from, to),
                PING => {
                    let body = self.inbox[from..to].to_vec();
                    self.write(PONG, &body).await?;
                }
                CLOSE => return Ok(None),
                _ => {}
            }
        };
        Ok(Some(&self.inbox[from..to]))
    }

    /// Reads what is there, after what was not given out yet.
    async fn fill(&mut self) -> io::Result<()> {
        self.inbox.drain(..self.used);
        self.used = 0;
        if self.inbox.is_empty() {
            self.inbox.shrink_to(IDLE_BYTES); // A snapshot was here.
        }
        self.inbox.reserve(IDLE_BYTES / 2);
        if self.stream.read_buf(&mut self.inbox).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Writes a short frame, masked with zeros, as a client must and may.
    async fn write(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let length = u8::try_from(body.len()).ok().filter(|length| *length < 126).ok_or(io::ErrorKind::InvalidInput)?;
        let mut frame = vec![0x80 | kind, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(body);
        self.stream.write_all(&frame).await
    }
}

/// The head of a frame from a server.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    kind: u8,
    head: usize,
    body: usize,
}

impl Frame {
    /// `None` while the frame is incomplete.
    fn parse(inbox: &[u8]) -> io::Result<Option<Self>> {
        let [first, second, rest @ ..] = inbox else { return Ok(None) };
        if first & 0xf0 != 0x80 || second & 0x80 != 0 {
            return Err(io::Error::other("a frame in parts, or masked"));
        }
        let (head, body) = match (second, rest) {
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize),
            (126 | 127, _) => return Ok(None),
            (length, _) => (2, usize::from(*length)),
        };
        if body > FRAME_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok((inbox.len() >= head + body).then_some(Self { kind: first & 0x0f, head, body }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_once_it_is_whole() {
        assert_eq!(Frame::parse(&[0x81]).unwrap(), None);
        assert_eq!(Frame::parse(&[0x81, 2, b'{']).unwrap(), None);
        assert_eq!(Frame::parse(&[0x81, 2, b'{', b'}', 9]).unwrap(), Some(Frame { kind: TEXT, head: 2, body: 2 }));
        let long = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        assert_eq!(Frame::parse(&long).unwrap(), Some(Frame { kind: TEXT, head: 4, body: 256 }));
        assert_eq!(Frame::parse(&long[..3]).unwrap(), None);
        assert!(Frame::parse(&[0x01, 0]).is_err() && Frame::parse(&[0x81, 0x80]).is_err());
        assert!(Frame::parse(&[0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
