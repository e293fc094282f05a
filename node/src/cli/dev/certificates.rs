//! The certificates of a development cluster: a CA in its data directory, and one certificate a node.

use std::path::Path;

use anyhow::Context;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::{PeerCertificates, Tls, peer_name};
use boxoffice_tls::issue::{CA_DAYS, Existing, Folder, Validity};

use super::NODES;

/// What each node's configuration says of TLS. What is there from an earlier start is used again.
///
/// # Errors
/// When files cannot be written.
pub fn prepare(data: &Path, insecure: bool) -> anyhow::Result<Vec<Tls>> {
    if insecure {
        return Ok((1..=NODES).map(|_| Tls::default()).collect());
    }
    let cluster = ClusterId("dev".into());
    let folder = Folder::at(data.join("certificates"), &cluster.0);
    if !folder.ca().certificate.exists() {
        folder.make_ca(Validity::days(CA_DAYS), Existing::Replace).context("make a CA for the cluster")?;
    }
    let mut all = Vec::new();
    for node in (1..=NODES).map(u64::from) {
        let files = folder.node(node);
        if !files.own.certificate.exists() {
            let names = [peer_name(&cluster, NodeId(node)), "127.0.0.1".to_owned(), "localhost".to_owned()];
            folder.make_node(node, &names, Validity::days(CA_DAYS), Existing::Replace).context("make the nodes' certificates")?;
        }
        let peers = PeerCertificates { ca: files.ca, certificate: files.own.certificate, key: files.own.key };
        all.push(Tls { peers: Some(peers), ..Tls::default() });
    }
    Ok(all)
}
