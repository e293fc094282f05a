//! The answering end: reads calls from each stream and answers them as they are done, in any order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_tls::peers::Renewals;
use futures::Stream;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::door::{Caller, Door};
use super::{CALLS_MAX, MESSAGE_BYTES_MAX, WINDOW_BYTES};
use crate::env::{PeerRequest, PeerService};
use crate::proto::{self, peer_server::Peer, peer_server::PeerServer};

/// Serves peers that the door lets in until `stop` resolves.
///
/// # Errors
/// As the transport reports them.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    service: Arc<dyn PeerService>,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let exchange = Exchange { service, door: door.clone() };
    let service = PeerServer::new(exchange).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX);
    Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .http2_keepalive_interval(Some(Duration::from_secs(5)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .add_service(service)
        .serve_with_incoming_shutdown(door.guests(listener), stop)
        .await
}

struct Exchange {
    service: Arc<dyn PeerService>,
    door: Door,
}

#[tonic::async_trait]
impl Peer for Exchange {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<proto::Frame, Status>> + Send>>;

    async fn exchange(&self, request: Request<Streaming<proto::Frame>>) -> Result<Response<Self::ExchangeStream>, Status> {
        let caller = request.extensions().get::<Caller>().cloned().ok_or_else(|| Status::unauthenticated("nobody knows who calls"))?;
        let (answers, mut outgoing) = mpsc::channel(CALLS_MAX);
        let line = Line { caller, door: self.door.clone(), service: self.service.clone(), answers };
        line.check_trust()?;
        tokio::spawn(line.read(request.into_inner()));
        Ok(Response::new(Box::pin(futures::stream::poll_fn(move |context| outgoing.poll_recv(context)))))
    }
}

/// One stream of a peer's calls.
struct Line {
    caller: Caller,
    door: Door,
    service: Arc<dyn PeerService>,
    answers: mpsc::Sender<Result<proto::Frame, Status>>,
}

impl Line {
    /// Ends when the peer hangs up, the stream breaks, or the peer is not to be trusted any more.
    async fn read(self, mut calls: Streaming<proto::Frame>) {
        let room = Arc::new(Semaphore::new(CALLS_MAX));
        let mut renewals = self.door.security.as_ref().map(|security| security.tls.renewals());
        while let Ok(Some(frame)) = calls.message().await {
            if renewals.as_mut().is_some_and(Renewals::happened)
                && let Err(status) = self.check_trust()
            {
                return self.end(status).await;
            }
            let Some(request) = frame.request else { continue };
            if let Err(status) = self.check_name(request.from) {
                return self.end(status).await;
            }
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            let (service, answers) = (self.service.clone(), self.answers.clone());
            tokio::spawn(async move {
                let reply = service.answer(PeerRequest(request)).await;
                let frame = proto::Frame { call: frame.call, request: None, reply: Some(reply.0) };
                // The peer may have hung up.
                let _ = answers.send(Ok(frame)).await;
                drop(permit);
            });
        }
    }

    async fn end(self, status: Status) {
        // The peer may have hung up.
        let _ = self.answers.send(Err(status)).await;
    }

    /// Whether the caller may speak for a node.
    fn check_name(&self, node: u64) -> Result<(), Status> {
        if self.caller.may_be(node) {
            return Ok(());
        }
        let Caller::Members { shown, from, .. } = &self.caller else { return Ok(()) };
        let names = shown.certificate.names.join(", ");
        self.door.refusals.identity(from, &format!("it speaks for n{node}, with the certificate of {names}"));
        Err(Status::permission_denied(format!("this connection is not that of n{node}")))
    }

    /// Whether the caller's certificate is still one that would be let in.
    fn check_trust(&self) -> Result<(), Status> {
        let (Caller::Members { shown, from, .. }, Some(security)) = (&self.caller, &self.door.security) else { return Ok(()) };
        if security.tls.still_trusts(shown) {
            return Ok(());
        }
        self.door.refusals.identity(from, &"its certificate is not trusted any more");
        Err(Status::unauthenticated("the certificate of this connection is not trusted any more"))
    }
}
