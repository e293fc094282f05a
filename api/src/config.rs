//! What the edge is told at start: names, the secret, limits. All of it has defaults but the name and the secret.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_tls::clients::Clients;

/// Microseconds since the Unix epoch, from whatever clock the process uses.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Everything the edge can be told.
#[derive(Clone)]
pub struct ApiConfig {
    /// The cluster's name: issuer and audience of access tokens.
    pub cluster_id: String,
    /// The cluster's secret. Signing keys are derived from it, so that every node accepts every node's tokens.
    pub secret: [u8; 32],
    /// TLS towards clients; `None` = plain HTTP, behind a proxy or on this machine.
    pub tls: Option<Arc<Clients>>,
    /// Networks whose addresses have no per-address limits. Per-user limits hold for everybody.
    pub trusted_networks: Vec<Network>,
    /// Origins of other sites, such as `https://shop.example`, whose pages may call with an access token (never with our cookies).
    pub allowed_origins: Vec<String>,
    /// Where images are served: the beginning of their addresses, such as `https://cdn.example`; empty = at each node itself.
    pub media_base: String,
    /// Rates.
    pub limits: RateLimits,
    /// Requests in progress at once; the next one gets 503 at once.
    pub requests_max: usize,
    /// Open connections; the next one is closed at once.
    pub connections_max: usize,
    /// Live sockets and streams at once.
    pub sockets_max: usize,
    /// How long a read may take.
    pub read_deadline: Duration,
    /// How long a write may take before its outcome is unknown.
    pub write_deadline: Duration,
    /// How long a client may take to shake hands, to send its headers, or to stay idle between requests.
    pub header_timeout: Duration,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How long a client may take none of what was sent to it before its connection is cut.
    pub stalled_timeout: Duration,
    /// How long connections may take to finish after shutdown began.
    pub drain_timeout: Duration,
    /// How long an access token lives.
    pub token_ttl: Duration,
    /// Whether the page is reached over TLS: cookies are marked Secure, and browsers are told to come back over TLS only.
    pub secure_cookies: bool,
    /// Most seats and places in one hold.
    pub seats_per_hold_max: usize,
    /// The wall clock.
    pub clock: WallClock,
}

impl ApiConfig {
    /// Defaults for a cluster of this name and secret.
    #[must_use]
    pub fn new(cluster_id: impl Into<String>, secret: [u8; 32]) -> Self {
        Self {
            cluster_id: cluster_id.into(),
            secret,
            tls: None,
            trusted_networks: Vec::new(),
            allowed_origins: Vec::new(),
            media_base: String::new(),
            limits: RateLimits::default(),
            requests_max: 4096,
            connections_max: 20_000,
            sockets_max: 10_000,
            read_deadline: Duration::from_secs(3),
            write_deadline: Duration::from_secs(5),
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            stalled_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(10),
            token_ttl: Duration::from_secs(15 * 60),
            secure_cookies: false,
            seats_per_hold_max: 50,
            clock: Arc::new(system_clock),
        }
    }

    /// The time now, in microseconds since the Unix epoch.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        (self.clock)()
    }
}

fn system_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// A steady rate with room for a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute in the long run; at least 1.
    pub per_minute: u32,
    /// Requests at once; at least 1.
    pub burst: u32,
}

/// Rates by class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// All requests of one address (IPv6: one /56).
    pub address: Rate,
    /// All requests of one account.
    pub user: Rate,
    /// Logins and registrations from one address.
    pub login_address: Rate,
    /// Logins to one account from one address.
    pub login_account: Rate,
    /// Logins to one account from all addresses that have not succeeded before.
    pub login_strangers: Rate,
    /// Mails that one address can be made to receive.
    pub mail: Rate,
    /// Holds with a promo code of one account: guessing codes is slow.
    pub promo: Rate,
    /// Holds with a promo code from one address.
    pub promo_address: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            address: Rate { per_minute: 6_000, burst: 400 },
            user: Rate { per_minute: 3_000, burst: 200 },
            login_address: Rate { per_minute: 20, burst: 20 },
            login_account: Rate { per_minute: 5, burst: 5 },
            login_strangers: Rate { per_minute: 20, burst: 20 },
            mail: Rate { per_minute: 1, burst: 3 },
            promo: Rate { per_minute: 6, burst: 10 },
            promo_address: Rate { per_minute: 30, burst: 60 },
        }
    }
}

/// A range of addresses, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `address/bits`, or an address alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base.parse().ok()?, Some(bits.parse::<u8>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let widest = if matches!(base, IpAddr::V4(_)) { 32 } else { 128 };
        let bits = bits.unwrap_or(widest);
        (bits <= widest).then_some(Self { base, bits })
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                u64::from(base.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                shift == 128 || base.to_bits() >> shift == address.to_bits() >> shift
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("::/0", "fe80::1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.9", true),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
        for bad in ["", "10.0.0.0/33", "x/8", "10.0.0.0/", "::/129"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
