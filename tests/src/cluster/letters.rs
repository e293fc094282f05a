//! Letters that the nodes of a cluster leave in its folder.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Cluster, READY_PATIENCE};

impl Cluster {
    /// The newest letter to an address, once it has one.
    ///
    /// # Errors
    /// When none comes for too long.
    pub async fn letter_to(&self, address: &str) -> anyhow::Result<String> {
        let since = Instant::now();
        let line = format!("To: {address}\r\n");
        loop {
            let mut names: Vec<PathBuf> =
                fs::read_dir(self.folder.join("mail")).into_iter().flatten().flatten().map(|file| file.path()).collect();
            names.retain(|name| name.extension().is_some_and(|kind| kind == "eml"));
            names.sort();
            let mut letters = names.iter().rev().filter_map(|name| fs::read_to_string(name).ok());
            if let Some(letter) = letters.find(|letter| letter.contains(&line)) {
                return Ok(letter);
            }
            ensure!(since.elapsed() < READY_PATIENCE, "no letter to {address}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
