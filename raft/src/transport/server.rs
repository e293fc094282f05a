//! The answering end: reads calls from each stream and answers them as they are done, in any order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::{CALLS_MAX, MESSAGE_BYTES_MAX, WINDOW_BYTES};
use crate::env::{PeerRequest, PeerService};
use crate::proto::{self, peer_server::Peer, peer_server::PeerServer};

/// Serves peers until `stop` resolves.
///
/// # Errors
/// As the transport reports them.
pub async fn serve(
    listener: TcpListener,
    service: Arc<dyn PeerService>,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let service =
        PeerServer::new(Exchange { service }).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX);
    Server::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .http2_keepalive_interval(Some(Duration::from_secs(5)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .add_service(service)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stop)
        .await
}

struct Exchange {
    service: Arc<dyn PeerService>,
}

#[tonic::async_trait]
impl Peer for Exchange {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<proto::Frame, Status>> + Send>>;

    async fn exchange(&self, request: Request<Streaming<proto::Frame>>) -> Result<Response<Self::ExchangeStream>, Status> {
        let (answers, mut outgoing) = mpsc::channel(CALLS_MAX);
        tokio::spawn(read_calls(request.into_inner(), self.service.clone(), answers));
        Ok(Response::new(Box::pin(futures::stream::poll_fn(move |context| outgoing.poll_recv(context)))))
    }
}

/// Ends when the peer hangs up or the stream breaks.
async fn read_calls(
    mut calls: Streaming<proto::Frame>,
    service: Arc<dyn PeerService>,
    answers: mpsc::Sender<Result<proto::Frame, Status>>,
) {
    let room = Arc::new(Semaphore::new(CALLS_MAX));
    while let Ok(Some(frame)) = calls.message().await {
        let Some(request) = frame.request else { continue };
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let (service, answers) = (service.clone(), answers.clone());
        tokio::spawn(async move {
            let reply = service.answer(PeerRequest(request)).await;
            let frame = proto::Frame { call: frame.call, request: None, reply: Some(reply.0) };
            // The peer may have hung up.
            let _ = answers.send(Ok(frame)).await;
            drop(permit);
        });
    }
}
