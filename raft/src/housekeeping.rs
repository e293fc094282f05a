//! What a node does for its groups now and then: heartbeats, pings, snapshots, purges, pulses, cutting off followers that lag too far.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::request_tag::RequestTag;
use openraft::async_runtime::WatchReceiver;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::blocking::blocking;
use crate::core::GroupCore;
use crate::env::Lane;
use crate::log::Log;
use crate::peers::PeerClient;
use crate::proto::{self, reply, request};
use crate::time::ClusterTime;
use crate::types::Raft;

const PING_EVERY: Duration = Duration::from_secs(1);
const PING_MAX: Duration = Duration::from_millis(800);
const ROUND_EVERY: Duration = Duration::from_millis(200);
const PULSE_EVERY: Duration = Duration::from_millis(50);
/// How long a proposed pulse may take before another one is tried.
const PULSE_MAX: Duration = Duration::from_secs(5);
/// How long a follower stays cut off: long enough for a purge, short enough to go on soon.
const CUT_OFF: Duration = Duration::from_secs(3);

/// Asks every peer for its clock and its health.
pub async fn ping(peers: Arc<PeerClient>, time: Arc<ClusterTime>) {
    let mut ticks = interval(PING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut quickly = 20;
    loop {
        // At first peers are asked often: a new cluster waits for them.
        if quickly > 0 && peers.reachable(PING_EVERY * 3) < peers.quorum() {
            quickly -= 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else {
            ticks.tick().await;
        }
        let calls = peers.others().map(|peer| ping_one(&peers, &time, peer));
        futures::future::join_all(calls).await;
        time.set_members(peers.book().now().members.len());
        time.settle();
    }
}

async fn ping_one(peers: &PeerClient, time: &ClusterTime, peer: u64) {
    let sent = Instant::now();
    let revision = peers.book().now().revision;
    let answer = peers.call(peer, 0, Lane::Heartbeat, request::Body::Ping(proto::Ping { revision }), PING_MAX).await;
    if let Ok(reply::Body::Pong(pong)) = answer {
        if let Some(book) = pong.book {
            peers.take_up(book.into());
        }
        time.report(peer, pong.wall_us, sent.elapsed());
        if !time.is_agreed() {
            // Whoever leads waits for this: not also for a peer that does not answer.
            time.settle();
        }
        peers.heard(peer, pong.writable);
    }
}

/// Sends the heartbeats of all groups that this node leads at the same moment, so that they share frames and wake-ups.
pub async fn heartbeat(groups: Vec<Arc<GroupCore>>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let led = groups.iter().filter(|core| core.leadership().is_leader);
        let beats = led.filter_map(|core| core.raft()).map(|raft| async move { raft.trigger().heartbeat().await });
        // A core that is gone needs none, and one that is stuck must not hold up the others.
        let _ = timeout(every / 4, futures::future::join_all(beats)).await;
    }
}

/// Proposes a pulse in every group that this node leads, where something is due and nothing else moves time on.
pub async fn pulse(groups: Vec<Arc<GroupCore>>, time: Arc<ClusterTime>) {
    let mut ticks = interval(PULSE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for core in &groups {
            let due = core.progress.deadline_us().is_some_and(|due_us| due_us <= time.now_us());
            if !due || !core.leadership().is_leader || !core.queue.is_idle() {
                continue;
            }
            let Some(pulse) = core.progress.pulse() else { continue };
            // Nobody needs the outcome: if it fails, the deadline is still there at the next tick.
            if let Ok((_, outcome)) = core.queue.push(pulse, Instant::now() + PULSE_MAX, RequestTag::NONE) {
                core.runtime.spawn(async move { drop(timeout(PULSE_MAX, outcome).await) });
            }
        }
    }
}

/// Takes snapshots, one at a time, and purges what they cover.
pub async fn snapshots(groups: Vec<Arc<GroupCore>>, log: Log, building: Arc<Semaphore>, wake: Arc<Notify>) {
    loop {
        // A missed ring only delays until the next round.
        let _ = timeout(ROUND_EVERY, wake.notified()).await;
        let pinning = log.pinning_groups();
        for core in &groups {
            let Some(raft) = core.raft() else { continue };
            let pins = pinning.contains(&core.id.0);
            let wanted = core.progress.snapshot_due() || (pins && core.progress.entries_since_snapshot() > 0);
            if wanted && log.writable() && building.available_permits() > 0 {
                build(core, &raft).await;
            }
            purge(core, &raft, pins).await;
        }
    }
}

/// Has one snapshot built and waits for it a little, so that builds follow each other.
async fn build(core: &GroupCore, raft: &Raft) {
    let before = core.snapshots.newest().map(|snapshot| snapshot.last);
    if raft.trigger().snapshot().await.is_err() {
        return;
    }
    let begun = Instant::now();
    while core.snapshots.newest().map(|snapshot| snapshot.last) == before && begun.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn purge(core: &GroupCore, raft: &Raft, pins: bool) {
    let state = core.group_log.state();
    let Some(last) = state.last else { return };
    let purged = state.purged.map_or(0, |purged| purged.index);
    let kept = last.index.saturating_sub(core.tuning.keep_entries);
    let step = (core.tuning.keep_entries / 16).max(1);
    let mut bound = core.snapshots.purge_bound().unwrap_or(0).min(kept);
    if core.log.writable() {
        // What is not in the backup yet is kept, as long as that costs nobody the room to write.
        bound = bound.min(core.kept_after());
    }
    if pins {
        let store = core.snapshots.clone();
        // The older file is given up for the room, so the newer one is read again first.
        match blocking(core.surroundings.inline, move || store.verify_newest()).await {
            Ok(newest) => bound = bound.max(newest.unwrap_or(0)),
            Err(error) => tracing::error!(group = %core.id, %error, "the newest snapshot cannot be read back, the log is kept"),
        }
    }
    if bound < purged + step && !(pins && bound > purged) {
        return;
    }
    if raft.trigger().purge_log(bound).await.is_ok() {
        cut_off_laggards(core, raft, bound);
    }
}

/// A follower that answers but is far behind keeps its leader from purging. Without entries for a while, it gets a snapshot instead.
fn cut_off_laggards(core: &GroupCore, raft: &Raft, bound: u64) {
    let receiver = raft.metrics();
    let metrics = receiver.borrow_watched();
    let (Some(replication), Some(last)) = (&metrics.replication, metrics.last_log_index) else { return };
    for (follower, matched) in replication {
        let matched = matched.as_ref().map_or(0, |id| id.index);
        let lags = last.saturating_sub(matched) > core.tuning.lag_entries_max;
        if *follower != core.node.0 && lags && matched < bound && !core.is_cut_off(*follower) {
            tracing::warn!(group = %core.id, follower, matched, last, "a follower lags too far and is cut off for a while");
            core.cut_off(*follower, Instant::now() + CUT_OFF);
        }
    }
}
