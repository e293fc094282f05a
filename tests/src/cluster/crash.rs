//! Nodes that die at a crash point.

use std::fs;

use anyhow::ensure;

use super::Cluster;

impl Cluster {
    /// Makes a running node die at this crash point, the next time that it passes it. Started again, it does not any more.
    ///
    /// # Errors
    /// When the point cannot be written down.
    pub fn arm(&self, node: u64, point: &str) -> anyhow::Result<()> {
        ensure!(self.options.can_be_armed, "this cluster cannot be armed");
        Ok(fs::write(self.node(node).folder.join("crash"), point)?)
    }

    /// Takes an armed point back; whether the node had not passed it yet.
    pub fn disarm(&self, node: u64) -> bool {
        fs::remove_file(self.node(node).folder.join("crash")).is_ok()
    }
}
