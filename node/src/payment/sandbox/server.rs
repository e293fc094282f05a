//! The sandbox over HTTP/1.1. A request without an answer is a connection that is closed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::call::{Call, Reply};
use super::desk::Desk;
use super::trouble::Trouble;
use super::{control, page};

/// Largest body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct Dropped;

/// Serves until `stop` completes. Open requests are not waited for: whatever was done is durable, as after a crash.
pub async fn serve(listener: TcpListener, desk: Arc<Desk>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&desk)))),
                // No file descriptor is left, or the client has gone again.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { answer(&desk, request).await.map(response).ok_or(Dropped) }
    });
    // An error here is a client that went away, or an answer that was to be lost.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(desk: &Desk, request: Request<Incoming>) -> Option<Reply> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let mut call = Call {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        key: header("idempotency-key"),
        body: Bytes::new(),
    };
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => call.body = body.to_bytes(),
        Err(_) => return Some(Trouble::invalid("body_too_large", "The body is too large or did not arrive.").into()),
    }
    let segments: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["sandbox", "action", id] if !desk.is_down() => Some(page::answer(desk, &call, id).await),
        ["sandbox", what] => Some(control::answer(desk, &call, what).await),
        _ if desk.is_down() => None,
        _ => desk.answer(&call).await,
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    headers.insert(hyper::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some((name, value)) = reply.header
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}
