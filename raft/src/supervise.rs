//! Opens a group, watches over its core, and opens it again when the core died. One task per group.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::impls::EmptyNode;
use openraft::{SnapshotPolicy, StepDownPolicy};
use openraft_rt::deterministic_rng::DeterministicRng;
use tokio::time::{Instant, sleep, timeout};

use crate::core::GroupCore;
use crate::env::Random;
use crate::error::ProposeError;
use crate::install::fetch_from_any;
use crate::log_store::LogStore;
use crate::machine::Machines;
use crate::network::Network;
use crate::options::Tuning;
use crate::planted::has;
use crate::runtime::Aligned;
use crate::sm::Adapter;
use crate::types::{Raft, entry_id, log_id};

/// How often a core is looked at that does not say anything.
const LOOK: Duration = Duration::from_millis(500);
/// A peer that answered within this time is alive.
const ALIVE: Duration = Duration::from_secs(3);

/// What opening a group needs besides the group.
#[derive(Clone)]
pub struct Opener {
    pub machines: Machines,
    pub random: Arc<dyn Random>,
    pub config: Arc<openraft::Config>,
}

/// openraft's settings. `enable_leader_restore` off is what keeps a restarted leader from reusing log ids.
///
/// # Errors
/// When the intervals contradict each other.
pub fn raft_config(tuning: &Tuning, cluster: &str) -> Result<Arc<openraft::Config>, String> {
    let config = openraft::Config {
        cluster_name: cluster.to_owned(),
        heartbeat_interval: tuning.heartbeat_ms,
        // Sent for all groups at once, see `housekeeping`.
        enable_heartbeat: false,
        election_timeout_min: tuning.election_min_ms,
        election_timeout_max: tuning.election_max_ms,
        enable_pre_vote: Some(true),
        enable_leader_restore: Some(has("leader-restore")),
        allow_log_reversion: Some(false),
        max_payload_entries: 64,
        max_append_entries: Some(256),
        api_batch_capacity: 256,
        api_batch_linger_ms: 0,
        // Snapshots and purges are scheduled for the whole node, see `housekeeping`.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        replication_lag_threshold: tuning.lag_entries_max,
        install_snapshot_timeout: 60_000,
        removed_leader_step_down: StepDownPolicy::After(150),
        api_channel_size: Some(1024),
        notification_channel_size: Some(8192),
        ..Default::default()
    };
    let config = config.validate().map_err(|error| error.to_string())?;
    assert!(config.enable_leader_restore == Some(false) || has("leader-restore"), "a restored leader would reuse log ids");
    Ok(Arc::new(config))
}

/// Opens the group: brings log and snapshot into agreement, replays what is committed, starts the core.
///
/// # Errors
/// When log or snapshot cannot be read, or the machine does not take them.
pub async fn open(core: &Arc<GroupCore>, opener: &Opener) -> io::Result<Raft> {
    reconcile(core).await?;
    let log = LogStore::new(core.group_log.clone(), core.progress.clone(), core.tuning.replicate_bytes_max);
    log.note_times()?;
    let machine = Adapter::new((opener.machines)(core.id), core.surroundings.clone());
    let network = Network::new(core.clone());
    let start = Raft::new(core.node.0, opener.config.clone(), network, log, machine);
    let raft = DeterministicRng::<Aligned>::scope(opener.random.next_u64(), start).await.map_err(io::Error::other)?;
    core.note_role(&raft);
    core.set_raft(Some(raft.clone()));
    core.queue.reopen();
    Ok(raft)
}

/// A snapshot may have been installed just before a crash, when the log still had other entries in its place; or the snapshots that cover
/// the purged part of the log may all be damaged.
async fn reconcile(core: &Arc<GroupCore>) -> io::Result<()> {
    let state = core.group_log.state();
    let covered = core.snapshots.newest().map(|snapshot| snapshot.last);
    if let Some(purged) = state.purged
        && covered.is_none_or(|covered| covered.index < purged.index)
    {
        tracing::error!(group = %core.id, purged = purged.index, "no usable snapshot covers the purged log, asking peers");
        fetch_from_any(core, purged.index).await;
    }
    let Some(snapshot) = core.snapshots.newest() else { return Ok(()) };
    let Some(last) = state.last else { return Ok(()) };
    if last.index < snapshot.last.index || state.purged.is_some_and(|purged| purged.index >= snapshot.last.index) {
        return Ok(());
    }
    let found = core.group_log.read(snapshot.last.index..snapshot.last.index + 1, usize::MAX).map_err(io::Error::other)?;
    if found.first().is_none_or(|entry| entry.id != snapshot.last) {
        tracing::warn!(group = %core.id, index = snapshot.last.index, "the log disagrees with an installed snapshot and gives way");
        core.group_log.truncate_after(state.purged.map(|purged| purged.index));
        core.group_log.purge(entry_id(&log_id(snapshot.last)));
    }
    Ok(())
}

/// Watches over an open group until the node stops.
pub async fn watch(core: Arc<GroupCore>, opener: Opener, mut raft: Raft) {
    loop {
        bootstrap_and_follow(&core, &raft).await;
        core.set_raft(None);
        core.forget_leader();
        // The core is dead already, or dies now; its tasks are gone afterwards.
        let _ = timeout(Duration::from_secs(5), raft.shutdown()).await;
        if let Some(reason) = core.progress.halted() {
            tracing::error!(group = %core.id, reason, "the group stays halted on this node until somebody looks at it");
            core.queue.refuse_all(ProposeError::Halted, true);
            return;
        }
        let count = core.count_reopening();
        tracing::error!(group = %core.id, count, "the group's core died, reopening it from the log");
        raft = loop {
            sleep(Duration::from_millis(100 * count.min(20))).await;
            match open(&core, &opener).await {
                Ok(raft) => break raft,
                Err(error) => tracing::error!(group = %core.id, %error, "the group could not be reopened, trying again"),
            }
            if core.progress.halted().is_some() {
                core.queue.refuse_all(ProposeError::Halted, true);
                return;
            }
        };
    }
}

/// Returns when the core is dead.
async fn bootstrap_and_follow(core: &Arc<GroupCore>, raft: &Raft) {
    let mut roles = raft.server_metrics();
    let health = raft.metrics();
    let opened = Instant::now();
    let mut initialized = false;
    loop {
        core.note_role(raft);
        if health.borrow_watched().running_state.is_err() {
            return;
        }
        if !initialized {
            initialized = bootstrap(core, raft, opened).await;
        }
        let pause = if initialized { LOOK } else { LOOK / 10 };
        // Silence for that long is fine; an error says that the core is gone.
        if let Ok(Err(_)) = timeout(pause, roles.changed()).await {
            return;
        }
    }
}

/// Makes the first membership of a new group. Every founder may do it, for all propose the same; the preferred leader goes first.
async fn bootstrap(core: &GroupCore, raft: &Raft, opened: Instant) -> bool {
    if raft.is_initialized().await.unwrap_or(true) {
        return true;
    }
    if !core.founders.contains(&core.node.0) {
        return false;
    }
    let first = core.preferred_leader() == Some(core.node.0);
    let patient = opened.elapsed() >= ALIVE;
    // A node whose data was lost learns from its peers that it may not begin anew.
    let there = core.founders.iter().filter(|founder| core.peers.is_alive(**founder, ALIVE)).count();
    if core.peers.expelled().is_some() || there <= core.founders.len() / 2 || !(first || patient) {
        return false;
    }
    let members: BTreeMap<u64, EmptyNode> = core.founders.iter().map(|member| (*member, EmptyNode::new())).collect();
    if let Err(error) = raft.initialize(members).await {
        tracing::debug!(group = %core.id, %error, "the group was initialized by somebody else");
    }
    raft.is_initialized().await.unwrap_or(false)
}
