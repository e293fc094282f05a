//! The section `[tls]`: certificates of this node, towards the other nodes and towards clients; and the name that a node's
//! certificate carries.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::file::Config;
use crate::ids::{ClusterId, NodeId};

/// The section. Keys stand in files of their own, never here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Whether nodes that are not on one machine talk in the clear, and to everybody. Only where the network between them is
    /// closed by other means.
    pub insecure_peers: bool,
    /// Between nodes, both ends show a certificate. The same on every node: either all have it or none.
    pub peers: Option<PeerCertificates>,
    /// Towards clients: with it, `http` speaks HTTPS only.
    pub clients: Option<ClientCertificate>,
}

/// What a node needs to talk to others: see `boxoffice cluster cert`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PeerCertificates {
    /// A file with the certificate of the cluster's CA; two of them while one CA replaces the other.
    pub ca: PathBuf,
    /// A file with this node's certificate, which carries the name of [`peer_name`].
    pub certificate: PathBuf,
    /// A file with its key.
    pub key: PathBuf,
}

/// What clients are shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// A file with the certificate, followed by those that lead to its CA.
    pub certificate: PathBuf,
    /// A file with its key.
    pub key: PathBuf,
}

/// The longest label of a DNS name, in bytes.
const LABEL_BYTES_MAX: usize = 63;
/// Digits of a label that spells a cluster's id in hexadecimal: an even number that fits.
const LABEL_DIGITS: usize = 60;

/// The DNS name by which a node's certificate is known: `node-<id>.<cluster>`. A cluster's id that is no label of a DNS name (it
/// begins with a digit or a hyphen, ends with a hyphen, or is too long) is spelled in hexadecimal, in as many labels as it needs,
/// before a last label `hex`. So no two clusters share a name.
#[must_use]
pub fn peer_name(cluster: &ClusterId, node: NodeId) -> String {
    let id = cluster.0.as_bytes();
    let is_label = id.first().is_some_and(u8::is_ascii_lowercase) && id.last() != Some(&b'-') && id.len() <= LABEL_BYTES_MAX;
    if is_label {
        return format!("node-{}.{cluster}", node.0);
    }
    let parts: Vec<String> = id.chunks(LABEL_DIGITS / 2).map(|part| part.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    format!("node-{}.{}.hex", node.0, parts.join("."))
}

impl Config {
    /// Everything that is wrong with the section.
    pub(crate) fn tls_mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let own = ("peer", &self.peer);
        let others = self.members.iter().map(|member| ("members: peer", &member.peer));
        let exposed = [own].into_iter().chain(others).find(|(_, address)| !is_on_this_machine(address));
        if let Some((name, address)) = exposed.filter(|_| self.tls.peers.is_none() && !self.tls.insecure_peers) {
            found.push(format!(
                "tls.peers: missing, and {name} = {address:?} is not on this machine alone: whoever reaches that port could act as a node. \
                 Make certificates with `boxoffice cluster cert ca` and `boxoffice cluster cert node` and name ca, certificate and key \
                 under [tls.peers]; or write insecure_peers = true under [tls] if the network between the nodes is closed by other means"
            ));
        }
        if self.tls.peers.is_some() && self.tls.insecure_peers {
            found.push("tls.insecure_peers = true: and yet [tls.peers] names certificates: leave one of them out".into());
        }
        let own = self.members.iter().find(|member| member.node == self.node);
        if let Some(own) = own.filter(|own| self.tls.clients.is_some() && own.http.starts_with("http://")) {
            found.push(format!("members: http = {:?} of node {}: with [tls.clients] it begins with https://", own.http, self.node.0));
        }
        found
    }
}

/// Whether only processes of this machine reach an address `host:port`.
fn is_on_this_machine(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ONE: &str = include_str!("../examples/one-node.toml");
    const THREE: &str = include_str!("../examples/three-nodes-n1.toml");

    #[test]
    fn names_are_dns_names_and_no_two_are_the_same() {
        let name = |id: &str| peer_name(&ClusterId(id.into()), NodeId(3));
        assert_eq!(name("arena"), "node-3.arena");
        assert_eq!(name("7"), "node-3.37.hex");
        let long = "x".repeat(64);
        let all = ["a", "a-b", "61", "hex", "-a", "a-", "-", "0x61", "612d62", &long, &"9".repeat(64), &"y".repeat(63)];
        let names: BTreeSet<String> = all.iter().map(|id| name(id)).collect();
        assert_eq!(names.len(), all.len());
        for name in &names {
            assert!(name.len() <= 253);
            for label in name.split('.') {
                assert!((1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'), "{name}");
            }
            assert!(name.rsplit('.').next().unwrap().starts_with(|first: char| first.is_ascii_lowercase()), "{name}");
        }
    }

    #[test]
    fn peers_in_the_clear_are_a_decision() {
        let (before, after) = THREE.split_once("[tls.peers]").unwrap();
        let after = after.split_once("\n\n").unwrap().1;
        let without = format!("{before}{after}");
        let mistakes = Config::parse(&without).unwrap_err().0;
        assert!(mistakes.len() == 1 && mistakes[0].contains("cluster cert") && mistakes[0].contains("insecure_peers"), "{mistakes:?}");
        let said = format!("{without}\n[tls]\ninsecure_peers = true\n");
        Config::parse(&said).unwrap();
        assert_eq!(Config::parse(&format!("{THREE}\n[tls]\ninsecure_peers = true\n")).unwrap_err().0.len(), 1);
        Config::parse(ONE).unwrap();
        let exposed = ONE.replacen("peer = \"127.0.0.1", "peer = \"0.0.0.0", 1);
        assert_eq!(Config::parse(&exposed).unwrap_err().0.len(), 1, "one node that listens to everybody");
    }

    #[test]
    fn addresses_of_this_machine_are_known() {
        for near in ["127.0.0.1:7580", "localhost:1", "[::1]:80", "127.8.9.1:2"] {
            assert!(is_on_this_machine(near), "{near}");
        }
        for far in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "box.example.net:7580", "localhost.example.net:1", ""] {
            assert!(!is_on_this_machine(far), "{far}");
        }
    }

    #[test]
    fn https_is_told_to_clients() {
        let with = format!("{ONE}\n[tls.clients]\ncertificate = \"c\"\nkey = \"k\"\n");
        assert_eq!(Config::parse(&with).unwrap_err().0.len(), 1);
        let right = with.replace("http = \"http://", "http = \"https://");
        assert_eq!(Config::parse(&right).unwrap().tls.clients.unwrap().key, PathBuf::from("k"));
    }
}
