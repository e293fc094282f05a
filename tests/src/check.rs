//! Comparisons over the whole cluster: replicas at the same index, and acknowledged sales against tickets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use boxoffice::bench::load::{Buyer, Tally};
use boxoffice_ledger::command::Role;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::http::Client;
use crate::shop;

/// How long replicas may take to catch up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A digest compared on all nodes.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Which group.
    pub group: u32,
    /// At which index.
    pub index: u64,
    /// The digest that all replicas have there.
    pub digest: String,
}

/// Compares every group's digest on all nodes at one index each: the newest that all of them have, and not older than what
/// any node had applied when this was called.
///
/// # Errors
/// A line for each group whose replicas differ or do not meet at an index in time.
pub async fn replicas_agree(cluster: &Cluster) -> Result<Vec<Agreement>, Vec<String>> {
    replicas_of(cluster, 1..=cluster.size()).await
}

/// The same for some of the nodes.
///
/// # Errors
/// As [`replicas_agree`].
pub async fn replicas_of(cluster: &Cluster, nodes: impl IntoIterator<Item = u64>) -> Result<Vec<Agreement>, Vec<String>> {
    let nodes: Vec<Client> = nodes.into_iter().map(|node| cluster.client(node, Role::Operator)).collect();
    let mut agreements = Vec::new();
    let mut complaints = Vec::new();
    for group in cluster.groups().all() {
        match group_agrees(&nodes, group.0).await {
            Ok(agreement) => agreements.push(agreement),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if complaints.is_empty() { Ok(agreements) } else { Err(complaints) }
}

async fn group_agrees(nodes: &[Client], group: u32) -> Result<Agreement, String> {
    let since = Instant::now();
    let mut floor = 0;
    for node in nodes {
        if let Some((index, _)) = digest(node, group, None).await {
            floor = floor.max(index);
        }
    }
    let mut seen = Vec::new();
    while since.elapsed() < PATIENCE {
        let mut newest = Vec::new();
        for node in nodes {
            newest.push(digest(node, group, None).await.map_or(0, |(index, _)| index));
        }
        let index = newest.iter().copied().min().unwrap_or(0);
        seen.clear();
        for node in nodes {
            seen.push(digest(node, group, Some(index)).await);
        }
        let found: Vec<_> = seen.iter().flatten().collect();
        if found.windows(2).any(|pair| pair[0] != pair[1]) {
            return Err(format!("group {group} differs at index {index}: {seen:?}"));
        }
        if index >= floor && found.len() == nodes.len() {
            return Ok(Agreement { group, index, digest: found[0].1.clone() });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("group {group}: the replicas do not meet at index {floor} or later; last seen {seen:?}"))
}

/// The digest of a node's replica at an index (the newest if none is given), or `None` if the node cannot tell.
async fn digest(node: &Client, group: u32, index: Option<u64>) -> Option<(u64, String)> {
    let path = match index {
        Some(index) => format!("/digest/{group}?index={index}"),
        None => format!("/digest/{group}"),
    };
    let reply = node.try_get(&path).await.ok().filter(|reply| reply.status == 200)?;
    Some((reply.body["index"].as_u64()?, reply.body["digest"].as_str()?.to_owned()))
}

/// Checks that every acknowledged sale of an event is a ticket of its buyer on some node, exactly once, and that nobody has
/// a ticket for a seat that was not sold to them.
///
/// # Errors
/// A line for each violation, at most a few dozen.
pub async fn sales_are_tickets(cluster: &Cluster, event: &str, buyers: &[Buyer], tally: &Tally) -> Result<usize, Vec<String>> {
    let nodes: Vec<u64> = (1..=cluster.size()).collect();
    sales_are_tickets_on(cluster, &nodes, event, buyers, tally).await
}

/// The same, asking these nodes.
///
/// # Errors
/// As [`sales_are_tickets`].
pub async fn sales_are_tickets_on(
    cluster: &Cluster,
    nodes: &[u64],
    event: &str,
    buyers: &[Buyer],
    tally: &Tally,
) -> Result<usize, Vec<String>> {
    let mut expected: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for sale in &tally.sales {
        expected.entry(sale.buyer).or_default().push(sale.seat);
    }
    let mut owners: BTreeMap<u64, u32> = BTreeMap::new();
    let mut complaints = Vec::new();
    let mut count = 0;
    for (number, buyer) in buyers.iter().enumerate() {
        let node = nodes[number % nodes.len()];
        let client = Client::at(&cluster.url(node)).with_token(&buyer.token);
        let wanted = expected.remove(&(number as u32)).unwrap_or_default();
        let shown = tickets_of(&client, event, &wanted).await;
        count += shown.len();
        for &seat in &wanted {
            if !shown.contains(&u64::from(seat)) {
                complaints.push(format!("buyer {number} was told that seat {seat} is theirs, and has no ticket for it"));
            }
        }
        for seat in shown {
            if let Some(other) = owners.insert(seat, number as u32) {
                complaints.push(format!("seat {seat} has two tickets: of buyers {other} and {number}"));
            }
        }
    }
    complaints.truncate(30);
    if complaints.is_empty() { Ok(count) } else { Err(complaints) }
}

/// The seats that a buyer has tickets for; waits a while for those that are wanted.
async fn tickets_of(client: &Client, event: &str, wanted: &[u32]) -> Vec<u64> {
    let since = Instant::now();
    loop {
        let (tickets, _) = shop::tickets(client).await;
        let valid = tickets.iter().filter(|ticket| ticket["state"] == "issued" && ticket["event"] == event);
        let seats: Vec<u64> = valid.filter_map(|ticket| ticket["seat"]["index"].as_u64()).collect();
        let missing = wanted.iter().any(|&seat| !seats.contains(&u64::from(seat)));
        if !missing || since.elapsed() > PATIENCE {
            return seats;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The applied index of each group on a node, by its `/status`.
pub async fn applied(client: &Client) -> BTreeMap<u64, u64> {
    let status: Value = client.get("/status").await.expect(200);
    let groups = status["groups"].as_array().expect("a list of groups");
    groups.iter().map(|line| (line["group"].as_u64().expect("a number"), line["applied"].as_u64().expect("an index"))).collect()
}
