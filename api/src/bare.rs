//! The HTTP stack without boxoffice: one fixed answer at one path. `boxoffice bench read` measures what a node's reads cost
//! beside it.

use std::io;

use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::net::TcpListener;

/// Answers every `GET /` with this body until it is dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, body: Bytes) -> io::Result<()> {
    let answer = move || std::future::ready(([(header::CONTENT_TYPE, "application/json")], body.clone()));
    // As a node does; a connection on which this fails is gone already.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, axum::Router::new().route("/", get(answer))).await
}
