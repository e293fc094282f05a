//! Towards clients: the server shows a certificate, and asks for none.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::certificate::Certificate;
use crate::files::{KeyFiles, read_certificates, read_key};
use crate::live::Live;
use crate::stream::Stream;
use crate::{TlsError, provider};

/// What HTTP is spoken.
const HTTP: &[u8] = b"http/1.1";

/// Takes connections of clients over TLS. Follows its files.
pub struct Clients {
    live: Live<Made>,
}

struct Made {
    server: Arc<ServerConfig>,
    own: Certificate,
}

impl Clients {
    /// With this certificate.
    ///
    /// # Errors
    /// When files are missing, hold something else or do not belong together. Whether the time is right is not asked: who starts
    /// with a certificate that is over is told by [`Clients::certificate`].
    pub fn open(files: KeyFiles) -> Result<Self, TlsError> {
        let paths = vec![files.certificate.clone(), files.key.clone()];
        Ok(Self { live: Live::open(paths, move || make(&files))? })
    }

    /// The certificate that is shown now.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        self.live.get().own.clone()
    }

    /// Shakes hands. Sets no time: the caller gives up on its own.
    ///
    /// # Errors
    /// When the other end does not speak TLS as it should, or went away.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Stream> {
        let server = self.live.get().server.clone();
        let stream = TlsAcceptor::from(server).accept(stream).await?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }
}

fn make(files: &KeyFiles) -> Result<Made, TlsError> {
    let (chain, key) = (read_certificates(&files.certificate)?, read_key(&files.key)?);
    let own = Certificate::read(&chain[0])?;
    let unfit = |error: rustls::Error| TlsError::Unfit(format!("{}: {}", files.certificate.display(), explain(&error)));
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]).map_err(unfit)?;
    let mut server = builder.with_no_client_auth().with_single_cert(chain, key).map_err(unfit)?;
    server.alpn_protocols = vec![HTTP.to_vec()];
    Ok(Made { server: Arc::new(server), own })
}

/// An error of rustls in words.
pub(crate) fn explain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "the key does not belong to the certificate".to_owned(),
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer | rustls::CertificateError::BadSignature) => {
            "it is not signed by the CA".to_owned()
        }
        other => other.to_string(),
    }
}
