//! What a certificate says of itself: for whom it is, and how long. Whether that is true is for a CA to say.

use std::net::IpAddr;

use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::TlsError;

/// What was read from a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its DNS names, as they are written.
    pub names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// From when it is good, in seconds since the Unix epoch.
    pub not_before_s: u64,
    /// Until when it is good, in seconds since the Unix epoch.
    pub not_after_s: u64,
}

impl Certificate {
    /// Reads one from its DER.
    ///
    /// # Errors
    /// When it is no certificate.
    pub fn read(der: &[u8]) -> Result<Self, TlsError> {
        let unreadable = |error: x509_cert::der::Error| TlsError::Unfit(format!("not a certificate: {error}"));
        let certificate = x509_cert::Certificate::from_der(der).map_err(unreadable)?;
        let body = certificate.tbs_certificate();
        let mut read = Self {
            names: Vec::new(),
            addresses: Vec::new(),
            not_before_s: body.validity().not_before.to_unix_duration().as_secs(),
            not_after_s: body.validity().not_after.to_unix_duration().as_secs(),
        };
        if let Some((_, alternatives)) = body.get_extension::<SubjectAltName>().map_err(unreadable)? {
            for name in alternatives.0 {
                match name {
                    GeneralName::DnsName(name) => read.names.push(name.as_str().to_owned()),
                    GeneralName::IpAddress(bytes) => read.addresses.extend(address(bytes.as_bytes())),
                    _ => {}
                }
            }
        }
        Ok(read)
    }

    /// Whether this name stands on it, letter by letter: a wildcard is no node's name.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Whether it is good for a host, as browsers see it: an address, a name, or a name below a wildcard.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.names.iter().any(|name| {
            name.eq_ignore_ascii_case(host)
                || name.strip_prefix("*.").zip(parent).is_some_and(|(name, host)| name.eq_ignore_ascii_case(host))
        })
    }

    /// What is wrong with it at this time, in seconds since the Unix epoch.
    #[must_use]
    pub fn lapse(&self, now_s: u64) -> Option<String> {
        if now_s > self.not_after_s {
            return Some(format!("it expired {} ago", span(now_s - self.not_after_s)));
        }
        (now_s < self.not_before_s).then(|| format!("it is good in {} only: is the clock right?", span(self.not_before_s - now_s)))
    }

    /// How long it is still good at this time, in seconds; negative when it is over.
    #[must_use]
    pub fn seconds_left(&self, now_s: u64) -> i64 {
        i64::try_from(self.not_after_s).unwrap_or(i64::MAX).saturating_sub(i64::try_from(now_s).unwrap_or(i64::MAX))
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A span of time for people.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_covered_by_names_wildcards_and_addresses() {
        let certificate = Certificate {
            names: vec!["a.example.net".into(), "*.shop.example.net".into()],
            addresses: vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
            not_before_s: 100,
            not_after_s: 200,
        };
        for host in ["a.example.net", "A.Example.NET", "x.shop.example.net", "10.0.0.1", "[::1]", "::1"] {
            assert!(certificate.covers(host), "{host}");
        }
        for host in ["b.example.net", "shop.example.net", "y.x.shop.example.net", "10.0.0.2", "", "net"] {
            assert!(!certificate.covers(host), "{host}");
        }
        assert!(!certificate.has_name("x.shop.example.net"), "a wildcard names nobody");
    }

    #[test]
    fn it_is_good_for_a_time() {
        let certificate = Certificate { names: Vec::new(), addresses: Vec::new(), not_before_s: 1_000, not_after_s: 2_000 };
        assert_eq!((certificate.lapse(1_000), certificate.lapse(2_000)), (None, None));
        assert!(certificate.lapse(2_000 + 3 * 86_400).unwrap().contains("3 days ago"));
        assert!(certificate.lapse(10).unwrap().contains("clock"));
        assert_eq!((certificate.seconds_left(1_500), certificate.seconds_left(2_500)), (500, -500));
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        for bytes in [&b""[..], b"x", &[0x30, 0x80], &[0xff; 400]] {
            assert!(Certificate::read(bytes).is_err());
        }
    }
}
