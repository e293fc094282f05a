//! Nodes that join, are drained, die and are replaced, by the commands that an operator uses.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Nemesis;

/// How long a node may take until it is where it should be, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

impl Nemesis<'_> {
    pub(super) async fn grow_and_shrink(&mut self, victim: u64) -> anyhow::Result<(bool, String)> {
        let joined = self.join().await?;
        self.rest().await;
        self.cluster.drain(victim).await.context("drain")?;
        self.until(victim, "drained", |member| member["votes"] == 0 && member["leads"] == 0).await?;
        self.cluster.remove(victim).await.context("remove")?;
        Ok((true, format!("node {joined} joined; node {victim} was drained and removed")))
    }

    pub(super) async fn replace_killed(&mut self, victim: u64) -> anyhow::Result<(bool, String)> {
        self.cluster.kill(victim);
        let is_real = !self.cluster.is_running(victim);
        self.rest().await;
        self.cluster.remove(victim).await.context("remove")?;
        let joined = self.join().await?;
        Ok((is_real, format!("node {victim} was killed; node {joined} took its place")))
    }

    pub(super) async fn replace_wiped(&mut self, victim: u64) -> anyhow::Result<(bool, String)> {
        self.cluster.kill(victim);
        std::fs::remove_dir_all(self.cluster.data(victim))?;
        self.cluster.spawn(victim)?;
        let kept_out = self.kept_out(victim).await;
        ensure!(kept_out, "node {victim} came back under its old number, without its data");
        self.cluster.kill(victim);
        self.cluster.remove(victim).await.context("remove")?;
        let joined = self.join().await?;
        Ok((kept_out, format!("node {victim} lost its data and was refused; node {joined} took its place")))
    }

    /// One more node, with a voice.
    async fn join(&self) -> anyhow::Result<u64> {
        let joined = self.cluster.join().await.context("join")?;
        self.until(joined, "active", |member| member["state"] == "active" && member["votes"].as_u64() > Some(0)).await?;
        Ok(joined)
    }

    /// Waits until a node is listed as it should be.
    async fn until(&self, node: u64, what: &str, is_so: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let since = tokio::time::Instant::now();
        loop {
            let mut last = Value::Null;
            for via in self.cluster.nodes() {
                let Some(list) = self.cluster.operators_view(via, "/cluster/member").await else { continue };
                let of_node = |member: &&Value| member["node"] == node;
                last = list["data"].as_array().into_iter().flatten().find(of_node).cloned().unwrap_or_default();
                if is_so(&last) {
                    return Ok(());
                }
            }
            ensure!(since.elapsed() < PATIENCE, "node {node} is not {what}: {last}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
