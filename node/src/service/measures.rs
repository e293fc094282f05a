//! What this node measures, for its metrics. Everything is read when it is asked for; what is counted is counted since the start of
//! the process, on this node.

use boxoffice_api::backend::{Measure, Sample, Values};
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_raft::meter::Durations;
use boxoffice_raft::status::{GroupStatus, NodeStatus, Role};

use super::Service;
use super::status::process;

type Number = fn(&GroupStatus) -> f64;
type Count = fn(&GroupStatus) -> u64;

/// One gauge a group: name, help, value.
const GROUP_GAUGES: [(&str, &str, Number); 10] = [
    ("group_is_leader", "1 where this node leads the group", |group| f64::from(u8::from(group.role == Role::Leader))),
    ("group_has_leader", "1 while this node knows who leads the group", |group| f64::from(u8::from(group.leader.is_some()))),
    ("group_is_halted", "1 when the group has halted on this node: somebody has to look", |group| {
        f64::from(u8::from(group.halted.is_some()))
    }),
    ("group_term", "The term of the group", |group| group.term as f64),
    ("group_last_index", "The last entry in this node's log", |group| group.last_index as f64),
    ("group_committed_index", "The last entry that is known to be committed", |group| group.committed_index as f64),
    ("group_applied_index", "The last entry that is applied here", |group| group.applied_index as f64),
    ("group_snapshot_index", "The last entry of the newest snapshot", |group| group.snapshot_index as f64),
    ("group_purged_index", "The last entry that is gone from the log", |group| group.purged_index as f64),
    ("group_waiting_commands", "Commands that wait for a batch", |group| group.waiting as f64),
];

/// One counter a group.
const GROUP_COUNTERS: [(&str, &str, Count); 4] = [
    ("group_leader_changes", "How often another leader appeared", |group| group.leader_changes),
    ("group_reopened", "How often the group's core died and was reopened", |group| group.reopened),
    ("group_batches", "Batches that this node put through the log as leader", |group| group.batches.count()),
    ("group_batched_commands", "Commands in those batches", |group| group.batched),
];

impl Service {
    /// Everything.
    pub fn measure(&self) -> Vec<Measure> {
        let status = self.raft.status();
        let mut all = of_groups(&status.groups);
        all.extend(of_log(&status));
        all.extend(self.of_sales());
        all.extend(self.of_workers());
        all.extend(self.of_backups());
        all.extend(of_process());
        all.push(self.of_certificates());
        all
    }

    /// What the events' groups did, as this node applied it.
    fn of_sales(&self) -> Vec<Measure> {
        let counts = &self.feed.counts;
        let named = |entries: Vec<(&'static str, u64)>| {
            entries.into_iter().map(|(state, value)| Sample { labels: vec![("state", state.to_owned())], value }).collect()
        };
        vec![
            Measure::counters(
                "holds",
                "Holds by the state they came to (active: begun, lengthened or left by a failed payment)",
                named(counts.holds()),
            ),
            Measure::counter("tickets_sold", "Tickets that were issued", counts.sold()),
            Measure::counter("tickets_void", "Tickets that became void: refunded, or their event cancelled", counts.returned()),
        ]
    }

    /// The last entry of the catalog that is applied here.
    pub fn applied_of_catalog(&self) -> u64 {
        self.groups.get(&CATALOG).map_or(0, |catalog| catalog.applied())
    }

    fn of_certificates(&self) -> Measure {
        let now = boxoffice_tls::now_s();
        let left = self
            .certificates
            .shown()
            .into_iter()
            .map(|(of, certificate)| Sample { labels: vec![("of", of.to_owned())], value: certificate.seconds_left(now) as f64 });
        Measure::gauges("certificate_seconds_left", "How long each certificate is still good; negative when it is over", left.collect())
    }

    fn of_workers(&self) -> Vec<Measure> {
        let waiting = self.events.iter().map(|(group, replica)| Sample {
            labels: vec![("group", group.0.to_string())],
            value: replica.read().outbox().waiting() as f64,
        });
        let late = self.events.keys().filter_map(|group| Some((group, self.feed.bells(*group)?.outbox_age_s()?)));
        let late = late.map(|(group, age_s)| Sample { labels: vec![("group", group.0.to_string())], value: age_s });
        let applied = self.applied_of_catalog();
        let lag = applied.saturating_sub(self.search.reflects().unwrap_or(0));
        vec![
            Measure::gauges("outbox_waiting_records", "Records that wait for their way to users' groups", waiting.collect()),
            Measure::gauges("outbox_age_seconds", "For how long the outbox has not been empty, on the group's leader", late.collect()),
            Measure::gauge("search_lag_entries", "Entries of the catalog that the search index does not reflect yet", lag as f64),
            Measure::gauge(
                "search_lag_seconds",
                "How long the search index has been behind the catalog",
                self.search.lag(applied).as_secs_f64(),
            ),
        ]
    }
}

fn of_groups(groups: &[GroupStatus]) -> Vec<Measure> {
    let label = |group: &GroupStatus| vec![("group", group.group.0.to_string())];
    let mut all = Vec::new();
    for (name, help, value) in GROUP_GAUGES {
        all.push(Measure::gauges(name, help, groups.iter().map(|group| Sample { labels: label(group), value: value(group) }).collect()));
    }
    for (name, help, value) in GROUP_COUNTERS {
        all.push(Measure::counters(name, help, groups.iter().map(|group| Sample { labels: label(group), value: value(group) }).collect()));
    }
    let lags = groups.iter().flat_map(|group| {
        group.follower_lag.iter().map(move |(node, lag)| {
            let labels = vec![("group", group.group.0.to_string()), ("node", node.0.to_string())];
            Sample { labels, value: *lag as f64 }
        })
    });
    all.push(Measure::gauges("group_follower_lag_entries", "Entries that a follower lacks, on the leader", lags.collect()));
    let together =
        |durations: fn(&GroupStatus) -> &Durations| groups.iter().fold(Durations::default(), |sum, group| sum.and(durations(group)));
    all.push(durations(
        "commit_seconds",
        "From a batch's start on the leader until it was committed and applied there",
        &together(|group| &group.batches),
    ));
    all.push(durations("apply_seconds", "How long an entry took to apply", &together(|group| &group.applies)));
    all
}

fn of_log(status: &NodeStatus) -> Vec<Measure> {
    let log = &status.log;
    let refused = [("handshake", status.refused.handshakes), ("identity", status.refused.identities)];
    let refused = refused.map(|(reason, value)| Sample { labels: vec![("reason", reason.to_owned())], value });
    vec![
        durations("log_fsync_seconds", "How long a sync of the log took", &log.fsync),
        Measure::counter("log_frames", "Frames written; one sync may cover several", log.frames),
        Measure::counter("log_entries", "Entries made durable", log.entries),
        Measure::counter("log_written_bytes", "Bytes written as frames", log.frame_bytes),
        Measure::gauge("log_queued_entries", "Operations that wait for the log's writer", log.queued as f64),
        Measure::gauge("log_queued_bytes", "Bytes that wait for the log's writer", log.queued_bytes as f64),
        Measure::gauge("log_size_bytes", "Bytes of the segments that hold the log", log.segment_bytes as f64),
        Measure::gauge("log_is_writable", "0 while the disk is too full for new entries", f64::from(u8::from(status.writable))),
        Measure::counters(
            "peer_refusals",
            "Connections and calls refused between nodes: no good handshake, not who they say",
            refused.into(),
        ),
        Measure::gauge("clock_offset_seconds", "This node's clock minus the cluster's time", status.clock_offset_us as f64 / 1e6),
        Measure::gauge("peers_reachable", "Other nodes that answered lately", status.reachable.len() as f64),
        Measure::gauge(
            "node_is_expelled",
            "1 when the cluster does not take this node any more",
            f64::from(u8::from(status.expelled.is_some())),
        ),
    ]
}

fn of_process() -> Vec<Measure> {
    let process = process();
    vec![
        Measure::gauge("process_cpu_seconds", "Processor time of the process, user and system", process.cpu_us as f64 / 1e6),
        Measure::gauge("process_resident_memory_bytes", "Memory of the process that is in RAM", process.resident_bytes as f64),
        Measure::gauge("process_open_fds", "Open files and sockets", process.open_files as f64),
    ]
}

fn durations(name: &'static str, help: &'static str, durations: &Durations) -> Measure {
    let steps = durations.steps.iter().map(|(upper_us, count)| (*upper_us as f64 / 1e6, *count)).collect();
    Measure { name, help, values: Values::Histogram { steps, sum_s: durations.sum_us as f64 / 1e6 } }
}
