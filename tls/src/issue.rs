//! A CA and certificates of nodes, in a folder: `ca.pem`, `ca.key`, and `n1.pem`, `n1.key` for node 1. Who wants another CA uses
//! its own tools; nothing else here depends on this.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::files::{KeyFiles, PeerFiles, read_certificates};
use crate::{TlsError, now_s};

/// Certificates begin so many seconds before they are made, for clocks that are behind.
const BEGINS_BEFORE_S: u64 = 3_600;
/// Days that a CA is good for, unless said otherwise.
pub const CA_DAYS: u32 = 3_650;
/// Days that a node's certificate is good for, unless said otherwise.
pub const NODE_DAYS: u32 = 365;

/// A folder with a CA.
#[derive(Clone, Debug)]
pub struct Folder {
    dir: PathBuf,
    cluster: String,
}

/// From when to when something is good, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From then.
    pub from_s: u64,
    /// Until then.
    pub until_s: u64,
}

impl Validity {
    /// From now on.
    #[must_use]
    pub fn days(days: u32) -> Self {
        let now = now_s();
        Self { from_s: now - BEGINS_BEFORE_S, until_s: now + u64::from(days) * 86_400 }
    }
}

/// What to do about files that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Put new ones in their place.
    Replace,
}

impl Folder {
    /// The CA of a cluster in this folder; nothing is made yet.
    pub fn at(dir: impl Into<PathBuf>, cluster: &str) -> Self {
        Self { dir: dir.into(), cluster: cluster.to_owned() }
    }

    /// The files of the CA.
    #[must_use]
    pub fn ca(&self) -> KeyFiles {
        KeyFiles { certificate: self.dir.join("ca.pem"), key: self.dir.join("ca.key") }
    }

    /// The files of a node.
    #[must_use]
    pub fn node(&self, node: u64) -> PeerFiles {
        let own = KeyFiles { certificate: self.dir.join(format!("n{node}.pem")), key: self.dir.join(format!("n{node}.key")) };
        PeerFiles { ca: self.ca().certificate, own }
    }

    /// Makes the CA, and the folder if it is missing.
    ///
    /// # Errors
    /// When files are there that are to be kept, or cannot be written.
    pub fn make_ca(&self, validity: Validity, existing: Existing) -> Result<(), TlsError> {
        fs::create_dir_all(&self.dir).map_err(|error| TlsError::Write { path: self.dir.clone(), error })?;
        let key = KeyPair::generate().map_err(unfit)?;
        let mut params = self.ca_params();
        (params.not_before, params.not_after) = (moment(validity.from_s)?, moment(validity.until_s)?);
        let certificate = params.self_signed(&key).map_err(unfit)?;
        write(&self.ca(), &certificate.pem(), &key.serialize_pem(), existing)
    }

    /// Makes a node's certificate with a key of its own. The first name is the one that other nodes know it by; names that are
    /// addresses are written as such. It is never good for longer than the CA.
    ///
    /// # Errors
    /// When there is no CA of this cluster here, a name is no name, files are there that are to be kept, or cannot be written.
    pub fn make_node(&self, node: u64, names: &[String], validity: Validity, existing: Existing) -> Result<(), TlsError> {
        let ca = self.ca();
        let own = read_certificates(&ca.certificate)?;
        let until_s = validity.until_s.min(Certificate::read(&own[0])?.not_after_s);
        let ca_key = crate::files::read_key(&ca.key)?;
        let ca_key = KeyPair::try_from(&ca_key).map_err(unfit)?;
        let issuer = Issuer::new(self.ca_params(), ca_key);

        let key = KeyPair::generate().map_err(unfit)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(names.first().map_or("node", String::as_str));
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (moment(validity.from_s)?, moment(until_s)?);
        let certificate = params.signed_by(&key, &issuer).map_err(unfit)?;
        // Before anything is written: the folder may hold the CA of another cluster.
        crate::peers::verify(certificate.der().clone(), &own, names.first().map_or("", String::as_str))?;
        write(&self.node(node).own, &certificate.pem(), &key.serialize_pem(), existing)
    }

    /// What a node's certificate says.
    ///
    /// # Errors
    /// When there is none.
    pub fn read_node(&self, node: u64) -> Result<Certificate, TlsError> {
        Certificate::read(&read_certificates(&self.node(node).own.certificate)?[0])
    }

    /// What the CA's certificate says.
    ///
    /// # Errors
    /// When there is none.
    pub fn read_ca(&self) -> Result<Certificate, TlsError> {
        Certificate::read(&read_certificates(&self.ca().certificate)?[0])
    }

    fn ca_params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("boxoffice CA of {}", self.cluster));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn alternative(name: &str) -> Result<SanType, TlsError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let is_host = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte));
    match name.try_into() {
        Ok(name) if is_host => Ok(SanType::DnsName(name)),
        _ => Err(TlsError::Unfit(format!("{name:?} is neither a host's name nor an address; write it without a port"))),
    }
}

fn moment(seconds: u64) -> Result<OffsetDateTime, TlsError> {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| TlsError::Unfit(format!("too many days: {error}")))
}

fn unfit(error: rcgen::Error) -> TlsError {
    TlsError::Unfit(format!("make a certificate: {error}"))
}

/// Writes both files, the key first: who sees the new certificate finds its key.
fn write(files: &KeyFiles, certificate: &str, key: &str, existing: Existing) -> Result<(), TlsError> {
    let all = [(&files.key, key, 0o600), (&files.certificate, certificate, 0o644)];
    if let Some((path, ..)) = all.iter().find(|(path, ..)| existing == Existing::Keep && path.exists()) {
        return Err(TlsError::Exists { path: path.to_path_buf() });
    }
    for (path, text, mode) in all {
        replace(path, text, mode).map_err(|error| TlsError::Write { path: path.clone(), error })?;
    }
    Ok(())
}

/// Puts a file in its place so that a reader finds the old or the new one, whole.
fn replace(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", path.extension().unwrap_or_default().display()));
    // One of an earlier try that was broken off: its mode may be another.
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
