//! Serves the edge over HTTP/1.1: one task a connection, keep-alive, timeouts against slow clients, an orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::future::{Either, select};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::edge::Api;
use crate::limits::{Room, TIDY_EVERY, Taken};

/// Most headers in a request, and most bytes of its head.
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long to wait when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` ends, then lets open requests finish for as long as the configuration allows.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let config = &api.edge().config;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.header_timeout).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    let http = Arc::new(http);
    let room = Room::new(config.connections_max);
    let (ending, ended) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    tracing::debug!(address = %listener.local_addr()?, "serving");
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            _ = tidy.tick() => api.edge().limits.tidy(),
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => if let Some(place) = room.take() {
                    let connection = Connection { http: Arc::clone(&http), api: api.clone(), ended: ended.clone(), _place: place };
                    tokio::spawn(connection.run(stream, from));
                },
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(ended);
    api.edge().hub.drain();
    ending.send_replace(true);
    let _ = tokio::time::timeout(config.drain_timeout, ending.closed()).await;
    Ok(())
}

struct Connection {
    http: Arc<http1::Builder>,
    api: Api,
    ended: watch::Receiver<bool>,
    _place: Taken,
}

impl Connection {
    async fn run(mut self, stream: TcpStream, from: SocketAddr) {
        if stream.set_nodelay(true).is_err() {
            return; // It is gone already.
        }
        let from = from.ip().to_canonical();
        let api = self.api;
        let service = service_fn(move |request: Request<Incoming>| {
            let api = api.clone();
            let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
            async move { Ok::<_, Infallible>(api.answer(request, from).await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let ended = pin!(async move { self.ended.wait_for(|ended| *ended).await.is_ok() });
        let connection = pin!(connection);
        // Errors here are the client's: it went away, or sent what is not HTTP (hyper has answered 400 or 431).
        if let Either::Right((_, mut connection)) = select(connection, ended).await {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
