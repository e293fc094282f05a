//! All replicas are the same: digests of every group at one index, on every node that is a member; and no node has panicked.

use std::time::{Duration, Instant};

use super::{Anomaly, Verdict};
use crate::cluster::Cluster;

/// How long replicas may take to meet at an index.
const PATIENCE: Duration = Duration::from_secs(60);

/// Compares the replicas of these nodes, and reads the logs of all.
pub async fn check(cluster: &Cluster, nodes: &[u64]) -> Verdict {
    let mut verdict = Verdict::default();
    let status = cluster.operators_view(nodes[0], "/status").await.unwrap_or_default();
    let groups: Vec<u64> = status["groups"].as_array().into_iter().flatten().filter_map(|line| line["group"].as_u64()).collect();
    if groups.is_empty() {
        verdict.unknown.push(format!("node {} does not tell its groups", nodes[0]));
    }
    for group in groups {
        match agree(cluster, nodes, group).await {
            Ok(()) => verdict.count("groups with equal replicas", 1),
            Err(Some(differ)) => verdict.anomalies.push(Anomaly::new("replicas_differ", differ, Vec::new())),
            Err(None) => verdict.unknown.push(format!("the replicas of group {group} did not meet at one index")),
        }
    }
    for node in cluster.nodes() {
        if let Some(line) = cluster.log(node).lines().find(|line| line.contains("panicked at")) {
            verdict.anomalies.push(Anomaly::new("panic", format!("node {node}: {line}"), Vec::new()));
        }
    }
    verdict
}

/// # Errors
/// How they differ; `None` when they could not be compared.
async fn agree(cluster: &Cluster, nodes: &[u64], group: u64) -> Result<(), Option<String>> {
    let digest = async |node: u64, query: &str| {
        let view = cluster.operators_view(node, &format!("/digest/{group}{query}")).await?;
        Some((view["index"].as_u64()?, view["digest"].as_str()?.to_owned()))
    };
    let since = Instant::now();
    let mut floor = 0;
    for node in nodes {
        floor = floor.max(digest(*node, "").await.map_or(0, |(index, _)| index));
    }
    while since.elapsed() < PATIENCE {
        let mut newest = Vec::new();
        for node in nodes {
            newest.push(digest(*node, "").await.map_or(0, |(index, _)| index));
        }
        let index = newest.iter().copied().min().unwrap_or(0);
        let mut seen = Vec::new();
        for node in nodes {
            seen.extend(digest(*node, &format!("?index={index}")).await);
        }
        if seen.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(Some(format!("group {group} at index {index}: {seen:?}")));
        }
        if index >= floor && seen.len() == nodes.len() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(None)
}
