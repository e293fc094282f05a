//! HTTPS: the handshake has its time, and what is no TLS is cut off.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_tls::clients::Clients;
use boxoffice_tls::issue::{Existing, Folder, Validity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::harness::config;
use super::sockets::Server;

/// Long enough on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// What a server says to these bytes until it hangs up.
async fn say(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("it hangs up");
    answer
}

#[tokio::test]
async fn who_speaks_no_tls_or_nothing_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path(), "test");
    folder.make_ca(Validity::days(2), Existing::Keep).unwrap();
    folder.make_node(1, &["localhost".into(), "127.0.0.1".into()], Validity::days(2), Existing::Keep).unwrap();
    let mut config = config();
    config.tls = Some(Arc::new(Clients::open(folder.node(1).own).unwrap()));
    config.header_timeout = Duration::from_millis(500);
    // One place for all: whoever loses it must give it back.
    config.connections_max = 1;
    let server = Server::start(config).await;
    let url = server.url().replace("http://", "https://");
    let address = url.trim_start_matches("https://").to_owned();

    assert!(!say(&address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.starts_with(b"HTTP"));
    assert!(say(&address, b"").await.is_empty(), "who says nothing");
    assert!(say(&address, b"\x16\x03\x01\x02").await.len() < 20, "who begins and goes no further");
    let root = reqwest::Certificate::from_pem(&std::fs::read(folder.ca().certificate).unwrap()).unwrap();
    let client = crate::client::http().no_proxy().tls_certs_only([root]).build().unwrap();
    let mut answered = false;
    for _ in 0..100 {
        answered = client.get(format!("{url}/healthz")).send().await.is_ok_and(|answer| answer.status() == 200);
        if answered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(answered, "the place was given back");
    let metrics = server.edge.api.edge().metrics.text(Vec::new()).unwrap();
    assert!(metrics.contains("boxoffice_http_bad_handshakes_total 3"), "{metrics}");
}
