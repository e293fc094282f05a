//! The section `[payment]`: which provider takes the money, where it is reached, and in which files its secrets stand.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which provider takes the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Nobody: only free orders can be paid.
    #[default]
    None,
    /// Stripe, or whoever speaks as it does at `base_url`, such as the sandbox provider.
    Stripe,
}

/// The section. Secrets stand in files of their own, never here.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payment {
    /// Which provider. Without one, nothing else counts.
    pub provider: ProviderKind,
    /// The provider's address. The same on every node.
    pub base_url: Option<String>,
    /// A file with the secret key.
    pub key_file: Option<PathBuf>,
    /// Files with the secrets that webhooks are signed with: one, or two while one replaces the other.
    pub webhook_secret_files: Vec<PathBuf>,
    /// Where buyers come back to from the provider's page. The same on every node; changing it while payments are under way delays them.
    pub return_url: Option<String>,
    /// How long buyers may take at their bank (3-D Secure), in seconds, 1 to 600; then the attempt is cancelled. `None` = 600.
    pub bank_time_s: Option<u64>,
}

/// Secrets of webhooks at once, at most.
const SECRETS_MAX: usize = 4;

/// The longest time at a bank, in seconds: the ledger gives up what is not authorized after this long in any case.
const BANK_TIME_S_MAX: u64 = 600;

impl Payment {
    /// Everything that is wrong with it.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        if self.provider == ProviderKind::None {
            return Vec::new();
        }
        let mut found = Vec::new();
        match self.base_url.as_deref() {
            None => found.push("payment.base_url: missing: write the provider's address, such as https://api.stripe.com".into()),
            Some(url) if !is_safe(url) => found.push(format!(
                "payment.base_url = {url:?}: write https://host; http:// only to a private or loopback address, as the key goes there"
            )),
            Some(_) => {}
        }
        if self.key_file.is_none() {
            found.push("payment.key_file: missing: name the file that holds the provider's secret key".into());
        }
        if !(1..=SECRETS_MAX).contains(&self.webhook_secret_files.len()) {
            found.push(format!("payment.webhook_secret_files: {}: name 1 to {SECRETS_MAX} files", self.webhook_secret_files.len()));
        }
        match self.return_url.as_deref() {
            Some(url) if host(url).is_some() => {}
            other => found.push(format!(
                "payment.return_url = {:?}: write the address that buyers come back to, such as https://tickets.example.net/",
                other.unwrap_or_default()
            )),
        }
        if self.bank_time_s.is_some_and(|seconds| !(1..=BANK_TIME_S_MAX).contains(&seconds)) {
            found.push(format!("payment.bank_time_s: write 1 to {BANK_TIME_S_MAX} seconds"));
        }
        found
    }

    /// How long buyers may take at their bank, in milliseconds.
    #[must_use]
    pub fn bank_time_ms(&self) -> u64 {
        self.bank_time_s.unwrap_or(BANK_TIME_S_MAX).saturating_mul(1000)
    }
}

/// Whether a secret may be sent there: with TLS, or without leaving the machine or its private network.
fn is_safe(url: &str) -> bool {
    let Some(host) = host(url) else { return false };
    let is_near = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host == "localhost",
    };
    url.starts_with("https://") || is_near
}

/// The host of an `http://` or `https://` address.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    (!host.is_empty() && !host.contains('@') && !host.contains(char::is_whitespace)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe(base_url: &str) -> Payment {
        Payment {
            provider: ProviderKind::Stripe,
            base_url: Some(base_url.into()),
            key_file: Some("key".into()),
            webhook_secret_files: vec!["secret".into()],
            return_url: Some("https://tickets.example.net/back".into()),
            bank_time_s: None,
        }
    }

    #[test]
    fn a_key_does_not_travel_in_the_clear() {
        for good in ["https://api.stripe.com", "http://127.0.0.1:1234", "http://localhost:1", "http://[::1]:80/", "http://10.1.2.3:80"] {
            assert!(stripe(good).mistakes().is_empty(), "{good}");
        }
        for bad in ["http://api.stripe.com", "http://8.8.8.8:80", "ftp://127.0.0.1", "127.0.0.1:80", "https://", "https://me@host", ""] {
            assert_eq!(stripe(bad).mistakes().len(), 1, "{bad}");
        }
    }

    #[test]
    fn all_that_is_missing_is_named_and_nothing_without_a_provider() {
        assert_eq!(Payment { provider: ProviderKind::Stripe, ..Payment::default() }.mistakes().len(), 4);
        assert!(Payment::default().mistakes().is_empty());
        let slow = |bank_time_s| Payment { bank_time_s, ..stripe("https://api.stripe.com") };
        assert_eq!((slow(Some(0)).mistakes().len(), slow(Some(601)).mistakes().len()), (1, 1));
        assert_eq!((slow(None).bank_time_ms(), slow(Some(7)).bank_time_ms()), (600_000, 7_000));
    }
}
