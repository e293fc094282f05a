//! What the nodes of a test's cluster show: certificates of a CA of their own.

use std::path::Path;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::{ClientCertificate, PeerCertificates, Tls, peer_name};
use boxoffice_tls::issue::{CA_DAYS, Existing, Folder, Validity};

/// The base URL of an address.
pub(crate) fn url(https: bool, address: &str) -> String {
    format!("{}://{address}", if https { "https" } else { "http" })
}

/// What a node's configuration says of TLS; its certificate and the CA are made unless they are there.
pub(crate) fn of_node(dir: &Path, cluster: &str, node: u64, https: bool) -> anyhow::Result<Tls> {
    let folder = Folder::at(dir, cluster);
    let files = folder.node(node);
    if !files.ca.exists() {
        folder.make_ca(Validity::days(CA_DAYS), Existing::Keep)?;
    }
    if !files.own.certificate.exists() {
        let names = [peer_name(&ClusterId(cluster.into()), NodeId(node)), "127.0.0.1".to_owned()];
        folder.make_node(node, &names, Validity::days(CA_DAYS), Existing::Keep)?;
    }
    let (certificate, key) = (files.own.certificate, files.own.key);
    let clients = https.then(|| ClientCertificate { certificate: certificate.clone(), key: key.clone() });
    Ok(Tls { insecure_peers: false, peers: Some(PeerCertificates { ca: files.ca, certificate, key }), clients })
}
