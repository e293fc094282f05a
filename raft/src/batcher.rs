//! Turns waiting commands into batches: one log entry on the leader, one call to the leader elsewhere. One task per group.
//!
//! There is no timer: a batch is whatever came together while the batches before it were under way.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use boxoffice_cluster_config::request_tag::LOG_TARGET;
use openraft::errors::ClientWriteError;
use tokio::time::{Instant, sleep_until};

use crate::codec::encode_batch;
use crate::core::GroupCore;
use crate::env::Lane;
use crate::error::ProposeError;
use crate::machine::Position;
use crate::peers::CallError;
use crate::proto::{self, forward_outcome, refused::Reason, reply, request};
use crate::queue::{BatchMax, Committed, Drained, Flying, Outcome, Pending};
use crate::types::{Raft, Tell, WriteResult};

/// How long to wait before a command that was refused is tried again.
const RETRY: Duration = Duration::from_millis(15);

/// Where commands go at the moment.
enum Route {
    /// Into the log of this node.
    Here(Raft),
    /// To the leader.
    To(u64),
    /// Nowhere yet.
    Nowhere,
}

/// Runs until the node stops.
pub async fn run(core: Arc<GroupCore>) {
    let max = BatchMax { commands: core.tuning.batch_commands_max, bytes: core.tuning.batch_bytes_max };
    loop {
        match step(&core, max).await {
            Step::Again => {}
            Step::Wait => core.queue.wake.notified().await,
            Step::WaitUntil(until) => {
                tokio::select! {
                    biased;
                    () = core.queue.wake.notified() => {}
                    () = sleep_until(until) => {}
                }
            }
        }
    }
}

enum Step {
    Again,
    Wait,
    WaitUntil(Instant),
}

async fn step(core: &Arc<GroupCore>, max: BatchMax) -> Step {
    let route = route(core);
    if !matches!(route, Route::Here(_)) {
        core.queue.refuse_forwarded(ProposeError::NoLeader);
    }
    if matches!(route, Route::Nowhere) || !core.queue.has_free_flight() {
        return Step::Wait;
    }
    if matches!(route, Route::Here(_)) && !core.time.is_agreed() {
        // A node that has just started has only its own clock to stamp with. If that is wrong, holds would end before their time.
        return Step::WaitUntil(Instant::now() + RETRY);
    }
    if matches!(route, Route::Here(_)) && !core.log.writable() {
        core.queue.refuse_all(ProposeError::DiskFull, false);
        return Step::Wait;
    }
    let commands = match core.queue.drain(max, Instant::now()) {
        Drained::Nothing => return Step::Wait,
        Drained::Held(until) => return Step::WaitUntil(until),
        Drained::Commands(commands) => commands,
    };
    let flying = core.queue.take_off();
    match route {
        Route::Here(raft) => propose(core, &raft, commands, flying).await,
        Route::To(leader) => forward(core, leader, commands, flying),
        Route::Nowhere => core.queue.put_back(commands, Instant::now() + RETRY),
    }
    Step::Again
}

fn route(core: &GroupCore) -> Route {
    let leadership = core.leadership();
    match (leadership.is_leader, leadership.leader, core.raft()) {
        (true, _, Some(raft)) => Route::Here(raft),
        (false, Some(leader), _) if leader != core.node => Route::To(leader.0),
        _ => Route::Nowhere,
    }
}

/// A batch on its way through the log. Whoever drops it unanswered leaves its commands unknown.
struct Flight {
    core: Arc<GroupCore>,
    begun: Instant,
    commands: Vec<Pending>,
    _flying: Flying,
}

impl Drop for Flight {
    fn drop(&mut self) {
        for pending in self.commands.drain(..) {
            pending.answer(Err(ProposeError::Unknown));
        }
    }
}

impl Flight {
    fn land(mut self, result: WriteResult) {
        match result {
            Ok(response) => {
                let position = Position { incarnation: self.core.incarnation(), group: self.core.id, index: response.log_id.index };
                let at_us = response.data.at_us;
                let replies = response.data.replies.into_iter();
                self.core.batches.count(self.begun.elapsed());
                self.core.batched.fetch_add(self.commands.len() as u64, Relaxed);
                for (ordinal, (pending, reply)) in (0u32..).zip(self.commands.drain(..).zip(replies)) {
                    let (group, index, request_id) = (self.core.id, position.index, pending.request);
                    tracing::debug!(target: LOG_TARGET, %group, index, ordinal, %request_id, "committed");
                    pending.answer(Ok(Committed { position, ordinal, at_us, reply }));
                }
            }
            Err(ClientWriteError::ForwardToLeader(_)) => {
                let commands = std::mem::take(&mut self.commands);
                put_back(&self.core, commands);
            }
            // Discarded by a new leader here, perhaps kept by others: unknown, as the drop says.
            Err(_) => {}
        }
    }
}

/// Certainly not executed: own commands wait for another try, those of peers go back to where they came from.
fn put_back(core: &GroupCore, commands: Vec<Pending>) {
    let (forwarded, own): (Vec<_>, Vec<_>) = commands.into_iter().partition(Pending::is_forwarded);
    forwarded.into_iter().for_each(|pending| pending.answer(Err(ProposeError::NoLeader)));
    if !own.is_empty() {
        core.queue.put_back(own, Instant::now() + RETRY);
    }
}

async fn propose(core: &Arc<GroupCore>, raft: &Raft, commands: Vec<Pending>, flying: Flying) {
    let at_us = core.progress.next_time(core.time.now_us());
    let batch = encode_batch(at_us, commands.iter().map(|pending| pending.command.clone()).collect());
    let flight = Flight { core: core.clone(), begun: Instant::now(), commands, _flying: flying };
    let tell = Tell::new(move |result| flight.land(result));
    // When the core is gone the responder was dropped with the call, and has answered.
    if let Err(fatal) = raft.client_write_ff(batch, Some(tell)).await {
        tracing::debug!(group = %core.id, %fatal, "a batch met a dead core");
    }
}

/// Sends commands to the leader in one call, in a task of its own: other batches may follow meanwhile.
fn forward(core: &Arc<GroupCore>, leader: u64, commands: Vec<Pending>, flying: Flying) {
    let now = Instant::now();
    let left_ms = |pending: &Pending| u32::try_from(pending.deadline.saturating_duration_since(now).as_millis()).unwrap_or(u32::MAX);
    let forwarded = commands
        .iter()
        .map(|pending| {
            tracing::debug!(target: LOG_TARGET, group = %core.id, to = leader, request_id = %pending.request, "forwarded to the leader");
            let [request_high, request_low] = pending.request.halves();
            proto::ForwardedCommand { command: pending.command.clone(), deadline_ms: left_ms(pending), request_high, request_low }
        })
        .collect();
    let patience = commands.iter().map(|pending| pending.deadline).max().unwrap_or(now).saturating_duration_since(now);
    let flight = Flight { core: core.clone(), begun: Instant::now(), commands, _flying: flying };
    core.runtime.spawn(async move {
        let core = flight.core.clone();
        let body = request::Body::Forward(proto::Forward { commands: forwarded });
        let answer = core.peers.call(leader, core.id.0, Lane::Data, body, patience).await;
        land_forward(flight, answer);
    });
}

fn land_forward(mut flight: Flight, answer: Result<reply::Body, CallError>) {
    let core = flight.core.clone();
    match answer {
        Ok(reply::Body::Forwarded(answer)) => {
            let mut again = Vec::new();
            for (pending, outcome) in flight.commands.drain(..).zip(answer.outcomes) {
                match outcome_of(&core, outcome) {
                    Err(ProposeError::NoLeader) => again.push(pending),
                    outcome => pending.answer(outcome),
                }
            }
            put_back(&core, again);
        }
        Err(CallError::Refused(Reason::DiskFull, _)) => {
            flight.commands.drain(..).for_each(|pending| pending.answer(Err(ProposeError::DiskFull)));
        }
        Err(CallError::NotSent(_) | CallError::Refused(..)) => {
            let commands = std::mem::take(&mut flight.commands);
            put_back(&core, commands);
        }
        // Sent, and nobody knows more.
        Ok(_) | Err(CallError::Lost(_)) => {}
    }
}

fn outcome_of(core: &GroupCore, outcome: proto::ForwardOutcome) -> Outcome {
    use forward_outcome::Result as Kind;
    Err(match outcome.result() {
        Kind::Committed => {
            let position = Position { incarnation: core.incarnation(), group: core.id, index: outcome.index };
            return Ok(Committed { position, ordinal: outcome.ordinal, at_us: outcome.at_us, reply: outcome.reply });
        }
        Kind::NoLeader => ProposeError::NoLeader,
        Kind::Overloaded => ProposeError::Overloaded,
        Kind::DiskFull => ProposeError::DiskFull,
        Kind::TooLarge => ProposeError::TooLarge,
        Kind::Halted => ProposeError::Halted,
        // The leader is about to go: another one will come.
        Kind::ShuttingDown => ProposeError::NoLeader,
        Kind::Unknown => ProposeError::Unknown,
    })
}

/// As `outcome_of` reads it at the other end.
pub fn to_wire(outcome: Outcome) -> proto::ForwardOutcome {
    use forward_outcome::Result as Kind;
    let kind = match outcome {
        Ok(committed) => {
            return proto::ForwardOutcome {
                result: Kind::Committed.into(),
                index: committed.position.index,
                ordinal: committed.ordinal,
                at_us: committed.at_us,
                reply: committed.reply,
            };
        }
        Err(ProposeError::NoLeader) => Kind::NoLeader,
        Err(ProposeError::Overloaded) => Kind::Overloaded,
        Err(ProposeError::DiskFull) => Kind::DiskFull,
        Err(ProposeError::TooLarge) => Kind::TooLarge,
        Err(ProposeError::Halted) => Kind::Halted,
        Err(ProposeError::ShuttingDown) => Kind::ShuttingDown,
        Err(ProposeError::Unknown) => Kind::Unknown,
    };
    proto::ForwardOutcome { result: kind.into(), ..Default::default() }
}
