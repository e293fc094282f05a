//! TLS: between nodes, where both ends show a certificate of the cluster's CA, and towards clients.
//!
//! ```text
//!  peers    accept, connect: both ends are known by the names on their certificates      clients   accept
//!     \                                                                                    /
//!      live   what was made of files, made again when they change: rotation without a restart
//!        |
//!      files  certificates and keys as PEM          certificate  what one says: names, validity
//!
//!  issue    a CA and certificates for nodes, in a folder
//! ```
//!
//! Only this crate knows rustls and X.509. TLS 1.3 only, in both directions.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod certificate;
pub mod clients;
pub mod files;
pub mod issue;
pub mod peers;
pub mod stream;

mod live;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;

/// Why a certificate or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("read {path}: {error}", path = path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("write {path}: {error}", path = path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file holds something else.
    #[error("{path} does not hold {what} as PEM", path = path.display())]
    Content {
        /// Which one.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Everybody on the machine can read a key.
    #[error("{path} can be read by everybody: chmod 600 {path}, and think about a new key", path = path.display())]
    Exposed {
        /// Which one.
        path: PathBuf,
    },
    /// The file is there already.
    #[error("{path} is there already: say so if it is to be replaced", path = path.display())]
    Exists {
        /// Which one.
        path: PathBuf,
    },
    /// Files do not fit together, or the certificate is another one's; says why.
    #[error("{0}")]
    Unfit(String),
}

/// The cryptography under TLS; the one place that chooses it.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Makes it the cryptography of libraries that ask the process for one: the HTTP client. Again does nothing.
pub fn install() {
    let _ = CryptoProvider::install_default(rustls::crypto::ring::default_provider());
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
