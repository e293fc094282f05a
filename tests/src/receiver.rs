//! A customer's own program that is told of changes: a small HTTP server that keeps what it is sent, and refuses it on demand.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it was sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: String,
    /// Whether it was taken.
    pub taken: bool,
}

impl Message {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

#[derive(Default)]
struct Heard {
    status: AtomicU16,
    messages: Mutex<Vec<Message>>,
}

/// See the module. It listens as long as the runtime of its test.
pub struct Receiver {
    url: String,
    heard: Arc<Heard>,
}

impl Receiver {
    /// One that answers with this status.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(status: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/in", listener.local_addr()?);
        let heard = Arc::new(Heard { status: AtomicU16::new(status), ..Heard::default() });
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Ok(Self { url, heard })
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.heard.status.store(status, Ordering::SeqCst);
    }

    /// Everything that it was sent so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Message> {
        self.heard.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it took so far, each id once, in the order in which they came first.
    #[must_use]
    pub fn taken(&self) -> Vec<Message> {
        let mut taken: Vec<Message> = Vec::new();
        for message in self.heard().into_iter().filter(|message| message.taken) {
            if taken.iter().all(|known| known.id != message.id) {
                taken.push(message);
            }
        }
        taken
    }
}

/// Answers the requests of a connection, one after another.
async fn serve(mut stream: TcpStream, heard: Arc<Heard>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            read(&mut stream, &mut bytes).await?;
        };
        let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let end = head_end + header("content-length").parse::<usize>().ok()?;
        while bytes.len() < end {
            read(&mut stream, &mut bytes).await?;
        }
        let body = String::from_utf8_lossy(&bytes[head_end..end]).into_owned();
        bytes.drain(..end);
        let status = heard.status.load(Ordering::SeqCst);
        let message =
            Message { id: header("webhook-id"), signature: header("webhook-signature"), body, taken: (200..300).contains(&status) };
        heard.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        stream.write_all(format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.ok()?;
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 4096];
    let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&piece[..count]);
    Some(())
}
