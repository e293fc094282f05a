//! One frame: what two samples of every node come to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sample::Sample;
use crate::cli::output::table;

/// A frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    cluster: String,
    nodes: Vec<NodeLine>,
    groups: Vec<GroupLine>,
    commits_per_s: f64,
    commands_per_s: f64,
    commit_p99_ms: Option<f64>,
    write_p99_ms: Option<f64>,
    holds_per_s: f64,
    sold_per_s: f64,
    tickets_sold: u64,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
struct NodeLine {
    node: u64,
    leads: usize,
    cpu_percent: f64,
    memory_mib: u64,
    requests_per_s: f64,
    sockets: u64,
    search_lag: u64,
    queue: u64,
    is_writable: bool,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
struct GroupLine {
    group: u32,
    kind: String,
    leader: Option<u64>,
    term: u64,
    applied: u64,
    commits_per_s: f64,
    waiting: u64,
    lag: u64,
    outbox: u64,
}

impl Frame {
    /// What happened between two looks at the nodes.
    pub fn between(before: &[Sample], now: &[Sample]) -> Self {
        let pairs: Vec<(&Sample, &Sample)> =
            now.iter().filter_map(|new| Some((before.iter().find(|old| old.node.node == new.node.node)?, new))).collect();
        let rate = |name: &str| pairs.iter().map(|(old, new)| per_s(old, new, name)).sum::<f64>();
        // Every replica counts what it applies: the cluster's number is that of the node that is furthest.
        let seen = |name: &str| pairs.iter().map(|(old, new)| per_s(old, new, name)).fold(0.0, f64::max);
        let writes: Vec<(f64, f64)> = moved(&pairs, "http_write_seconds");
        Self {
            cluster: now.first().map_or_else(String::new, |first| first.node.cluster.clone()),
            nodes: now
                .iter()
                .map(|new| node_line(pairs.iter().find(|pair| pair.1.node.node == new.node.node).map(|pair| pair.0), new))
                .collect(),
            groups: group_lines(&pairs, now),
            commits_per_s: rate("group_batches_total"),
            commands_per_s: rate("group_batched_commands_total"),
            commit_p99_ms: p99_ms(&moved(&pairs, "commit_seconds")),
            write_p99_ms: p99_ms(&writes),
            holds_per_s: seen("holds_total{state=\"active\"}"),
            sold_per_s: seen("tickets_sold_total"),
            tickets_sold: now.iter().map(|new| new.sum("tickets_sold_total") as u64).max().unwrap_or(0),
        }
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let nodes = self.nodes.iter().map(|line| {
            json!({
                "node": line.node, "leads": line.leads, "cpu_percent": round(line.cpu_percent), "memory_mib": line.memory_mib,
                "requests_per_s": round(line.requests_per_s), "live_sockets": line.sockets, "search_lag": line.search_lag,
                "queue": line.queue, "writable": line.is_writable,
            })
        });
        let groups = self.groups.iter().map(|line| {
            json!({
                "group": line.group, "kind": line.kind, "leader": line.leader, "term": line.term, "applied": line.applied,
                "commits_per_s": round(line.commits_per_s), "waiting": line.waiting, "lag": line.lag, "outbox": line.outbox,
            })
        });
        json!({
            "object": "top",
            "cluster": self.cluster,
            "commits_per_s": round(self.commits_per_s),
            "commands_per_s": round(self.commands_per_s),
            "commit_p99_ms": self.commit_p99_ms.map(round),
            "write_p99_ms": self.write_p99_ms.map(round),
            "holds_per_s": round(self.holds_per_s),
            "sold_per_s": round(self.sold_per_s),
            "tickets_sold": self.tickets_sold,
            "nodes": nodes.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
        })
    }

    /// As lines for people; only the groups that `filter` picks.
    pub fn lines(&self, filter: &str) -> Vec<String> {
        let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
        let led = self.groups.iter().filter(|group| group.leader.is_some()).count();
        let mut lines = vec![
            format!("cluster {}   {} nodes   {led} of {} groups have a leader", self.cluster, self.nodes.len(), self.groups.len()),
            format!(
                "commits/s {:.0}   commands/s {:.0}   commit p99 {}   write p99 {}   holds/s {:.0}   sold/s {:.0}   sold {} since start",
                self.commits_per_s,
                self.commands_per_s,
                ms(self.commit_p99_ms),
                ms(self.write_p99_ms),
                self.holds_per_s,
                self.sold_per_s,
                self.tickets_sold
            ),
            String::new(),
        ];
        let nodes = self.nodes.iter().map(NodeLine::cells).collect::<Vec<_>>();
        lines.extend(
            table(&["node", "leads", "cpu %", "MiB", "req/s", "sockets", "queue", "search lag", "disk"], &nodes).lines().map(str::to_owned),
        );
        lines.push(String::new());
        let groups = self.groups.iter().filter(|group| group.is_picked(filter)).map(GroupLine::cells).collect::<Vec<_>>();
        let head = ["group", "kind", "leader", "term", "applied", "commits/s", "waiting", "lag", "outbox"];
        lines.extend(table(&head, &groups).lines().map(str::to_owned));
        lines
    }
}

impl NodeLine {
    fn cells(&self) -> Vec<String> {
        let numbers = [
            self.leads.to_string(),
            format!("{:.0}", self.cpu_percent),
            self.memory_mib.to_string(),
            format!("{:.0}", self.requests_per_s),
        ];
        let more = [self.sockets.to_string(), self.queue.to_string(), self.search_lag.to_string()];
        let disk = if self.is_writable { "ok" } else { "FULL" };
        std::iter::once(self.node.to_string()).chain(numbers).chain(more).chain([disk.to_owned()]).collect()
    }
}

impl GroupLine {
    fn cells(&self) -> Vec<String> {
        let leader = self.leader.map_or_else(|| "NONE".to_owned(), |leader| leader.to_string());
        let numbers = [self.waiting, self.lag, self.outbox].map(|number| number.to_string());
        let first = [self.group.to_string(), self.kind.clone(), leader, self.term.to_string(), self.applied.to_string()];
        first.into_iter().chain([format!("{:.0}", self.commits_per_s)]).chain(numbers).collect()
    }

    fn is_picked(&self, filter: &str) -> bool {
        let leader = self.leader.map_or_else(|| "none".to_owned(), |leader| format!("n{leader}"));
        filter.is_empty() || self.kind.contains(filter) || leader == filter || self.group.to_string() == filter
    }
}

fn node_line(old: Option<&Sample>, new: &Sample) -> NodeLine {
    let rate = |name: &str| old.map_or(0.0, |old| per_s(old, new, name));
    NodeLine {
        node: new.node.node,
        leads: new.node.groups.iter().filter(|group| group.role == "leader").count(),
        cpu_percent: rate("process_cpu_seconds") * 100.0,
        memory_mib: new.node.memory_bytes >> 20,
        requests_per_s: rate("http_answers_total"),
        sockets: new.sum("live_sockets") as u64,
        search_lag: new.sum("search_lag_entries") as u64,
        queue: new.sum("log_queued_entries") as u64,
        is_writable: new.value("log_is_writable") != Some(0.0),
    }
}

fn group_lines(pairs: &[(&Sample, &Sample)], now: &[Sample]) -> Vec<GroupLine> {
    let mut groups: BTreeMap<u32, GroupLine> = BTreeMap::new();
    for new in now {
        for known in &new.node.groups {
            let line = groups.entry(known.group).or_default();
            (line.group, line.kind) = (known.group, known.kind.clone());
            line.applied = line.applied.max(known.applied);
            let of = |name: &str| new.value(&format!("{name}{{group=\"{}\"}}", known.group)).unwrap_or(0.0) as u64;
            line.waiting += of("group_waiting_commands");
            line.outbox = line.outbox.max(of("outbox_waiting_records"));
            if known.role == "leader" && known.term >= line.term {
                line.leader = Some(new.node.node);
            } else if known.term > line.term {
                line.leader = known.leader;
            }
            line.term = line.term.max(known.term);
        }
    }
    for line in groups.values_mut() {
        let name = format!("group_batches_total{{group=\"{}\"}}", line.group);
        line.commits_per_s = pairs.iter().map(|(old, new)| per_s(old, new, &name)).sum();
        // An entry that the leader has and a node has not applied.
        let applied = now.iter().flat_map(|new| new.node.groups.iter().filter(|known| known.group == line.group));
        line.lag = line.applied - applied.map(|known| known.applied).min().unwrap_or(line.applied);
    }
    groups.into_values().collect()
}

fn per_s(old: &Sample, new: &Sample, name: &str) -> f64 {
    let seconds = new.at.saturating_duration_since(old.at).as_secs_f64();
    let value = |sample: &Sample| if name.contains('{') { sample.value(name).unwrap_or(0.0) } else { sample.sum(name) };
    // A node that was started anew counts from zero again.
    if seconds > 0.0 { (value(new) - value(old)).max(0.0) / seconds } else { 0.0 }
}

/// The steps of a histogram with what came to them between the looks, over all nodes.
fn moved(pairs: &[(&Sample, &Sample)], name: &str) -> Vec<(f64, f64)> {
    let mut sums: Vec<(f64, f64)> = Vec::new();
    let mut add = |steps: Vec<(f64, f64)>, sign: f64| {
        let mut before = 0.0;
        for (bound, upto) in steps {
            let count = (upto - before) * sign;
            before = upto;
            match sums.iter_mut().find(|step| step.0 == bound) {
                Some(step) => step.1 += count,
                None => sums.push((bound, count)),
            }
        }
    };
    for (old, new) in pairs {
        add(new.steps(name), 1.0);
        add(old.steps(name), -1.0);
    }
    sums.sort_by(|left, right| left.0.total_cmp(&right.0));
    sums
}

/// The upper bound of the step that 99 of 100 stay below.
fn p99_ms(steps: &[(f64, f64)]) -> Option<f64> {
    let total: f64 = steps.iter().map(|step| step.1.max(0.0)).sum();
    if total <= 0.0 {
        return None;
    }
    let mut sum = 0.0;
    let step = steps.iter().find(|step| {
        sum += step.1.max(0.0);
        sum >= total * 0.99
    });
    step.map(|step| step.0 * 1000.0).filter(|ms| ms.is_finite())
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::sample;
    use super::*;
    use std::time::Duration;

    fn groups(role: &str, applied: u64) -> Value {
        json!([{"group": 1, "kind": "events", "role": role, "leader": 2, "term": 3, "applied": applied, "last": applied}])
    }

    fn pair() -> [Vec<Sample>; 2] {
        let old = "boxoffice_group_batches_total{group=\"1\"} 10\nboxoffice_tickets_sold_total 100\n\
                   boxoffice_commit_seconds_bucket{le=\"0.01\"} 5\n";
        let new = "boxoffice_group_batches_total{group=\"1\"} 30\nboxoffice_tickets_sold_total 140\n\
                   boxoffice_commit_seconds_bucket{le=\"0.01\"} 5\n\
                   boxoffice_commit_seconds_bucket{le=\"0.02\"} 25\nboxoffice_group_waiting_commands{group=\"1\"} 4\n";
        let mut before = vec![sample(1, groups("follower", 8), ""), sample(2, groups("leader", 9), old)];
        let now = vec![sample(1, groups("follower", 17), ""), sample(2, groups("leader", 20), new)];
        before.iter_mut().zip(&now).for_each(|(old, new)| old.at = new.at - Duration::from_secs(2));
        [before, now]
    }

    #[test]
    fn rates_are_what_moved_between_two_looks() {
        let [before, now] = pair();
        let frame = Frame::between(&before, &now).json();
        assert_eq!((&frame["commits_per_s"], &frame["sold_per_s"], &frame["commit_p99_ms"]), (&json!(10.0), &json!(20.0), &json!(20.0)));
        let group = &frame["groups"][0];
        assert_eq!((&group["leader"], &group["lag"], &group["waiting"], &group["applied"]), (&json!(2), &json!(3), &json!(4), &json!(20)));
        assert_eq!(frame["nodes"][1]["leads"], 1);
    }

    #[test]
    fn a_filter_picks_groups() {
        let [before, now] = pair();
        let frame = Frame::between(&before, &now);
        let shown = |filter: &str| frame.lines(filter).iter().any(|line| line.contains("events"));
        assert!(shown("") && shown("ev") && shown("n2") && shown("1") && !shown("users") && !shown("n1"));
    }
}
