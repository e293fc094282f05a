//! Finishes payments and refunds of a group, on its leader: captures what was authorized, resolves attempts whose answer was lost or
//! whose node died, cancels what was given up, sends refunds, refunds cancelled events order by order. It never guesses: while the
//! provider does not answer, seats stay pinned and money stays owed.
//!
//! What is to be done is read from the ledger, so a new leader goes on where the last one stopped. What this node remembers is only
//! when to try each thing again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::ids::{AttemptId, EventId, RefundId};
use boxoffice_ledger::orders::{OpenAttempt, OpenRefund};
use boxoffice_ledger::outcome::AttemptState;
use boxoffice_ledger::seats::SeatLedger;
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::{PAUSE, leads};
use crate::mint;
use crate::service::{EDGE_OWNS_MS, Service, Step};

/// Steps under way at once, for one group.
const AT_ONCE: usize = 64;

/// Open attempts and refunds looked at in one round.
const OPEN_MAX: usize = 4096;

/// Orders of a cancelled event that one entry refunds.
const REFUND_NEXT: u32 = 50;

/// How long to wait after the first step without progress, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(20));

/// After this many steps without an answer in a row an operator is told, once.
const PAGE_AFTER: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Attempt(AttemptId),
    Refund(RefundId),
    Backlog(EventId),
}

enum Job {
    Attempt(OpenAttempt),
    Refund(OpenRefund),
    Backlog(EventId),
}

impl Job {
    fn key(&self) -> Key {
        match self {
            Self::Attempt(open) => Key::Attempt(open.attempt.id),
            Self::Refund(open) => Key::Refund(open.refund),
            Self::Backlog(event) => Key::Backlog(*event),
        }
    }

    /// What starts the patience anew when it changes.
    fn stage(&self) -> (Option<AttemptState>, bool) {
        match self {
            Self::Attempt(open) => (Some(open.attempt.state), open.must_cancel),
            Self::Refund(_) | Self::Backlog(_) => (None, false),
        }
    }

    /// When the request that began it no longer owns it.
    fn free_at(&self) -> Option<Instant> {
        let Self::Attempt(open) = self else { return None };
        let age = mint::now_ms().saturating_sub(open.attempt.begun_at.as_millis());
        let left = EDGE_OWNS_MS.checked_sub(age).filter(|_| open.attempt.state == AttemptState::Created && !open.must_cancel)?;
        Some(Instant::now() + Duration::from_millis(left))
    }

    async fn step(self, service: &Service) -> Step {
        match self {
            Self::Attempt(open) => service.reconcile(&open).await,
            Self::Refund(open) => service.send_refund(&open).await,
            Self::Backlog(event) => service.refund_next(event, REFUND_NEXT).await,
        }
    }
}

/// When each thing is tried again.
#[derive(Default)]
struct Patience {
    entries: BTreeMap<Key, Entry>,
}

struct Entry {
    stage: (Option<AttemptState>, bool),
    next: Instant,
    tries: u32,
    is_running: bool,
}

impl Patience {
    /// The jobs that are due, marked as running; at most `room`. Forgets what is not to be done any more.
    fn due(&mut self, jobs: Vec<Job>, room: usize, now: Instant) -> Vec<Job> {
        let keys: std::collections::BTreeSet<Key> = jobs.iter().map(Job::key).collect();
        self.entries.retain(|key, entry| entry.is_running || keys.contains(key));
        let mut due = Vec::new();
        for job in jobs {
            if due.len() == room {
                break;
            }
            let (stage, free_at) = (job.stage(), job.free_at());
            let fresh = || Entry { stage, next: free_at.unwrap_or(now), tries: 0, is_running: false };
            let entry = self.entries.entry(job.key()).or_insert_with(fresh);
            if entry.stage != stage && !entry.is_running {
                *entry = fresh();
            }
            if !entry.is_running && entry.next <= now {
                entry.is_running = true;
                due.push(job);
            }
        }
        due
    }

    fn done(&mut self, key: Key, step: Step, now: Instant) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.is_running = false;
        entry.tries = if step == Step::Moved { 0 } else { entry.tries.saturating_add(1) };
        if step == Step::NoAnswer && entry.tries == PAGE_AFTER {
            tracing::error!(?key, "the payment provider does not answer: seats stay pinned and money stays owed until it does");
        }
        let wait = if step == Step::Moved { Duration::ZERO } else { (RETRY.0 * 2_u32.pow(entry.tries.min(8) - 1)).min(RETRY.1) };
        entry.next = now + wait;
    }

    /// When something is due, if anything waits for time.
    fn next(&self) -> Option<Instant> {
        self.entries.values().filter(|entry| !entry.is_running).map(|entry| entry.next).min()
    }
}

/// See the module.
pub async fn run(service: Arc<Service>, group: GroupId) {
    let mut patience = Patience::default();
    let mut running = FuturesUnordered::new();
    loop {
        let (is_full, now) = (running.len() >= AT_ONCE, Instant::now());
        let pause = patience.next().filter(|_| !is_full).map_or(PAUSE, |next| next.saturating_duration_since(now).min(PAUSE));
        let bell = service.feed.bells(group).map(|bells| &bells.attempts);
        let rung = async {
            match bell {
                Some(bell) if !is_full => drop(tokio::time::timeout(pause, bell.notified()).await),
                _ => tokio::time::sleep(pause).await,
            }
        };
        tokio::select! {
            biased;
            Some((key, step)) = running.next(), if !running.is_empty() => patience.done(key, step, Instant::now()),
            () = rung => {}
        }
        if !leads(&service, group) {
            patience.entries.retain(|_, entry| entry.is_running);
            continue;
        }
        let Some(replica) = service.events.get(&group) else { return };
        let room = AT_ONCE.saturating_sub(running.len());
        let jobs = if room == 0 { Vec::new() } else { jobs(&replica.read()) };
        for job in patience.due(jobs, room, Instant::now()) {
            let (service, key) = (Arc::clone(&service), job.key());
            running.push(async move { (key, job.step(&service).await) });
        }
    }
}

fn jobs(ledger: &SeatLedger) -> Vec<Job> {
    let attempts = ledger.open_attempts(OPEN_MAX).into_iter().map(Job::Attempt);
    let refunds = ledger.open_refunds(OPEN_MAX).into_iter().map(Job::Refund);
    attempts.chain(refunds).chain(ledger.refund_backlog().map(Job::Backlog)).collect()
}
