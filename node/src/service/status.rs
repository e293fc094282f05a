//! How this node stands, for operators and for load balancers.

use boxoffice_api::backend::{Answer, Failure, GroupView, NodeView};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_raft::status::Role;

use super::Service;
use crate::inspect::check::kind_name;

impl Service {
    /// The digest of this node's copy of a group at an index that is still in the ring.
    pub fn read_digest(&self, group: u32, index: Option<u64>) -> Answer<(u64, u128)> {
        let handle = self.groups.get(&GroupId(group)).ok_or(Failure::NotFound("group"))?;
        let index = index.unwrap_or_else(|| handle.applied());
        let digest = handle.digest_at(index).ok_or(Failure::NotFound("digest"))?;
        Ok((index, digest))
    }

    /// One line a group, and what the process has used.
    pub fn node_view(&self) -> NodeView {
        let status = self.raft.status();
        let groups = status.groups.iter().map(|group| GroupView {
            group: group.group.0,
            kind: kind_name(self.counts.kind(group.group)),
            role: role_name(group.role),
            leader: group.leader.map(|node| node.0),
            term: group.term,
            applied: group.applied_index,
            last: group.last_index,
        });
        let used = process();
        NodeView {
            node: self.node.0,
            cluster: self.cluster.0.clone(),
            groups: groups.collect(),
            log_fsyncs: status.log.fsyncs,
            log_bytes: status.log.frame_bytes,
            cpu_us: used.cpu_us,
            memory_bytes: used.resident_bytes,
            search_index: self.search.reflects(),
            version: env!("CARGO_PKG_VERSION"),
            writable: status.writable,
            expelled: status.expelled,
        }
    }

    /// Ready: it is not about to stop, every group has a leader with a quorum and something applied here, and searches do not mislead.
    pub fn readiness(&self) -> Result<(), String> {
        if let Some(reason) = self.raft.status().expelled {
            return Err(format!("the cluster does not take this node any more: {reason}"));
        }
        if self.raft.is_stopping() {
            return Err("this node is about to stop".into());
        }
        for (id, group) in &self.groups {
            if group.leader().is_none() {
                return Err(format!("group {id} has no leader that this node knows of"));
            }
            if group.has_lost_quorum() {
                return Err(format!("group {id} has no quorum that this node can reach"));
            }
        }
        if let Some((id, _)) = self.groups.iter().find(|(_, group)| group.applied() == 0) {
            return Err(format!("nothing of group {id} has been applied here yet"));
        }
        self.search.misleads(self.applied_of_catalog()).map_or(Ok(()), Err)
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Candidate => "candidate",
        Role::Learner => "learner",
        Role::Stopped => "stopped",
    }
}

/// What the process uses (from /proc; all zero elsewhere).
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// CPU time, user and system, in microseconds (the kernel counts in ticks of 10 ms).
    pub cpu_us: u64,
    /// Memory that is in RAM.
    pub resident_bytes: u64,
    /// Open files and sockets.
    pub open_files: u64,
}

/// What this process uses now.
pub fn process() -> Process {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return Process::default() };
    // The second field is the name in parentheses and may hold spaces: count from behind it.
    let fields: Vec<u64> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').map(|field| field.parse().unwrap_or(0)).collect();
    let ticks: u64 = fields.iter().skip(11).take(2).sum();
    let pages = fields.get(21).copied().unwrap_or(0);
    let open_files = std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64);
    Process { cpu_us: ticks * 10_000, resident_bytes: pages * 4096, open_files }
}
