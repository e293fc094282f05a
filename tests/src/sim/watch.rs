//! What must hold at every moment, looked at again and again while a run goes on: equal digests at equal indexes, no machine that halted.
//! That one leader follows another within a term is allowed here: votes go to the higher node of a term.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::GroupId;
use tokio::time::sleep;

use super::world::World;

/// How often.
const EVERY: Duration = Duration::from_millis(400);

/// What was seen so far.
#[derive(Default)]
pub struct Watch {
    digests: BTreeMap<(GroupId, u64), (u64, u128)>,
    applied: BTreeMap<(u64, GroupId), u64>,
    halted: bool,
}

impl Watch {
    /// Looks for ever.
    pub async fn run(mut self, world: Arc<World>) {
        loop {
            sleep(EVERY).await;
            self.look(&world);
        }
    }

    /// Looks once.
    pub fn look(&mut self, world: &World) {
        for node in world.up() {
            let Some(groups) = world.look(node, |live| live.raft().groups()) else { continue };
            for group in groups {
                let status = group.status();
                if let Some(reason) = &status.halted
                    && !std::mem::replace(&mut self.halted, true)
                {
                    world.trace.wrong("halted", format!("node {node} {}: {reason}", group.id()));
                }
                let applied = group.applied();
                if self.applied.insert((node, group.id()), applied) != Some(applied) {
                    world.trace.note(&[node, u64::from(group.id().0), applied, status.term]);
                    self.compare(world, node, group.id(), &group.digests());
                }
            }
        }
    }

    fn compare(&mut self, world: &World, node: u64, group: GroupId, digests: &[(u64, u128)]) {
        for (index, digest) in digests {
            let (first, expected) = *self.digests.entry((group, *index)).or_insert((node, *digest));
            if expected != *digest {
                world.trace.wrong("replica_divergence", format!("{group} index {index}: nodes {first} and {node} differ"));
                return;
            }
        }
    }
}
