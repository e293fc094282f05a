//! Certificates and keys in PEM files, and how a change of a file is noticed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::TlsError;

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFiles {
    /// The certificate, followed by those that lead to its CA, if any.
    pub certificate: PathBuf,
    /// Its private key, which only its owner (and perhaps a group) can read.
    pub key: PathBuf,
}

/// What a node needs to talk to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFiles {
    /// The certificates of the CAs whose word is taken: one, or two while one replaces the other.
    pub ca: PathBuf,
    /// The node's own.
    pub own: KeyFiles,
}

/// The certificates in a file, at least one.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = || TlsError::Content { path: path.to_owned(), what: "a certificate" };
    let text = fs::read(path).map_err(|error| TlsError::Read { path: path.to_owned(), error })?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| bad())?;
    if all.is_empty() { Err(bad()) } else { Ok(all) }
}

/// The key in a file that not everybody can read.
pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let unreadable = |error| TlsError::Read { path: path.to_owned(), error };
    if fs::metadata(path).map_err(unreadable)?.mode() & 0o007 != 0 {
        return Err(TlsError::Exposed { path: path.to_owned() });
    }
    let text = fs::read(path).map_err(unreadable)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::Content { path: path.to_owned(), what: "a private key" })
}

/// A state of a file: when it was written, how long it is, which one it is.
pub(crate) type Stamp = Option<(i64, i64, u64, u64)>;

/// The present state of a file; `None` while it cannot be seen.
pub(crate) fn stamp(path: &Path) -> Stamp {
    fs::metadata(path).ok().map(|data| (data.mtime(), data.mtime_nsec(), data.len(), data.ino()))
}
