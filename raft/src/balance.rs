//! Spreads leaders evenly over the nodes, and moves them away from a node whose disk is full. One hand-over at a time, and the former only
//! while everybody is well.

use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::NodeId;
use tokio::time::{MissedTickBehavior, interval};

use crate::core::GroupCore;
use crate::group::Group;
use crate::log::Log;
use crate::peers::PeerClient;

const LOOK_EVERY: Duration = Duration::from_secs(1);
const ALIVE: Duration = Duration::from_millis(2500);

/// Runs until the node stops. Does nothing about even spread when `spread_after` is zero.
pub async fn run(groups: Vec<Arc<GroupCore>>, peers: Arc<PeerClient>, log: Log, spread_after: Duration) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let hand_over = if log.writable() { misplaced(&groups, &peers, spread_after) } else { burdened(&groups, &peers) };
        let Some((core, to)) = hand_over else { continue };
        let group = Group { core: core.clone() };
        match group.transfer_leader(NodeId(to)).await {
            Ok(()) => tracing::info!(group = %core.id, to, "leadership was handed over"),
            Err(error) => tracing::info!(group = %core.id, to, %error, "leadership was not handed over"),
        }
    }
}

/// The first group of the cluster whose leader is not the one it should be, if this node is that leader.
/// All nodes see the same first group,
/// so only one of them acts.
fn misplaced<'a>(groups: &'a [Arc<GroupCore>], peers: &PeerClient, spread_after: Duration) -> Option<(&'a Arc<GroupCore>, u64)> {
    if spread_after.is_zero() || peers.others().any(|peer| peers.health(peer, ALIVE).is_none_or(|health| !health.writable)) {
        return None;
    }
    if groups.iter().any(|core| core.leadership().leader.is_none() || core.calm_for() < spread_after) {
        return None;
    }
    let misled = |core: &Arc<GroupCore>| core.preferred_leader().filter(|wanted| core.leadership().leader != Some(NodeId(*wanted)));
    let (first, wanted) = groups.iter().find_map(|core| Some((core, misled(core)?)))?;
    (first.leadership().is_leader && !first.stays_put()).then_some((first, wanted))
}

/// A group that this node leads though its disk is full, and a member that can take it.
fn burdened<'a>(groups: &'a [Arc<GroupCore>], peers: &PeerClient) -> Option<(&'a Arc<GroupCore>, u64)> {
    let takes = |peer: &u64| peers.health(*peer, ALIVE).is_some_and(|health| health.writable);
    let led = groups.iter().filter(|core| core.leadership().is_leader);
    led.filter_map(|core| Some((core, core.voters().into_iter().find(takes)?))).next()
}
