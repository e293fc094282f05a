//! Rates and room: who may ask how often, and how much may be in progress at once. Refusals are immediate.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use boxoffice_ledger::ids::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::config::{ApiConfig, Network, Rate};
use crate::error::{Code, HttpProblem};
use crate::kept::Kept;

/// Everything that bounds what comes in.
pub struct Limits {
    clock: DefaultClock,
    trusted: Vec<Network>,
    address: Bucket<IpAddr>,
    user: Bucket<UserId>,
    login_address: Bucket<IpAddr>,
    login_account: Bucket<(u64, IpAddr)>,
    login_strangers: Bucket<u64>,
    mail: Bucket<u64>,
    promo: Bucket<UserId>,
    promo_address: Bucket<IpAddr>,
    /// Who logged in from where.
    friends: Kept<(u64, IpAddr), ()>,
    requests: Arc<Room>,
    sockets: Arc<Room>,
}

struct Bucket<K: Clone + Eq + std::hash::Hash> {
    name: &'static str,
    rate: Rate,
    limiter: DefaultKeyedRateLimiter<K>,
}

impl<K: Clone + Eq + std::hash::Hash> Bucket<K> {
    fn new(name: &'static str, rate: Rate) -> Self {
        let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(rate.per_minute)).allow_burst(at_least_one(rate.burst));
        Self { name, rate, limiter: DefaultKeyedRateLimiter::keyed(quota) }
    }

    fn take(&self, key: &K, clock: &DefaultClock) -> Result<(), HttpProblem> {
        let Err(until) = self.limiter.check_key(key) else { return Ok(()) };
        let wait = until.wait_time_from(clock.now());
        let seconds = wait.as_secs().max(1);
        let policy = format!("\"{}\";q={};w=60", self.name, self.rate.per_minute);
        let state = format!("\"{}\";r=0;t={seconds}", self.name);
        let mut problem = HttpProblem::new(Code::RateLimited, format!("Too many requests by this {}.", self.name))
            .after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                problem = problem.header(HeaderName::from_static(name), value);
            }
        }
        Err(problem)
    }

    fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Limits {
    /// The limits of a configuration.
    #[must_use]
    pub fn new(config: &ApiConfig) -> Self {
        Self {
            clock: DefaultClock::default(),
            trusted: config.trusted_networks.clone(),
            address: Bucket::new("address", config.limits.address),
            user: Bucket::new("user", config.limits.user),
            login_address: Bucket::new("login_address", config.limits.login_address),
            login_account: Bucket::new("login_account", config.limits.login_account),
            login_strangers: Bucket::new("login_account", config.limits.login_strangers),
            mail: Bucket::new("mail", config.limits.mail),
            promo: Bucket::new("promo", config.limits.promo),
            promo_address: Bucket::new("promo", config.limits.promo_address),
            friends: Kept::new(FRIENDS_MAX),
            requests: Room::new(config.requests_max),
            sockets: Room::new(config.sockets_max),
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// 429 when it asks too often.
    pub fn address(&self, address: IpAddr) -> Result<(), HttpProblem> {
        if self.trusts(address) { Ok(()) } else { self.address.take(&block(address), &self.clock) }
    }

    /// Counts a request of an account.
    ///
    /// # Errors
    /// 429 when it asks too often.
    pub fn user(&self, user: UserId) -> Result<(), HttpProblem> {
        self.user.take(&user, &self.clock)
    }

    /// Counts a login or registration of an address.
    ///
    /// # Errors
    /// 429 when it tries too often.
    pub fn login_address(&self, address: IpAddr) -> Result<(), HttpProblem> {
        if self.trusts(address) { Ok(()) } else { self.login_address.take(&block(address), &self.clock) }
    }

    /// Counts a login to an account, whether or not it exists; `account` is its normalised e-mail, or another name for it.
    ///
    /// Each address has its own count, and strangers to the account share one more: guessing from many addresses is slow, and
    /// yet it does not lock out the owner, whose address has succeeded before.
    ///
    /// # Errors
    /// 429 when it is tried too often.
    pub fn login_account(&self, account: &str, address: IpAddr) -> Result<(), HttpProblem> {
        let (account, address) = (hash(account), block(address));
        self.login_account.take(&(account, address), &self.clock)?;
        if self.friends.get(&(account, address)).is_some() { Ok(()) } else { self.login_strangers.take(&account, &self.clock) }
    }

    /// Remembers that an address succeeded with an account.
    pub fn logged_in(&self, account: &str, address: IpAddr) {
        self.friends.put((hash(account), block(address)), ());
    }

    /// Counts a mail to an address, whether or not it has an account.
    ///
    /// # Errors
    /// 429 when it was sent too many.
    pub fn mail(&self, email: &str) -> Result<(), HttpProblem> {
        self.mail.take(&hash(email), &self.clock)
    }

    /// Counts a try of a promo code, right or wrong: who guesses learns nothing from what is refused.
    ///
    /// # Errors
    /// 429 when the account, or its address, tried too many.
    pub fn promo(&self, user: UserId, address: IpAddr) -> Result<(), HttpProblem> {
        self.promo.take(&user, &self.clock)?;
        if self.trusts(address) { Ok(()) } else { self.promo_address.take(&block(address), &self.clock) }
    }

    /// Room for one more request.
    ///
    /// # Errors
    /// 503 when there is none.
    pub fn request(&self) -> Result<Taken, HttpProblem> {
        self.requests.take().ok_or_else(|| HttpProblem::new(Code::Overloaded, "Too many requests are in progress here.").after_ms(1_000))
    }

    /// Room for one more live socket.
    ///
    /// # Errors
    /// 503 when there is none.
    pub fn socket(&self) -> Result<Taken, HttpProblem> {
        self.sockets.take().ok_or_else(|| HttpProblem::new(Code::Overloaded, "Too many live sockets are open here.").after_ms(5_000))
    }

    /// How many live sockets are open.
    #[must_use]
    pub fn sockets_open(&self) -> usize {
        self.sockets.used.load(Ordering::Relaxed)
    }

    /// Forgets who has not asked for a while.
    pub fn tidy(&self) {
        self.address.tidy();
        self.user.tidy();
        self.login_address.tidy();
        self.login_account.tidy();
        self.login_strangers.tidy();
        self.mail.tidy();
        self.promo.tidy();
        self.promo_address.tidy();
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// How often [`Limits::tidy`] should run.
pub const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Accounts and addresses that are remembered to belong together.
const FRIENDS_MAX: usize = 200_000;

fn hash(text: &str) -> u64 {
    let mut key = [0_u8; 8];
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(key)
}

/// One household has a /56 of IPv6 addresses; they count as one.
fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 72 << 72)),
        v4 => v4,
    }
}

/// A bounded number of places.
pub struct Room {
    used: AtomicUsize,
    most: usize,
}

impl Room {
    /// Room for this many.
    #[must_use]
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), most })
    }

    /// Takes a place, if there is one; it is given back when dropped.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Taken> {
        if self.used.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.used.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Taken(Arc::clone(self)))
    }
}

/// A place that is taken.
pub struct Taken(Arc<Room>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_it_is_429() {
        let mut config = ApiConfig::new("c", [0; 32]);
        config.limits.address = Rate { per_minute: 1, burst: 3 };
        config.trusted_networks = vec![Network::parse("10.0.0.0/8").unwrap()];
        let limits = Limits::new(&config);
        let (stranger, friend) = ("9.9.9.9".parse().unwrap(), "10.1.1.1".parse().unwrap());
        for _ in 0..3 {
            limits.address(stranger).unwrap();
        }
        let problem = limits.address(stranger).unwrap_err();
        assert_eq!(problem.code, Code::RateLimited);
        assert!(problem.more.retry_after_ms.unwrap() > 30_000);
        assert!(problem.more.headers.iter().any(|(name, value)| name == "ratelimit-policy" && value == "\"address\";q=1;w=60"));
        assert!((0..100).all(|_| limits.address(friend).is_ok()));
        limits.address("9.9.9.8".parse().unwrap()).unwrap();
    }

    #[test]
    fn one_household_counts_once() {
        let one: IpAddr = "2001:db8:0:1100::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8:0:11ff:1::2".parse().unwrap();
        let stranger: IpAddr = "2001:db8:0:1200::1".parse().unwrap();
        assert_eq!(block(one), block(neighbour));
        assert_ne!(block(one), block(stranger));
    }

    #[test]
    fn guessing_from_everywhere_is_slow_and_does_not_lock_the_owner_out() {
        let mut config = ApiConfig::new("c", [0; 32]);
        config.limits.login_account = Rate { per_minute: 1, burst: 5 };
        config.limits.login_strangers = Rate { per_minute: 1, burst: 8 };
        let limits = Limits::new(&config);
        let home: IpAddr = "192.0.2.1".parse().unwrap();
        limits.login_account("ada@b", home).unwrap();
        limits.logged_in("ada@b", home);
        let guesses = (0..100_u8).filter(|number| limits.login_account("ada@b", IpAddr::from([198, 51, 100, *number])).is_ok()).count();
        assert_eq!(guesses, 7, "what the owner's first try left");
        assert_eq!(
            (0..10).filter(|_| limits.login_account("ada@b", home).is_ok()).count(),
            4,
            "the owner still gets in, at their own pace"
        );
        limits.login_account("bob@b", "198.51.100.1".parse().unwrap()).unwrap();
    }

    #[test]
    fn room_is_given_back() {
        let room = Room::new(1);
        let taken = room.take().unwrap();
        assert!(room.take().is_none());
        drop(taken);
        assert!(room.take().is_some());
    }
}
