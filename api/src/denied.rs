//! Which denied requests are worth a note in the audit trail. Whoever is denied asks as often as they like, and every note is an
//! entry of a replicated log: so the first of a kind is noted at once, the next ones are counted and told with the next note, and a
//! node notes so many a minute and no more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use boxoffice_ledger::ids::UserId;
use parking_lot::Mutex;

use crate::router::{Route, Verb};

/// The same account on the same route is noted once in this time.
const AGAIN_AFTER: Duration = Duration::from_secs(600);

/// Notes of one node in a minute.
const PER_MINUTE: u32 = 20;

/// Kinds of denied requests that are told apart at a time; further ones are not noted until some are over.
const KINDS_MAX: usize = 4096;

type Kind = (UserId, Verb, &'static str);

/// What a node remembers about denied requests.
#[derive(Default)]
pub struct Denials {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    kinds: HashMap<Kind, Seen>,
    minute: Option<(Instant, u32)>,
}

struct Seen {
    noted: Option<Instant>,
    /// Since then.
    times: u32,
}

impl Denials {
    /// Counts a denied request; gives how often it has come since the last note, if it is to be noted now.
    pub fn note(&self, user: UserId, route: &Route, now: Instant) -> Option<u32> {
        let mut inner = self.inner.lock();
        let kind = (user, route.method, route.path);
        if inner.kinds.len() >= KINDS_MAX && !inner.kinds.contains_key(&kind) {
            inner.kinds.retain(|_, seen| seen.noted.is_some_and(|noted| now.duration_since(noted) < AGAIN_AFTER));
            if inner.kinds.len() >= KINDS_MAX {
                return None;
            }
        }
        let seen = inner.kinds.entry(kind).or_insert(Seen { noted: None, times: 0 });
        seen.times = seen.times.saturating_add(1);
        let (times, is_due) = (seen.times, seen.noted.is_none_or(|noted| now.duration_since(noted) >= AGAIN_AFTER));
        if !is_due || !inner.has_room(now) {
            return None;
        }
        inner.kinds.insert(kind, Seen { noted: Some(now), times: 0 });
        Some(times)
    }
}

impl Inner {
    /// Takes one of this minute's notes.
    fn has_room(&mut self, now: Instant) -> bool {
        let (since, used) = self.minute.filter(|(since, _)| now.duration_since(*since) < Duration::from_secs(60)).unwrap_or((now, 0));
        self.minute = Some((since, used.saturating_add(1)));
        used < PER_MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::ROUTES;

    #[test]
    fn the_first_is_noted_and_the_next_are_counted() {
        let (denials, now) = (Denials::default(), Instant::now());
        assert_eq!(denials.note(UserId(1), &ROUTES[0], now), Some(1));
        assert!((0..50).all(|_| denials.note(UserId(1), &ROUTES[0], now).is_none()));
        assert_eq!(denials.note(UserId(1), &ROUTES[1], now), Some(1), "another route");
        assert_eq!(denials.note(UserId(2), &ROUTES[0], now), Some(1), "another account");
        assert_eq!(denials.note(UserId(1), &ROUTES[0], now + AGAIN_AFTER), Some(51));
    }

    #[test]
    fn a_flood_is_bounded() {
        let (denials, now) = (Denials::default(), Instant::now());
        let noted = |at: Instant| (0..10_000_u128).filter(|&user| denials.note(UserId(user), &ROUTES[0], at).is_some()).count();
        assert_eq!(noted(now), PER_MINUTE as usize);
        assert_eq!(noted(now + Duration::from_secs(59)), 0);
        assert_eq!(noted(now + Duration::from_secs(61)), PER_MINUTE as usize);
        assert!(denials.inner.lock().kinds.len() <= KINDS_MAX);
    }
}
