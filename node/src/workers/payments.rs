//! Finishes payments and refunds of a group, on its leader: captures what was authorized, resolves attempts whose answer was lost or
//! whose node died, cancels what was given up, sends refunds, refunds cancelled events order by order; in a user group it carries
//! carts on. It never guesses: while the provider does not answer, seats stay pinned and money stays owed.
//!
//! What is to be done is read from the ledger, so a new leader goes on where the last one stopped. What this node remembers is only
//! when to try each thing again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::carts::{Cart, CartState};
use boxoffice_ledger::ids::{AttemptId, CartId, EventId, RefundId};
use boxoffice_ledger::orders::{OpenAttempt, OpenRefund};
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use super::{PAUSE, leads};
use crate::service::{EDGE_OWNS_MS, Service, Step, is_owned};

/// Steps under way at once, for one group; and how many of them may be such as keep nobody's seats: captures and refunds.
const AT_ONCE: usize = 64;
const PATIENT_AT_ONCE: usize = 24;

/// Open attempts and refunds of each kind that one look takes in.
const OPEN_MAX: usize = 4096;

/// Of what keeps nobody's seats, most looks take in so many, for a sale owes thousands of captures; every so many looks all of it.
const OWED_OFTEN: usize = 256;
const WHOLE_EVERY: u64 = 16;

/// How often the ledger is looked through at most. A look walks over all that is open: one after each step would make a backlog grow.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Orders of a cancelled event that one entry refunds.
const REFUND_NEXT: u32 = 50;

/// How long to wait after the first step without progress.
const RETRY: Duration = Duration::from_millis(250);

/// At most, for somebody who takes their time.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// At most, for a provider that does not answer, while seats stay pinned: first often, because most answers are lost one by one; after
/// so many tries (half a minute) it is down, and everything that is open asks again and again.
const NO_ANSWER_MAX: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(5));
const LOST_TRIES: u32 = 16;

/// After this many steps without an answer in a row an operator is told, once.
const PAGE_AFTER: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Attempt(AttemptId),
    Refund(RefundId),
    Backlog(EventId),
    Cart(CartId),
}

/// What starts the patience anew when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stage {
    attempt: Option<AttemptState>,
    cart: Option<CartState>,
    must_cancel: bool,
}

enum Job {
    Attempt(OpenAttempt),
    Refund(OpenRefund),
    Backlog(EventId),
    Cart(Box<Cart>),
}

impl Job {
    fn key(&self) -> Key {
        match self {
            Self::Attempt(open) => Key::Attempt(open.attempt.id),
            Self::Refund(open) => Key::Refund(open.refund),
            Self::Backlog(event) => Key::Backlog(*event),
            Self::Cart(cart) => Key::Cart(cart.id),
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Attempt(open) => Stage { attempt: Some(open.attempt.state), cart: None, must_cancel: open.must_cancel },
            Self::Cart(cart) => Stage { attempt: cart.last().map(|last| last.state), cart: Some(cart.state), must_cancel: false },
            Self::Refund(_) | Self::Backlog(_) => Stage::default(),
        }
    }

    /// Whether seats are pinned until it is done. Such jobs go first.
    fn is_urgent(&self) -> bool {
        match self {
            Self::Attempt(open) => open.attempt.is_live(),
            Self::Cart(cart) => matches!(cart.state, CartState::Pinning | CartState::Paying | CartState::Selling | CartState::Releasing),
            Self::Refund(_) | Self::Backlog(_) => false,
        }
    }

    /// When the request that began it no longer owns it.
    fn free_at(&self, at: Timestamp) -> Option<Instant> {
        let begun_at = match self {
            Self::Attempt(open) if open.attempt.state == AttemptState::Created && !open.must_cancel => open.attempt.begun_at,
            Self::Cart(cart) if is_owned(cart, at) => cart.last()?.begun_at,
            _ => return None,
        };
        let left = EDGE_OWNS_MS.checked_sub(at.as_millis().saturating_sub(begun_at.as_millis()))?;
        Some(Instant::now() + Duration::from_millis(left))
    }

    async fn step(self, service: &Service) -> Step {
        match self {
            Self::Attempt(open) => service.reconcile(&open).await,
            Self::Refund(open) => service.send_refund(&open).await,
            Self::Backlog(event) => service.refund_next(event, REFUND_NEXT).await,
            Self::Cart(cart) => service.carry_on_cart(*cart).await,
        }
    }
}

/// When each thing is tried again.
#[derive(Default)]
struct Patience {
    entries: BTreeMap<Key, Entry>,
}

struct Entry {
    stage: Stage,
    next: Instant,
    /// What the last steps came to, and how many in a row.
    last: Step,
    tries: u32,
    is_running: bool,
    is_urgent: bool,
}

impl Patience {
    /// The jobs that are due, marked as running; at most `room`, the urgent ones first.
    fn due(&mut self, mut jobs: Vec<Job>, room: usize, now: Instant, at: Timestamp) -> Vec<Job> {
        jobs.sort_by_key(|job| !job.is_urgent());
        let mut patient = self.patient_running();
        let mut due = Vec::new();
        for job in jobs {
            if due.len() == room {
                break;
            }
            let (stage, free_at, is_urgent) = (job.stage(), job.free_at(at), job.is_urgent());
            let fresh = || Entry { stage, next: free_at.unwrap_or(now), last: Step::Moved, tries: 0, is_running: false, is_urgent };
            let entry = self.entries.entry(job.key()).or_insert_with(fresh);
            if entry.stage != stage && !entry.is_running {
                *entry = fresh();
            }
            if !entry.is_running && entry.next <= now && (is_urgent || patient < PATIENT_AT_ONCE) {
                entry.is_running = true;
                patient += usize::from(!is_urgent);
                due.push(job);
            }
        }
        due
    }

    /// Forgets what is not to be done any more; `jobs` is all that is.
    fn forget_others(&mut self, jobs: &[Job]) {
        let keys: BTreeSet<Key> = jobs.iter().map(Job::key).collect();
        self.entries.retain(|key, entry| entry.is_running || keys.contains(key));
    }

    fn patient_running(&self) -> usize {
        self.entries.values().filter(|entry| entry.is_running && !entry.is_urgent).count()
    }

    /// What moved is over, or at another stage by the next look.
    fn done(&mut self, key: Key, step: Step, now: Instant) {
        if step == Step::Moved {
            self.entries.remove(&key);
            return;
        }
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.is_running = false;
        // Somebody who takes two seconds is not to wait as long as a provider that was silent for a minute before.
        entry.tries = if step == entry.last { entry.tries.saturating_add(1) } else { 1 };
        entry.last = step;
        if step == Step::NoAnswer && entry.tries == PAGE_AFTER {
            tracing::error!(?key, "the payment provider does not answer: seats stay pinned and money stays owed until it does");
        }
        let most = match step {
            Step::NoAnswer if entry.tries <= LOST_TRIES => NO_ANSWER_MAX.0,
            Step::NoAnswer => NO_ANSWER_MAX.1,
            Step::Moved | Step::Waits => WAIT_MAX,
        };
        let wait = (RETRY * 2_u32.pow(entry.tries.min(8) - 1)).min(most);
        entry.next = now + wait;
    }

    /// When something is due, if anything waits for time; what waits for its turn is looked at when something else is done.
    fn next(&self) -> Option<Instant> {
        let is_crowded = self.patient_running() >= PATIENT_AT_ONCE;
        let waits = |entry: &&Entry| !entry.is_running && (entry.is_urgent || !is_crowded);
        self.entries.values().filter(waits).map(|entry| entry.next).min()
    }
}

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let mut patience = Patience::default();
    let mut running: FuturesUnordered<BoxFuture<'static, (Key, Step)>> = FuturesUnordered::new();
    let (mut looked_at, mut looks, mut has_moved) = (Instant::now(), 0_u64, false);
    loop {
        let (is_full, now) = (running.len() >= AT_ONCE, Instant::now());
        let next = if has_moved { Some(now) } else { patience.next() };
        let pause = next.filter(|_| !is_full).map_or(PAUSE, |next| next.saturating_duration_since(now).min(PAUSE));
        let bell = service.feed.bells(group).map(|bells| &bells.attempts);
        let rung = async {
            tokio::time::sleep_until((looked_at + LOOK_EVERY).into()).await;
            match bell {
                Some(bell) if !is_full => {
                    let _ = tokio::time::timeout_at((now + pause).into(), bell.notified()).await;
                }
                _ => tokio::time::sleep_until((now + pause).into()).await,
            }
        };
        tokio::select! {
            biased;
            () = rung => {}
            Some((key, step)) = running.next(), if !running.is_empty() => {
                patience.done(key, step, Instant::now());
                has_moved |= step == Step::Moved;
                continue;
            }
        }
        (looked_at, has_moved) = (Instant::now(), false);
        if !leads(&service, group) {
            patience.entries.retain(|_, entry| entry.is_running);
            continue;
        }
        let room = AT_ONCE.saturating_sub(running.len());
        if room == 0 {
            continue;
        }
        looks += 1;
        let owed = if looks.is_multiple_of(WHOLE_EVERY) { OPEN_MAX } else { OWED_OFTEN };
        let jobs = jobs(&service, group, owed);
        if jobs.iter().filter(|job| !job.is_urgent()).count() < owed {
            patience.forget_others(&jobs);
        }
        for job in patience.due(jobs, room, Instant::now(), service.clock()) {
            let (service, key) = (Arc::clone(&service), job.key());
            running.push(async move { (key, job.step(&service).await) }.boxed());
        }
    }
}

/// What is to be done in a group of either kind; of what keeps nobody's seats, so many of each kind.
fn jobs(service: &Service, group: GroupId, owed: usize) -> Vec<Job> {
    let of_events = service.events.get(&group).map(|replica| jobs_of_events(&replica.read(), owed));
    of_events.or_else(|| service.users.get(&group).map(|replica| jobs_of_users(&replica.read()))).unwrap_or_default()
}

fn jobs_of_users(ledger: &AccountLedger) -> Vec<Job> {
    ledger.carts().busy(OPEN_MAX).cloned().map(Box::new).map(Job::Cart).collect()
}

fn jobs_of_events(ledger: &SeatLedger, owed: usize) -> Vec<Job> {
    let attempts = ledger.open_attempts(OPEN_MAX, owed).into_iter().map(Job::Attempt);
    let refunds = ledger.open_refunds(owed).into_iter().map(Job::Refund);
    attempts.chain(refunds).chain(ledger.refund_backlog().map(Job::Backlog)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::ids::{OrderId, UserId};
    use boxoffice_ledger::money::Currency;
    use boxoffice_ledger::orders::Attempt;

    fn attempt(number: u128, state: AttemptState, begun_ms: u64) -> Job {
        Job::Attempt(OpenAttempt {
            event: EventId(1),
            order: OrderId(number << 16),
            user: UserId(1),
            total: 5000,
            currency: Currency::parse("EUR").unwrap(),
            attempt: Attempt::new(AttemptId(number), state, Timestamp(begun_ms * 1000)),
            must_cancel: false,
        })
    }

    /// Cluster time of these tests.
    const AT: Timestamp = Timestamp(1_790_000_000_000_000);

    fn count(patience: &mut Patience, job: Job, now: Instant) -> usize {
        patience.due(vec![job], AT_ONCE, now, AT).len()
    }

    #[test]
    fn what_makes_no_progress_is_asked_less_and_less_often() {
        for (step, most) in [(Step::Waits, WAIT_MAX), (Step::NoAnswer, NO_ANSWER_MAX.1)] {
            let (mut patience, mut now) = (Patience::default(), Instant::now());
            let job = || Job::Backlog(EventId(1));
            let mut waits = Vec::new();
            for _ in 0..=LOST_TRIES {
                assert_eq!(count(&mut patience, job(), now), 1);
                assert_eq!(count(&mut patience, job(), now), 0, "it runs already");
                patience.done(job().key(), step, now);
                let next = patience.next().unwrap();
                waits.push(next - now);
                assert_eq!(count(&mut patience, job(), now), 0, "it waits");
                now = next;
            }
            let last = *waits.last().unwrap();
            assert!(waits.is_sorted() && waits[0] == RETRY && last == most, "{waits:?}");
            if step == Step::NoAnswer {
                assert!(waits[..LOST_TRIES as usize].iter().sum::<Duration>() < Duration::from_secs(35), "{waits:?}");
            }
            assert_eq!(count(&mut patience, job(), now), 1);
            patience.done(job().key(), Step::Moved, now);
            assert_eq!(count(&mut patience, job(), now), 1, "what comes after it is due at once");
        }
    }

    #[test]
    fn who_takes_time_after_a_long_silence_is_asked_again_soon() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let job = || Job::Backlog(EventId(1));
        for _ in 0..20 {
            patience.due(vec![job()], AT_ONCE, now + Duration::from_secs(3600), AT);
            patience.done(job().key(), Step::NoAnswer, now);
        }
        assert_eq!(count(&mut patience, job(), now + Duration::from_secs(3600)), 1);
        patience.done(job().key(), Step::Waits, now);
        assert_eq!(patience.next(), Some(now + RETRY));
    }

    #[test]
    fn a_new_stage_is_looked_at_at_once() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        assert_eq!(count(&mut patience, attempt(1, AttemptState::Unknown, 0), now), 1);
        patience.done(Key::Attempt(AttemptId(1)), Step::Waits, now);
        assert_eq!(count(&mut patience, attempt(1, AttemptState::Unknown, 0), now), 0);
        assert_eq!(count(&mut patience, attempt(1, AttemptState::Authorized, 0), now), 1);
    }

    #[test]
    fn a_fresh_attempt_belongs_to_its_request() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        assert_eq!(count(&mut patience, attempt(1, AttemptState::Created, AT.as_millis()), now), 0);
        let free = patience.next().unwrap() - now;
        assert!(free > Duration::from_secs(8) && free <= Duration::from_secs(11), "{free:?}");
        assert_eq!(count(&mut patience, attempt(2, AttemptState::Created, AT.as_millis() - EDGE_OWNS_MS - 1), now), 1);
        assert_eq!(count(&mut patience, attempt(3, AttemptState::Unknown, AT.as_millis()), now), 1);
    }

    #[test]
    fn pinned_seats_go_before_money_that_is_owed() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let captures = || (0..100).map(|number| attempt(number, AttemptState::Authorized, 0));
        let pinned = || (200..300).map(|number| attempt(number, AttemptState::Unknown, 0));
        let first = patience.due(captures().collect(), AT_ONCE, now, AT);
        assert_eq!(first.len(), PATIENT_AT_ONCE, "room is left for what is urgent");
        let second = patience.due(captures().chain(pinned()).collect(), AT_ONCE - first.len(), now, AT);
        assert_eq!(second.len(), AT_ONCE - first.len());
        assert!(second.iter().all(Job::is_urgent));
        assert_eq!(patience.next(), None, "captures wait for each other, not for time");
        patience.done(first[0].key(), Step::Moved, now);
        assert_eq!(patience.due(captures().collect(), 1, now, AT).len(), 1);
    }

    #[test]
    fn no_more_than_fits_runs_and_what_is_over_is_forgotten() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        let jobs = |range: std::ops::Range<u128>| range.map(|number| attempt(number, AttemptState::Unknown, 0)).collect::<Vec<_>>();
        assert_eq!(patience.due(jobs(0..9), 4, now, AT).len(), 4);
        assert_eq!(patience.due(jobs(4..9), 9, now, AT).len(), 5);
        (0..5).for_each(|number| patience.done(Key::Attempt(AttemptId(number)), Step::Moved, now));
        (5..9).for_each(|number| patience.done(Key::Attempt(AttemptId(number)), Step::Waits, now));
        patience.forget_others(&jobs(8..9));
        assert_eq!(patience.entries.keys().collect::<Vec<_>>(), [&Key::Attempt(AttemptId(8))]);
        patience.forget_others(&[]);
        assert!(patience.entries.is_empty());
    }
}
