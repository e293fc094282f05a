//! Commands that wait for a batch. Bounded: what does not fit is refused at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boxoffice_cluster_config::request_tag::RequestTag;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::error::ProposeError;
use crate::machine::Position;

/// What became of a command that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its log entry.
    pub position: Position,
    /// Its place in that entry, from 0.
    pub ordinal: u32,
    /// The entry's time, in microseconds since the Unix epoch.
    pub at_us: u64,
    /// What the machine replied.
    pub reply: Bytes,
}

/// What a proposer gets.
pub type Outcome = Result<Committed, ProposeError>;

/// A command on its way.
pub struct Pending {
    sequence: u64,
    pub command: Bytes,
    pub deadline: Instant,
    /// The request that it is part of.
    pub request: RequestTag,
    pub reply: ReplyTo,
}

/// A command as it comes to the queue.
pub struct Asked {
    pub command: Bytes,
    pub deadline: Instant,
    pub request: RequestTag,
}

/// Who waits for a command.
pub enum ReplyTo {
    /// A caller on this node.
    Caller(oneshot::Sender<Outcome>),
    /// A peer that forwarded it, together with others.
    Peer(Arc<Collector>, usize),
}

impl Pending {
    /// Answers, and is gone.
    pub fn answer(self, outcome: Outcome) {
        match self.reply {
            // The caller may have given up.
            ReplyTo::Caller(caller) => drop(caller.send(outcome)),
            ReplyTo::Peer(collector, place) => collector.put(place, outcome),
        }
    }

    /// Whether it came from a peer; it must not be forwarded again.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.reply, ReplyTo::Peer(..))
    }

    fn is_abandoned(&self) -> bool {
        matches!(&self.reply, ReplyTo::Caller(caller) if caller.is_closed())
    }
}

/// Gathers the outcomes of commands that were forwarded together.
pub struct Collector {
    inner: Mutex<Gathered>,
}

struct Gathered {
    outcomes: Vec<Option<Outcome>>,
    missing: usize,
    complete: Option<oneshot::Sender<()>>,
}

impl Collector {
    /// For `count` commands; the receiver resolves when the last outcome is there.
    pub fn new(count: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (complete, completed) = oneshot::channel();
        let outcomes = (0..count).map(|_| None).collect();
        (Arc::new(Self { inner: Mutex::new(Gathered { outcomes, missing: count, complete: Some(complete) }) }), completed)
    }

    fn put(&self, place: usize, outcome: Outcome) {
        let mut inner = self.inner.lock();
        if inner.outcomes.get(place).is_some_and(Option::is_none) {
            inner.outcomes[place] = Some(outcome);
            inner.missing -= 1;
            if inner.missing == 0
                && let Some(complete) = inner.complete.take()
            {
                let _ = complete.send(());
            }
        }
    }

    /// The outcomes; what is not there yet is unknown.
    pub fn take(&self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut self.inner.lock().outcomes);
        outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(ProposeError::Unknown))).collect()
    }
}

/// The waiting commands of one group.
pub struct Queue {
    inner: Mutex<Waiting>,
    waiting_max: usize,
    command_bytes_max: usize,
    /// Rung when the batcher may have something to do.
    pub wake: Notify,
    /// Batches under way on the present route, and how many there may be.
    in_flight: Mutex<Arc<AtomicUsize>>,
    in_flight_max: usize,
}

struct Waiting {
    commands: VecDeque<Pending>,
    next_sequence: u64,
    /// Set when nothing is taken any more.
    closed: Option<ProposeError>,
    /// After a refusal, nothing is sent before this.
    hold_until: Option<Instant>,
}

/// What the batcher is to do.
pub enum Drained {
    /// Nothing waits.
    Nothing,
    /// Something waits, but not before this.
    Held(Instant),
    /// Send these.
    Commands(Vec<Pending>),
}

/// How much one batch holds.
#[derive(Clone, Copy, Debug)]
pub struct BatchMax {
    pub commands: usize,
    pub bytes: usize,
}

impl Queue {
    pub fn new(waiting_max: usize, command_bytes_max: usize, in_flight_max: usize) -> Self {
        let waiting = Waiting { commands: VecDeque::new(), next_sequence: 0, closed: None, hold_until: None };
        Self {
            inner: Mutex::new(waiting),
            waiting_max,
            command_bytes_max,
            wake: Notify::new(),
            in_flight: Mutex::new(Arc::new(AtomicUsize::new(0))),
            in_flight_max,
        }
    }

    /// Takes a command of a caller on this node. The number can be used to withdraw it.
    ///
    /// # Errors
    /// A definite refusal.
    pub fn push(&self, command: Bytes, deadline: Instant, request: RequestTag) -> Result<(u64, oneshot::Receiver<Outcome>), ProposeError> {
        let (caller, receiver) = oneshot::channel();
        let sequence = self.insert(Asked { command, deadline, request }, ReplyTo::Caller(caller))?;
        self.ring_if_free();
        Ok((sequence, receiver))
    }

    /// Takes commands that a peer forwarded; those refused are answered at once.
    pub fn push_forwarded(&self, commands: Vec<Asked>, collector: &Arc<Collector>) {
        for (place, command) in commands.into_iter().enumerate() {
            if let Err(error) = self.insert(command, ReplyTo::Peer(collector.clone(), place)) {
                collector.put(place, Err(error));
            }
        }
        self.ring_if_free();
    }

    fn insert(&self, asked: Asked, reply: ReplyTo) -> Result<u64, ProposeError> {
        let Asked { command, deadline, request } = asked;
        if command.len() > self.command_bytes_max {
            return Err(ProposeError::TooLarge);
        }
        let mut inner = self.inner.lock();
        if let Some(closed) = inner.closed {
            return Err(closed);
        }
        if inner.commands.len() >= self.waiting_max {
            return Err(ProposeError::Overloaded);
        }
        let sequence = inner.next_sequence;
        inner.next_sequence += 1;
        inner.commands.push_back(Pending { sequence, command, deadline, request, reply });
        Ok(sequence)
    }

    fn ring_if_free(&self) {
        if self.has_free_flight() {
            self.wake.notify_one();
        }
    }

    /// Takes a command out again. False when it is on its way already.
    pub fn withdraw(&self, sequence: u64) -> bool {
        let mut inner = self.inner.lock();
        // Commands are put back in order of their numbers, but after others may have left, so a search finds them.
        match inner.commands.binary_search_by_key(&sequence, |pending| pending.sequence) {
            Ok(place) => inner.commands.remove(place).is_some(),
            Err(_) => false,
        }
    }

    /// Puts commands back that certainly were not executed, and waits until `hold_until` before the next try.
    pub fn put_back(&self, commands: Vec<Pending>, hold_until: Instant) {
        let mut inner = self.inner.lock();
        if let Some(closed) = inner.closed {
            drop(inner);
            commands.into_iter().for_each(|pending| pending.answer(Err(closed)));
            return;
        }
        for pending in commands.into_iter().rev() {
            let place = inner.commands.partition_point(|waiting| waiting.sequence < pending.sequence);
            inner.commands.insert(place, pending);
        }
        inner.hold_until = Some(hold_until);
        drop(inner);
        self.wake.notify_one();
    }

    /// Holds everything back until then, or until `release`.
    pub fn hold(&self, until: Instant) {
        self.inner.lock().hold_until = Some(until);
    }

    /// Ends a hold: something changed.
    pub fn release(&self) {
        self.inner.lock().hold_until = None;
        self.wake.notify_one();
    }

    /// Takes what fits into one batch. What is past its deadline is answered, what nobody waits for is dropped.
    pub fn drain(&self, max: BatchMax, now: Instant) -> Drained {
        let mut expired = Vec::new();
        let mut inner = self.inner.lock();
        if inner.commands.is_empty() {
            return Drained::Nothing;
        }
        if let Some(until) = inner.hold_until.filter(|until| *until > now) {
            return Drained::Held(until);
        }
        inner.hold_until = None;
        let mut taken = Vec::with_capacity(inner.commands.len().min(max.commands));
        let mut bytes = 0;
        while let Some(pending) = inner.commands.pop_front() {
            if pending.is_abandoned() {
                continue;
            }
            if pending.deadline <= now {
                expired.push(pending);
                continue;
            }
            if !taken.is_empty() && bytes + pending.command.len() > max.bytes {
                inner.commands.push_front(pending);
                break;
            }
            bytes += pending.command.len();
            taken.push(pending);
            if taken.len() == max.commands {
                break;
            }
        }
        drop(inner);
        expired.into_iter().for_each(|pending| pending.answer(Err(ProposeError::Overloaded)));
        if taken.is_empty() { Drained::Nothing } else { Drained::Commands(taken) }
    }

    /// Answers all waiting commands of peers: this node cannot serve them, and they must not travel further.
    pub fn refuse_forwarded(&self, error: ProposeError) {
        let mut inner = self.inner.lock();
        if !inner.commands.iter().any(Pending::is_forwarded) {
            return;
        }
        let (forwarded, own): (VecDeque<_>, VecDeque<_>) = inner.commands.drain(..).partition(Pending::is_forwarded);
        inner.commands = own;
        drop(inner);
        forwarded.into_iter().for_each(|pending| pending.answer(Err(error)));
    }

    /// Answers everything that waits; with `for_good` also everything that comes later.
    pub fn refuse_all(&self, error: ProposeError, for_good: bool) {
        let mut inner = self.inner.lock();
        if for_good && inner.closed.is_none() {
            inner.closed = Some(error);
        }
        let commands = std::mem::take(&mut inner.commands);
        drop(inner);
        commands.into_iter().for_each(|pending| pending.answer(Err(error)));
    }

    /// Takes commands again after `refuse_all`.
    pub fn reopen(&self) {
        self.inner.lock().closed = None;
    }

    /// Commands that wait.
    pub fn len(&self) -> usize {
        self.inner.lock().commands.len()
    }

    /// Whether another batch may be sent.
    pub fn has_free_flight(&self) -> bool {
        self.in_flight.lock().load(Ordering::SeqCst) < self.in_flight_max
    }

    /// Whether no batch is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.lock().load(Ordering::SeqCst) == 0 && self.len() == 0
    }

    /// Counts a batch as under way until the guard is dropped.
    pub fn take_off(self: &Arc<Self>) -> Flying {
        let count = self.in_flight.lock().clone();
        count.fetch_add(1, Ordering::SeqCst);
        Flying { queue: self.clone(), count }
    }

    /// Batches that are under way take another route than the next ones: they no longer count.
    pub fn change_route(&self) {
        *self.in_flight.lock() = Arc::new(AtomicUsize::new(0));
        self.release();
    }
}

/// A batch under way.
pub struct Flying {
    queue: Arc<Queue>,
    count: Arc<AtomicUsize>,
}

impl Drop for Flying {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        if self.queue.len() > 0 {
            self.queue.wake.notify_one();
        }
    }
}
