//! Between nodes: both ends show a certificate of the cluster's CA, and each is known by a name on it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::certificate::Certificate;
use crate::clients::explain;
use crate::files::{PeerFiles, read_certificates, read_key};
use crate::live::Live;
use crate::stream::Stream;
use crate::{TlsError, now_s, provider};

/// What is spoken between nodes.
const HTTP2: &[u8] = b"h2";

/// Connects nodes over mutual TLS. Follows its files.
pub struct Peers {
    live: Live<Made>,
}

/// What the files say.
struct Made {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    own: Certificate,
    authorities: Vec<Certificate>,
}

/// The certificates of the other end, its own first.
#[derive(Clone, Debug)]
pub struct Shown {
    chain: Arc<Vec<CertificateDer<'static>>>,
    /// What its own certificate says.
    pub certificate: Certificate,
}

/// Wakes up when other certificates are used than before.
pub struct Renewals(watch::Receiver<Arc<Made>>);

impl Peers {
    /// With these files, under this name.
    ///
    /// # Errors
    /// When files are missing, hold something else or do not belong together, or the certificate is not that of this name or not
    /// of this CA. Whether the time is right is not asked: see [`Peers::certificate`].
    pub fn open(files: PeerFiles, name: &str) -> Result<Self, TlsError> {
        let paths = vec![files.own.certificate.clone(), files.own.key.clone(), files.ca.clone()];
        let name = name.to_owned();
        Ok(Self { live: Live::open(paths, move || make(&files, &name))? })
    }

    /// The certificate that is shown now.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.live.get().own.clone()
    }

    /// The CAs whose word is taken now. A CA's own time is not asked when a certificate of it is looked at.
    #[must_use]
    pub fn authorities(&self) -> Vec<Certificate> {
        self.live.get().authorities.clone()
    }

    /// Shakes hands with somebody who came, and says who it is. Sets no time: the caller gives up on its own.
    ///
    /// # Errors
    /// When the other end does not speak TLS, shows no certificate of the CA that is good now, or went away.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<(Stream, Shown)> {
        let server = self.live.get().server.clone();
        let stream = TlsAcceptor::from(server).accept(stream).await?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = chain.first().ok_or_else(|| io::Error::other("no certificate"))?;
        let certificate = Certificate::read(certificate).map_err(io::Error::other)?;
        let chain = Arc::new(chain.iter().map(|one| one.clone().into_owned()).collect());
        Ok((Stream::Tls(Box::new(stream.into())), Shown { chain, certificate }))
    }

    /// Shakes hands with the node of this name. Sets no time: the caller gives up on its own.
    ///
    /// # Errors
    /// When the other end does not speak TLS, or shows no certificate of the CA with this name that is good now. Whether it takes
    /// ours shows when it is read from.
    pub async fn connect(&self, stream: TcpStream, name: &str) -> io::Result<Stream> {
        let client = self.live.get().client.clone();
        let server = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(client).connect(server, stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let shown = shown.and_then(|certificate| Certificate::read(certificate).ok());
        if shown.is_some_and(|certificate| certificate.has_name(name)) {
            Ok(Stream::Tls(Box::new(stream.into())))
        } else {
            Err(io::Error::other(format!("its certificate is not that of {name}")))
        }
    }

    /// Whether the other end of a connection would still be let in.
    #[must_use]
    pub fn still_trusts(&self, shown: &Shown) -> bool {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_s()));
        let Some((own, rest)) = shown.chain.split_first() else { return false };
        self.live.get().verifier.verify_client_cert(own, rest, now).is_ok()
    }

    /// Tells when other certificates are used than now.
    #[must_use]
    pub fn renewals(&self) -> Renewals {
        Renewals(self.live.changes())
    }
}

impl Renewals {
    /// Completes when other certificates are used than at the last time.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether other certificates are used than at the last time.
    pub fn happened(&mut self) -> bool {
        let happened = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        happened
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers").field("certificate", &self.certificate()).finish()
    }
}

fn make(files: &PeerFiles, name: &str) -> Result<Made, TlsError> {
    let (chain, key) = (read_certificates(&files.own.certificate)?, read_key(&files.own.key)?);
    let (file, ca) = (files.own.certificate.display(), files.ca.display());
    let own = Certificate::read(&chain[0])?;
    if !own.has_name(name) {
        return Err(TlsError::Unfit(format!("{file} is not the certificate of {name}, but of {}", own.names.join(", "))));
    }
    let ca_chain = read_certificates(&files.ca)?;
    let authorities = ca_chain.iter().map(|one| Certificate::read(one)).collect::<Result<_, _>>()?;
    let refuse = |error: rustls::Error| TlsError::Unfit(format!("{file}, with the CA {ca}: {}", explain(&error)));
    let (roots, verifier) = trust(&ca_chain).map_err(refuse)?;
    check(&chain, &roots, verifier.as_ref(), name).map_err(refuse)?;

    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]).map_err(refuse)?;
    let builder = builder.with_client_cert_verifier(verifier.clone());
    let mut server = builder.with_single_cert(chain.clone(), key.clone_key()).map_err(refuse)?;
    server.alpn_protocols = vec![HTTP2.to_vec()];
    // A resumed session would not ask for the certificate again, which may be over by then.
    server.send_tls13_tickets = 0;
    server.session_storage = Arc::new(NoServerSessionStorage {});

    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]).map_err(refuse)?;
    let mut client = builder.with_root_certificates(roots).with_client_auth_cert(chain, key).map_err(refuse)?;
    client.alpn_protocols = vec![HTTP2.to_vec()];
    client.resumption = Resumption::disabled();
    Ok(Made { server: Arc::new(server), client: Arc::new(client), verifier, own, authorities })
}

type Trust = (Arc<RootCertStore>, Arc<dyn ClientCertVerifier>);

/// What it takes to believe somebody who shows a certificate of one of these CAs.
fn trust(authorities: &[CertificateDer<'static>]) -> Result<Trust, rustls::Error> {
    let mut roots = RootCertStore::empty();
    authorities.iter().try_for_each(|ca| roots.add(ca.clone()))?;
    let roots = Arc::new(roots);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider()).build();
    Ok((roots, verifier.map_err(|error| rustls::Error::General(error.to_string()))?))
}

/// Whether a certificate of this name is one of these CAs, at a time when it is good.
///
/// # Errors
/// When it is not.
pub(crate) fn verify(certificate: CertificateDer<'static>, authorities: &[CertificateDer<'static>], name: &str) -> Result<(), TlsError> {
    let checked = trust(authorities).and_then(|(roots, verifier)| check(&[certificate], &roots, verifier.as_ref(), name));
    checked.map_err(|error| TlsError::Unfit(format!("the certificate of {name}, with the CA that is there: {}", explain(&error))))
}

/// Whether the others, with the same CA, will take this certificate from both ends of a connection, at a time when it is good.
fn check(
    chain: &[CertificateDer<'static>],
    roots: &Arc<RootCertStore>,
    clients: &dyn ClientCertVerifier,
    name: &str,
) -> Result<(), rustls::Error> {
    let own = Certificate::read(&chain[0]).map_err(|error| rustls::Error::General(error.to_string()))?;
    let then = UnixTime::since_unix_epoch(Duration::from_secs(now_s().clamp(own.not_before_s, own.not_after_s)));
    let builder = rustls::client::WebPkiServerVerifier::builder_with_provider(roots.clone(), provider());
    let servers = builder.build().map_err(|error| rustls::Error::General(error.to_string()))?;
    let server = ServerName::try_from(name).map_err(|error| rustls::Error::General(error.to_string()))?;
    servers.verify_server_cert(&chain[0], &chain[1..], &server, &[], then)?;
    clients.verify_client_cert(&chain[0], &chain[1..], then).map(|_| ())
}
