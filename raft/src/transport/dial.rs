//! Connects to a peer: TCP, and with TLS the certainty that it is the one who was meant.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use boxoffice_tls::peers::Peers as TlsPeers;
use boxoffice_tls::stream::Stream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::codegen::Service;
use tonic::transport::Uri;

use crate::refusals::Refusals;

/// How one peer is reached.
#[derive(Clone)]
pub struct Dial {
    /// `host:port`.
    pub address: String,
    /// With TLS.
    pub security: Option<Expected>,
}

/// Who has to be there.
#[derive(Clone)]
pub struct Expected {
    pub tls: Arc<TlsPeers>,
    /// The name on the peer's certificate.
    pub name: String,
    /// Told when it is somebody else.
    pub refusals: Arc<Refusals>,
}

impl Dial {
    async fn connect(self) -> io::Result<Stream> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let Some(expected) = &self.security else { return Ok(Stream::Plain(stream)) };
        let connected = expected.tls.connect(stream, &expected.name).await;
        if let Err(error) = &connected {
            expected.refusals.handshake(&format!("{} at {}", expected.name, self.address), error);
        }
        connected
    }
}

impl Service<Uri> for Dial {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move { dial.connect().await.map(TokioIo::new) })
    }
}
