//! Bytes on disks that are others than were written: on one node, and at different places on every node.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{Fault, Nemesis};
use crate::logs;

/// How long a node with damaged data may take to say that it does not start.
const REFUSE_PATIENCE: Duration = Duration::from_secs(20);
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// A log's end may always be torn: nobody can tell what stood there. Sectors are damaged so far before it.
const END: usize = 8 * 1024;
/// Frames that are damaged on each node when all are.
const FRAMES: usize = 20;

impl Nemesis<'_> {
    /// Damages a file of a node that does not run, and starts it.
    pub(super) async fn damage(&mut self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        self.cluster.kill(victim);
        let folder = self.cluster.data(victim).join(if fault == Fault::FlipSnapshot { "snapshots" } else { "log" });
        let damaged = self.damage_in(fault, &folder)?;
        self.rest().await;
        self.cluster.spawn(victim)?;
        let Some(what) = damaged else { return Ok((false, format!("node {victim}: there is not enough in {}", folder.display()))) };
        let refused = self.refuses(victim).await;
        if refused {
            self.lost.push(victim);
        }
        Ok((true, format!("node {victim}: {what}; it {}", if refused { "says so and stays away" } else { "goes on" })))
    }

    /// Damages one file; says where. `None` when there is none that is long enough.
    fn damage_in(&mut self, fault: Fault, folder: &Path) -> anyhow::Result<Option<String>> {
        let is_of_sectors = matches!(fault, Fault::TearLog | Fault::StaleLog);
        let least = if is_of_sectors { END + 2 * SECTOR } else { 0 };
        let mut files = used_files(folder)?;
        files.retain(|(_, used)| *used > least);
        if files.is_empty() {
            return Ok(None);
        }
        let (path, used) = self.draw.one(&files).clone();
        let bytes = fs::read(&path)?;
        let (at, new, what) = if is_of_sectors {
            let sector = 1 + self.draw.below(((used - END) / SECTOR - 1) as u64) as usize;
            let at = sector * SECTOR;
            let older = &bytes[at - SECTOR..at];
            let new = if fault == Fault::TearLog { vec![0; SECTOR] } else { older.to_vec() };
            (at, new, if fault == Fault::TearLog { "a sector of zeros" } else { "the sector before once more" }.to_owned())
        } else {
            let (at, bit) = (self.draw.below(used as u64) as usize, self.draw.below(8));
            (at, vec![bytes[at] ^ 1 << bit], format!("bit {bit} flipped"))
        };
        let changed = bytes[at..at + new.len()] != new[..];
        let mut file = File::options().write(true).open(&path)?;
        file.seek(SeekFrom::Start(at as u64))?;
        file.write_all(&new)?;
        file.sync_all()?;
        Ok(changed.then(|| format!("{what} at byte {at} of {}", path.display())))
    }

    /// Whether a node ends by itself soon after its start.
    async fn refuses(&self, node: u64) -> bool {
        let since = tokio::time::Instant::now();
        while since.elapsed() < REFUSE_PATIENCE && self.cluster.operators_view(node, "/readyz").await.is_none() {
            if !self.cluster.is_running(node) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// Damages the logs of all nodes, each at entries of its own, and does what the manual says: what they have together becomes a backup,
    /// and a new cluster begins with that.
    pub(super) async fn damage_all(&mut self) -> anyhow::Result<(bool, String)> {
        let nodes = self.living();
        nodes.iter().for_each(|node| self.cluster.kill(*node));
        let folders: Vec<PathBuf> = nodes.iter().map(|node| self.cluster.data(*node).join("log")).collect();
        let damaged = logs::flip_apart(&folders, FRAMES, &mut self.draw)?;
        self.rest().await;
        let mut refused = 0;
        for node in &nodes {
            self.cluster.spawn(*node)?;
        }
        for node in &nodes {
            refused += usize::from(self.refuses(*node).await);
            self.cluster.kill(*node);
        }
        let number = self.cluster.next_rescue();
        self.cluster.rescue(&nodes, &format!("rescue-{number}")).context("rescue")?;
        for node in &nodes {
            self.cluster.spawn(*node)?;
        }
        for node in &nodes {
            self.wait_for(*node).await?;
        }
        let is_real = damaged.iter().all(|count| *count > 0) && refused == nodes.len();
        Ok((is_real, format!("frames damaged on each node: {damaged:?}; {refused} refused to start; rescued from all of them together")))
    }
}

/// Files with something in them, and how many bytes of each are in use: segments of the log are filled with zeros to their end.
fn used_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, usize)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        let bytes = fs::read(&path).unwrap_or_default();
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            files.push((path, last + 1));
        }
    }
    files.sort();
    Ok(files)
}
