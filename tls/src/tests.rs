//! Handshakes over real sockets: who is let in, who is not, and what changed files do.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificate::Certificate;
use crate::clients::Clients;
use crate::files::PeerFiles;
use crate::issue::{Existing, Folder, NODE_DAYS, Validity};
use crate::now_s;
use crate::peers::Peers;
use crate::stream::Stream;

/// Long enough on a busy machine.
const SOON: Duration = Duration::from_secs(30);

fn name(node: u64) -> String {
    format!("node-{node}.test")
}

/// A folder with a CA and certificates of two nodes.
fn folder(dir: &Path) -> Folder {
    let folder = Folder::at(dir, "test");
    folder.make_ca(Validity::days(10), Existing::Keep).unwrap();
    for node in 1..=2 {
        folder
            .make_node(node, &[name(node), "127.0.0.1".into(), "box.example.net".into()], Validity::days(NODE_DAYS), Existing::Keep)
            .unwrap();
    }
    folder
}

/// Both ends after a handshake and a byte each way: the client learns of a refusal when it reads.
async fn meet(server: &Peers, client: &Peers, expected: &str) -> (io::Result<Certificate>, io::Result<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut stream, shown) = server.accept(stream).await?;
        assert!(server.still_trusts(&shown));
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        stream.write_all(&byte).await?;
        Ok(shown.certificate)
    };
    let call = async {
        let mut stream = client.connect(TcpStream::connect(address).await.unwrap(), expected).await?;
        assert!(matches!(stream, Stream::Tls(_)));
        stream.write_all(b"x").await?;
        stream.read_exact(&mut [0]).await.map(|_| ())
    };
    tokio::time::timeout(SOON, async { tokio::join!(serve, call) }).await.expect("a handshake ends")
}

#[tokio::test]
async fn nodes_of_one_ca_know_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let open = |node| Peers::open(folder.node(node), &name(node)).unwrap();
    let (one, two) = (open(1), open(2));
    let (shown, answered) = meet(&one, &two, &name(1)).await;
    let shown = shown.unwrap();
    answered.unwrap();
    assert!(shown.has_name(&name(2)) && !shown.has_name(&name(1)), "{shown:?}");
    assert!(shown.covers("127.0.0.1") && shown.covers("box.example.net"));
    assert!(shown.not_after_s <= folder.read_ca().unwrap().not_after_s, "never good for longer than the CA");
    let (_, answered) = meet(&one, &two, &name(3)).await;
    let refused = answered.unwrap_err().to_string();
    assert!(refused.contains("node-3.test"), "who is called is checked: {refused}");
}

#[tokio::test]
async fn strangers_and_what_is_over_are_refused() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder(dir.path());
    let one = Peers::open(folder.node(1), &name(1)).unwrap();
    let stranger = Folder::at(other.path(), "test");
    stranger.make_ca(Validity::days(10), Existing::Keep).unwrap();
    stranger.make_node(2, &[name(2)], Validity::days(10), Existing::Keep).unwrap();
    // It knows the cluster's CA, as everybody may, but has no certificate of it.
    let mut files = stranger.node(2);
    let own_ca = fs::read_to_string(&files.ca).unwrap();
    fs::write(&files.ca, own_ca + &fs::read_to_string(folder.node(1).ca).unwrap()).unwrap();
    files.ca = stranger.ca().certificate;
    let (shown, answered) = meet(&one, &Peers::open(files, &name(2)).unwrap(), &name(1)).await;
    assert!(shown.is_err() && answered.is_err(), "{shown:?} {answered:?}");

    let past = Validity { from_s: now_s() - 20 * 86_400, until_s: now_s() - 86_400 };
    folder.make_node(2, &[name(2)], past, Existing::Replace).unwrap();
    let late = Peers::open(folder.node(2), &name(2)).expect("who is late starts all the same");
    assert!(late.certificate().lapse(now_s()).unwrap().contains("expired"));
    let (shown, answered) = meet(&one, &late, &name(1)).await;
    assert!(shown.unwrap_err().to_string().contains("xpired"), "{answered:?}");
    let (_, answered) = meet(&late, &one, &name(2)).await;
    assert!(answered.unwrap_err().to_string().contains("xpired"));
}

#[test]
fn what_does_not_fit_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let wrong = |files: PeerFiles, name: &str| Peers::open(files, name).unwrap_err().to_string();
    assert!(wrong(folder.node(1), &name(2)).contains("is not the certificate of node-2.test, but of node-1.test, box.example.net"));
    assert!(wrong(folder.node(3), &name(3)).contains("read "));
    let mut mixed = folder.node(1);
    mixed.own.key = folder.node(2).own.key;
    assert!(wrong(mixed, &name(1)).contains("the key does not belong"));
    let mut swapped = folder.node(1);
    std::mem::swap(&mut swapped.own.key, &mut swapped.own.certificate);
    assert!(wrong(swapped, &name(1)).contains("does not hold a certificate"));
    let other = tempfile::tempdir().unwrap();
    let stranger = Folder::at(other.path(), "test");
    stranger.make_ca(Validity::days(10), Existing::Keep).unwrap();
    let mut foreign = folder.node(1);
    foreign.ca = stranger.ca().certificate;
    assert!(wrong(foreign, &name(1)).contains("it is not signed by the CA"));
    let key = folder.node(1).own.key;
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(wrong(folder.node(1), &name(1)).contains("chmod 600"));
}

#[test]
fn nothing_is_replaced_unless_said() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let before = fs::read(folder.node(1).own.certificate).unwrap();
    assert!(folder.make_ca(Validity::days(1), Existing::Keep).unwrap_err().to_string().contains("is there already"));
    assert!(folder.make_node(1, &[name(1)], Validity::days(1), Existing::Keep).is_err());
    assert_eq!(fs::read(folder.node(1).own.certificate).unwrap(), before);
    folder.make_node(1, &[name(1)], Validity::days(1), Existing::Replace).unwrap();
    assert_ne!(fs::read(folder.node(1).own.certificate).unwrap(), before);
    for bad in ["", "10.0.0.1:80", "a b", "ü.example"] {
        assert!(folder.make_node(9, &[bad.to_owned()], Validity::days(1), Existing::Keep).is_err(), "{bad}");
    }
    let other = Folder::at(dir.path(), "other").make_node(3, &[name(3)], Validity::days(1), Existing::Keep);
    assert!(other.unwrap_err().to_string().contains("not signed by the CA"), "the folder is another cluster's");
    assert!(!folder.node(3).own.certificate.exists());
    assert!(Folder::at(dir.path().join("nowhere"), "test").make_node(1, &[name(1)], Validity::days(1), Existing::Keep).is_err());
}

#[tokio::test]
async fn changed_files_are_taken_up_and_broken_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let (one, two) = (Peers::open(folder.node(1), &name(1)).unwrap(), Peers::open(folder.node(2), &name(2)).unwrap());
    let first = one.certificate();
    let mut renewals = one.renewals();
    fs::write(folder.node(1).own.certificate, "half a fi").unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        assert_eq!(one.certificate(), first, "what is broken is not taken up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    folder.make_node(1, &[name(1), "new.example.net".into()], Validity::days(NODE_DAYS), Existing::Replace).unwrap();
    let looking = async {
        while !one.certificate().has_name("new.example.net") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, async { tokio::join!(looking, renewals.next()) }).await.expect("the new one is taken up");
    let (_, answered) = meet(&one, &two, &name(1)).await;
    answered.unwrap();
}

#[tokio::test]
async fn clients_need_no_certificate_and_plain_text_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let folder = folder(dir.path());
    let clients = Clients::open(folder.node(1).own).unwrap();
    assert!(clients.certificate().covers("127.0.0.1"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let call = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        all
    };
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        clients.accept(stream).await
    };
    let (served, got) = tokio::time::timeout(SOON, async { tokio::join!(serve, call) }).await.expect("it is closed");
    assert!(served.is_err() && !got.starts_with(b"HTTP"), "{served:?} {got:?}");
}
