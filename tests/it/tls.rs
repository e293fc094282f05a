//! TLS: who reaches the port of the nodes (28 of the abuse list), HTTPS towards clients, certificates that are made, checked and
//! replaced while nodes run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_ledger::command::Role;
use boxoffice_tests::binary;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::Client;
use boxoffice_tests::people::{self, PASSWORD};
use boxoffice_tests::shop::{self, Terms};
use boxoffice_tls::files::PeerFiles;
use boxoffice_tls::issue::{Existing, Folder, NODE_DAYS, Validity};
use boxoffice_tls::now_s;
use boxoffice_tls::peers::Peers;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shared::{cluster, turn};

/// Long enough on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// How HTTP/2 begins: the preface, and settings without any.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn name(node: u64) -> String {
    peer_name(&ClusterId("test".into()), NodeId(node))
}

/// A node's metric.
async fn metric(cluster: &Cluster, node: u64, name: &str) -> f64 {
    let text = cluster.anyone(node).get("/metrics").await.text;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0.0)
}

async fn refusals(reason: &str) -> f64 {
    metric(cluster(), 1, &format!("boxoffice_peer_refusals_total{{reason=\"{reason}\"}}")).await
}

/// Shakes hands with node 1 of the shared cluster and speaks HTTP/2; the first bytes of its answer, none when it hangs up.
async fn speak(files: PeerFiles, own: &str) -> Vec<u8> {
    let tls = Peers::open(files, own).expect("files that fit together");
    let stream = TcpStream::connect(cluster().peer_address(1)).await.expect("the port is open");
    let mut answer = vec![0; 64];
    let talk = async {
        let mut stream = tls.connect(stream, &name(1)).await?;
        stream.write_all(HTTP2).await?;
        stream.read(&mut answer).await
    };
    let length = timeout(SOON, talk).await.expect("an answer, or the end").unwrap_or(0);
    answer.truncate(length);
    answer
}

/// Waits until node 1 of the shared cluster has counted more refusals.
async fn counted(reason: &str, before: f64) {
    let more = async || (refusals(reason).await > before).then_some(());
    shop::eventually("the refusal to be counted", SOON, more).await;
}

/// 28: the port of the nodes is for nodes of this cluster.
#[tokio::test]
async fn nobody_but_a_node_of_this_cluster_reaches_the_port_of_the_nodes() {
    let ours = cluster().certificates();
    let scratch = tempfile::tempdir_in(binary::scratch()).expect("a folder");
    assert_eq!(speak(ours.node(2), &name(2)).await.get(3), Some(&4), "a node gets settings for an answer");

    let before = refusals("handshake").await;
    let mut plain = TcpStream::connect(cluster().peer_address(1)).await.expect("the port is open");
    plain.write_all(HTTP2).await.expect("sent");
    let mut answer = Vec::new();
    let _ = timeout(SOON, plain.read_to_end(&mut answer)).await.expect("the end");
    assert!(answer.len() < 20, "a TLS alert at most: {answer:?}");
    counted("handshake", before).await;

    // A CA of one's own; the cluster's own is no secret, so the stranger knows whom to expect.
    let theirs = Folder::at(scratch.path(), "test");
    theirs.make_ca(Validity::days(NODE_DAYS), Existing::Keep).expect("a CA");
    theirs.make_node(2, &[name(2)], Validity::days(NODE_DAYS), Existing::Keep).expect("a certificate");
    let both = [theirs.ca().certificate, ours.ca().certificate].map(|file| fs::read_to_string(file).expect("a CA")).concat();
    let files = PeerFiles { ca: scratch.path().join("both.pem"), ..theirs.node(2) };
    fs::write(&files.ca, both).expect("written");
    let before = refusals("handshake").await;
    assert!(!is_http2(&speak(files, &name(2)).await), "a self-made certificate");
    counted("handshake", before).await;

    // Certificates of the cluster's own CA, made beside those of its nodes.
    for file in ["ca.pem", "ca.key"] {
        fs::copy(ours.ca().key.with_file_name(file), scratch.path().join(file)).expect("copied");
    }
    let signed = Folder::at(scratch.path(), "test");
    let (good, past) = (Validity::days(NODE_DAYS), Validity { from_s: now_s() - 9 * 86_400, until_s: now_s() - 86_400 });
    for (node, named, validity, reason) in [
        (12, name(2), past, "handshake"),
        (13, peer_name(&ClusterId("other".into()), NodeId(2)), good, "identity"),
        (14, name(9), good, "identity"),
    ] {
        signed.make_node(node, std::slice::from_ref(&named), validity, Existing::Keep).expect("a certificate");
        let before = refusals(reason).await;
        assert!(!is_http2(&speak(signed.node(node), &named).await), "{named}");
        counted(reason, before).await;
    }
    let log = cluster().log(1);
    assert!(log.contains("the handshake failed") && log.contains("it is not who it says"), "what is refused is told");
}

fn is_http2(answer: &[u8]) -> bool {
    answer.get(3) == Some(&4)
}

/// The whole way of a buyer over HTTPS, and new certificates for nodes that run.
#[tokio::test]
async fn a_buyer_comes_over_https_and_certificates_are_replaced_meanwhile() {
    let _turn = turn();
    let cluster = Cluster::start(Options { https: true, takes_payments: false, ..Options::default() }).expect("the cluster starts");
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(6)).await;
    let visitor = cluster.anyone(2);
    let ada = people::register(&visitor, "ada").await;
    let session = people::log_in(&visitor, &ada.email, PASSWORD).await.expect(201);
    let buyer = people::as_person(&visitor, &session);
    let _ = buyer.get(&format!("/event/{event}")).await.expect(200);
    let _ = shop::buy(&buyer, &event, 0).await;
    let page = visitor.get("/").await;
    assert!(page.header("strict-transport-security").is_some(), "browsers are told to come back over TLS");
    assert!(Client::at(&cluster.url(1)).try_get("/event").await.is_err(), "who does not trust the CA asks nothing");
    plain_http_is_cut_off(&cluster).await;

    let folder = cluster.certificates();
    for node in 1..=3 {
        let names = [name(node), "127.0.0.1".to_owned()];
        folder.make_node(node, &names, Validity::days(20), Existing::Replace).expect("a certificate");
    }
    for node in 1..=3 {
        for of in ["peers", "clients"] {
            let left = format!("boxoffice_certificate_seconds_left{{of=\"{of}\"}}");
            let taken = async || (metric(&cluster, node, &left).await < 21.0 * 86_400.0).then_some(());
            shop::eventually("the new certificate", SOON, taken).await;
        }
        shop::eventually("a warning", SOON, async || cluster.log(node).contains("ends in 19 days").then_some(())).await;
    }
    for (seat, node) in (1..=3).zip(1..=3) {
        let buyer = buyer.moved_to(&cluster.url(node));
        let _ = shop::buy(&buyer, &event, seat).await;
    }
    let refused = metric(&cluster, 3, "boxoffice_peer_refusals_total{reason=\"identity\"}").await;
    assert_eq!(refused, 0.0, "of the nodes, nobody was refused");
    cluster.kill(3);
    cluster.spawn(3).expect("it starts with the new one");
    cluster.wait_ready().expect("all nodes are ready");
    // A client of its own: the other one may hold a connection to the process that was.
    let _ = shop::buy(&people::as_person(&cluster.anyone(3), &session), &event, 4).await;
}

/// Whoever speaks HTTP in the clear is cut off, and nobody else is disturbed.
async fn plain_http_is_cut_off(cluster: &Cluster) {
    let mut plain = TcpStream::connect(cluster.address(1)).await.expect("the port is open");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut answer = Vec::new();
    let _ = timeout(SOON, plain.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(cluster.anyone(1).get("/healthz").await.status, 200);
}

struct Shell {
    folder: PathBuf,
}

impl Shell {
    fn run(&self, line: &str) -> Output {
        let words = line.split_whitespace();
        Command::new(binary::boxoffice()).args(words).current_dir(&self.folder).output().expect("the command runs")
    }

    /// What a command prints as JSON.
    fn json(&self, line: &str) -> Value {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// What a command complains of.
    fn complaint(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(1), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Writes node 1's configuration, with these lines at its end.
    fn configure(&self, peer: &str, tls: &str) {
        let member = format!("[[members]]\nnode = 1\npeer = \"{peer}\"\nhttp = \"http://127.0.0.1:1\"\n");
        let own = format!("peer = \"{peer}\"\nsecret_file = \"secret\"\n");
        let text = format!("cluster = \"arena\"\nnode = 1\ndata_dir = \"data\"\nhttp = \"127.0.0.1:1\"\n{own}{member}{tls}");
        fs::write(self.folder.join("n1.toml"), text).expect("written");
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

/// `boxoffice cluster cert`, and what `check` and `serve` say of what it made.
#[test]
fn certificates_are_made_checked_and_renewed_by_commands() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir_in(binary::scratch()).expect("a folder");
    let shell = Shell { folder: scratch.path().to_owned() };
    fs::write(scratch.path().join("secret"), "0".repeat(64)).expect("written");
    let ca = shell.json("cluster cert ca --dir certs --cluster arena -o json");
    assert_eq!((&ca["object"], &ca["is_ca"], &ca["node"]), (&"certificate".into(), &true.into(), &Value::Null));
    let made = shell.json("cluster cert node --dir certs --cluster arena --node 1 --host 10.0.0.1 --host box1.example.net -o json");
    assert_eq!(made["names"], serde_json::json!(["node-1.arena", "box1.example.net"]));
    assert_eq!(made["addresses"], serde_json::json!(["10.0.0.1"]));
    for key in ["ca.key", "n1.key"] {
        assert_eq!(mode(&scratch.path().join("certs").join(key)), 0o600);
    }
    let before = fs::read(scratch.path().join("certs/n1.pem")).expect("it is there");
    for line in ["ca --dir certs --cluster arena", "node --dir certs --cluster arena --node 1"] {
        assert!(shell.complaint(&format!("cluster cert {line}")).contains("--replace"), "nothing is overwritten: {line}");
    }
    assert!(shell.complaint("cluster cert node --dir certs --cluster other --node 2").contains("not signed by the CA"));
    assert!(shell.complaint("cluster cert node --dir certs --cluster arena --node 2 --host a:1").contains("without a port"));
    assert!(shell.complaint("cluster cert renew --dir certs --cluster arena --node 7").contains("cluster cert node"));
    let renewed = shell.json("cluster cert renew --dir certs --cluster arena --node 1 -o json");
    assert_eq!((&renewed["names"], &renewed["addresses"]), (&made["names"], &made["addresses"]));
    assert_ne!(fs::read(scratch.path().join("certs/n1.pem")).expect("it is there"), before);

    let peers =
        |node: u64| format!("[tls.peers]\nca = \"certs/ca.pem\"\ncertificate = \"certs/n{node}.pem\"\nkey = \"certs/n{node}.key\"\n");
    shell.configure("10.0.0.1:7580", "");
    for command in ["config check", "serve"] {
        let complaint = shell.complaint(&format!("{command} --config n1.toml"));
        assert!(complaint.contains("cluster cert ca") && complaint.contains("insecure_peers = true"), "{complaint}");
    }
    shell.configure("10.0.0.1:7580", &peers(1));
    assert!(shell.run("config check --config n1.toml").status.success());
    let _ = shell.json("cluster cert node --dir certs --cluster arena --node 2 -o json");
    shell.configure("127.0.0.1:1", &peers(2));
    for command in ["config check", "serve"] {
        let complaint = shell.complaint(&format!("{command} --config n1.toml"));
        assert!(complaint.contains("is not the certificate of node-1.arena, but of node-2.arena"), "{complaint}");
    }
    let past = Validity { from_s: now_s() - 9 * 86_400, until_s: now_s() - 3 * 86_400 };
    let folder = Folder::at(scratch.path().join("certs"), "arena");
    folder.make_node(1, &["node-1.arena".to_owned()], past, Existing::Replace).expect("a certificate");
    shell.configure("127.0.0.1:1", &peers(1));
    assert!(shell.complaint("config check --config n1.toml").contains("expired 3 days ago"));
    fs::set_permissions(folder.node(1).own.key, fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(shell.complaint("config check --config n1.toml").contains("chmod 600"));
}
