//! Serves the edge over HTTP/1.1, in the clear or over TLS: one task a connection, keep-alive, timeouts against slow clients, an
//! orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use boxoffice_tls::stream::Stream;
use bytes::Bytes;
use futures::future::{Either, select};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::edge::Api;
use crate::limits::{Room, TIDY_EVERY, Taken};

/// Most headers in a request, and most bytes of its head.
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// An answer up to this size is sent at once; longer ones and streams keep their connection from being idle.
const SHORT_BYTES_MAX: u64 = 64 * 1024;
/// How long to wait when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown` ends, then lets open requests finish for as long as the configuration allows.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let config = &api.edge().config;
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
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
    /// With TLS: `None` when the client does not speak it, not as it should, or too slowly. Whoever sends plain HTTP is cut off.
    async fn shake_hands(&mut self, stream: TcpStream) -> Option<Stream> {
        let config = &self.api.edge().config;
        let Some(tls) = &config.tls else { return Some(Stream::Plain(stream)) };
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(config.header_timeout, tls.accept(stream)) => accepted,
            _ = self.ended.wait_for(|ended| *ended) => return None,
        };
        match accepted {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(_)) | Err(_) => {
                self.api.edge().metrics.handshake_failed();
                None
            }
        }
    }

    async fn run(mut self, stream: TcpStream, from: SocketAddr) {
        if stream.set_nodelay(true).is_err() || cut_when_stalled(&stream, self.api.edge().config.stalled_timeout).is_err() {
            return; // It is gone already.
        }
        let from = from.ip().to_canonical();
        let Some(stream) = self.shake_hands(stream).await else { return };
        let api = self.api;
        let pace = Arc::new(Pace::default());
        let (quiet, timeout) = (Arc::clone(&pace), api.edge().config.header_timeout);
        let service = service_fn(move |request: Request<Incoming>| {
            let (api, at_work) = (api.clone(), pace.begin());
            let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
            async move {
                let answer = api.answer(request, from).await;
                Ok::<_, Infallible>(if is_long(answer.body()) {
                    answer.map(|body| Body::new(Long { body, _at_work: at_work }))
                } else {
                    answer
                })
            }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let ended = pin!(async move { self.ended.wait_for(|ended| *ended).await.is_ok() });
        let idle = pin!(quiet.idle(timeout));
        let connection = pin!(connection);
        // Errors here are the client's: it went away, or sent what is not HTTP (hyper has answered 400 or 431).
        if let Either::Right((Either::Left(_), mut connection)) = select(connection, select(ended, idle)).await {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Lets the system end a connection whose client has taken nothing of what was sent for so long: a reader of a stream who stops
/// reading would else hold its place for ever.
fn cut_when_stalled(stream: &TcpStream, after: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::net::sockopt::set_tcp_user_timeout(stream, u32::try_from(after.as_millis()).unwrap_or(u32::MAX))?;
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, after);
    Ok(())
}

/// Whether a connection has a request at work, and how many it has had: enough to close it when none comes, with one timer for
/// the connection instead of one for every request.
#[derive(Default)]
struct Pace {
    begun: AtomicU64,
    done: AtomicU64,
}

/// A request at work.
struct AtWork(Arc<Pace>);

impl Pace {
    fn begin(self: &Arc<Self>) -> AtWork {
        self.begun.fetch_add(1, Ordering::Relaxed);
        AtWork(Arc::clone(self))
    }

    /// Ends when no request was at work for as long as `timeout`, twice that at most.
    async fn idle(&self, timeout: Duration) {
        loop {
            let before = self.done.load(Ordering::Relaxed);
            tokio::time::sleep(timeout).await;
            if self.begun.load(Ordering::Relaxed) == before && self.done.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// Whether it may take longer to send than a connection may be idle.
fn is_long(body: &Body) -> bool {
    body.size_hint().exact().is_none_or(|bytes| bytes > SHORT_BYTES_MAX)
}

/// The body of an answer that counts as work until it is sent.
struct Long {
    body: Body,
    _at_work: AtWork,
}

impl hyper::body::Body for Long {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.done.fetch_add(1, Ordering::Relaxed);
    }
}
