//! This node's certificates: opened at its start, followed while it runs, and told of before they are over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_tls::certificate::{Certificate, span};
use boxoffice_tls::clients::Clients;
use boxoffice_tls::files::{KeyFiles, PeerFiles};
use boxoffice_tls::now_s;
use boxoffice_tls::peers::Peers;

/// How often the files are looked at, so that a change is taken up without a new connection.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often it is told again that a certificate is nearly over.
const TELL_EVERY: Duration = Duration::from_secs(12 * 3600);
/// From when on it is told, in seconds before the end.
const TELL_BEFORE_S: i64 = 30 * 86_400;

/// What this node shows, and to whom.
pub struct Certificates {
    /// To the other nodes.
    pub peers: Option<Arc<Peers>>,
    /// To clients.
    pub clients: Option<Arc<Clients>>,
}

impl Certificates {
    /// Opens what the configuration names. A certificate that is over is no error here: this node still serves what needs no other.
    ///
    /// # Errors
    /// When files are missing, do not fit together or are another node's.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let key_files =
            |certificate: &std::path::Path, key: &std::path::Path| KeyFiles { certificate: certificate.into(), key: key.into() };
        let peers = config.tls.peers.as_ref().map(|files| {
            let files = PeerFiles { ca: files.ca.clone(), own: key_files(&files.certificate, &files.key) };
            Peers::open(files, &peer_name(&config.cluster, config.node)).map(Arc::new).context("tls.peers")
        });
        let clients = config.tls.clients.as_ref().map(|files| {
            let files = key_files(&files.certificate, &files.key);
            Clients::open(files).map(Arc::new).context("tls.clients")
        });
        Ok(Self { peers: peers.transpose()?, clients: clients.transpose()? })
    }

    /// Each certificate as it is now, by what it is for.
    #[must_use]
    pub fn shown(&self) -> Vec<(&'static str, Certificate)> {
        let mut shown = Vec::new();
        if let Some(peers) = &self.peers {
            shown.push(("peers", peers.certificate()));
            // While one CA replaces the other, the newer one counts.
            shown.extend(peers.authorities().into_iter().max_by_key(|ca| ca.not_after_s).map(|ca| ("ca", ca)));
        }
        shown.extend(self.clients.as_ref().map(|clients| ("clients", clients.certificate())));
        shown
    }
}

/// What is wrong with the certificates of a configuration, or is worth a thought.
///
/// # Errors
/// When a node would not start with them, or would find nobody who takes them.
pub fn check(config: &Config) -> anyhow::Result<Vec<String>> {
    let certificates = Certificates::open(config)?;
    let now = now_s();
    let lapsed: Vec<String> = certificates
        .shown()
        .iter()
        .filter_map(|(of, one)| one.lapse(now).map(|lapse| format!("the certificate of tls ({of}): {lapse}")))
        .collect();
    if !lapsed.is_empty() {
        bail!("{}", lapsed.join("; "));
    }
    let mut notes: Vec<String> = certificates.shown().iter().filter_map(|(of, one)| ending(of, one, now)).collect();
    let own = config.members.iter().find(|member| member.node == config.node).and_then(|member| host(&member.http));
    if let (Some(clients), Some(host)) = (&certificates.clients, own)
        && !clients.certificate().covers(host)
    {
        notes.push(format!("the certificate of tls.clients is not for {host}, where this node says that clients reach it"));
    }
    Ok(notes)
}

/// Follows the files, and tells in time when a certificate is nearly over. Never ends.
pub async fn watch(certificates: Arc<Certificates>) {
    let mut told: BTreeMap<&str, (u64, Instant)> = BTreeMap::new();
    loop {
        for (of, certificate) in certificates.shown() {
            let Some(text) = ending(of, &certificate, now_s()) else { continue };
            let known = told.get(of).is_some_and(|(end, when)| *end == certificate.not_after_s && when.elapsed() < TELL_EVERY);
            if !known {
                tracing::warn!(of, "{text}");
                told.insert(of, (certificate.not_after_s, Instant::now()));
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What there is to say of a certificate that is over or nearly so.
fn ending(of: &str, certificate: &Certificate, now_s: u64) -> Option<String> {
    let left = certificate.seconds_left(now_s);
    if let Some(lapse) = certificate.lapse(now_s) {
        return Some(format!("the certificate of tls ({of}) is no good: {lapse}"));
    }
    let left = u64::try_from(left).ok().filter(|_| left < TELL_BEFORE_S)?;
    Some(format!("the certificate of tls ({of}) ends in {}: renew it, as with `boxoffice cluster cert renew`", span(left)))
}

/// The host of an `http(s)://host:port` address.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
        _ => Some(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_thirty_days_before() {
        let day = 86_400;
        let certificate = Certificate { names: Vec::new(), addresses: Vec::new(), not_before_s: 0, not_after_s: 100 * day };
        assert_eq!(ending("peers", &certificate, 69 * day), None);
        assert!(ending("peers", &certificate, 71 * day).unwrap().contains("ends in 29 days"));
        assert!(ending("peers", &certificate, 103 * day).unwrap().contains("expired 3 days ago"));
    }

    #[test]
    fn hosts_stand_between_scheme_and_port() {
        for (url, expected) in [("https://a.example:7480/x", "a.example"), ("http://[::1]:80", "[::1]"), ("https://b", "b")] {
            assert_eq!(host(url), Some(expected));
        }
    }
}
