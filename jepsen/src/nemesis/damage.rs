//! Bytes on disks that are others than were written: on one node, and at different places on every node.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{Fault, Nemesis};

/// How long a node with damaged data may take to say that it does not start.
const REFUSE_PATIENCE: Duration = Duration::from_secs(20);
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// A log's end may always be torn: nobody can tell what stood there. Sectors are damaged so far before it.
const END: usize = 8 * 1024;
/// Entries that are damaged on each node when all are.
const ENTRIES: usize = 20;

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
        let mut damaged = Vec::new();
        for (place, node) in nodes.iter().enumerate() {
            damaged.push(self.flip_entries(&self.cluster.data(*node).join("log"), (place as u64, nodes.len() as u64))?);
        }
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
        Ok((is_real, format!("entries damaged on each node: {damaged:?}; {refused} refused to start; rescued from all of them together")))
    }

    /// Flips a bit in some entries of a log; only in those whose index is at this place of so many, so that they are whole elsewhere.
    fn flip_entries(&mut self, folder: &Path, (place, of): (u64, u64)) -> anyhow::Result<usize> {
        let mut found = Vec::new();
        for (path, used) in used_files(folder)? {
            let bytes = fs::read(&path)?;
            let ends = lonely_entries(&bytes[..used]).into_iter().filter(|(index, _)| index % of == place);
            found.extend(ends.map(|(_, at)| (path.clone(), at)));
        }
        self.draw.shuffle(&mut found);
        let chosen: BTreeSet<(PathBuf, usize)> = found.into_iter().take(ENTRIES).collect();
        for (path, at) in &chosen {
            let mut bytes = fs::read(path)?;
            bytes[*at] ^= 1 << self.draw.below(8);
            let file = File::options().write(true).open(path)?;
            std::os::unix::fs::FileExt::write_all_at(&file, &bytes[*at..=*at], *at as u64)?;
            file.sync_all()?;
        }
        Ok(chosen.len())
    }
}

/// Entries that stand alone in their frames: the index of each, and where its last byte is. As `raft/src/log/format.rs` describes the
/// log: frames begin at multiples of 64 bytes with `BXL1` and the length of their body.
fn lonely_entries(bytes: &[u8]) -> Vec<(u64, usize)> {
    let number = |at: usize, wide: usize| bytes[at..at + wide].iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    let mut found = Vec::new();
    for at in (0..bytes.len().saturating_sub(73)).step_by(64).filter(|at| bytes[*at..].starts_with(b"BXL1")) {
        let (body, frame, record) = (number(at + 4, 4), number(at + 24, 4), number(at + 36, 1));
        let (index, count, entries) = (number(at + 57, 8), number(at + 65, 4), number(at + 69, 4));
        let last = at + 35 + body as usize;
        if (frame, record, count) == (2, 1, 1) && body == 37 + entries && last < bytes.len() {
            found.push((index, last));
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_stand_alone_are_found_in_the_bytes_of_a_log() {
        let frame = |kind: u32, body: Vec<u8>| {
            let head = [b"BXL1".as_slice(), &(body.len() as u32).to_le_bytes(), &[0; 16], &kind.to_le_bytes(), &[0; 8]].concat();
            let mut bytes = [head, body].concat();
            bytes.resize(bytes.len().next_multiple_of(64), 0);
            bytes
        };
        let entry = |index: u64, count: u32, payload: &[u8]| {
            let size = payload.len() as u32 + 8;
            let head = [&[1, 3, 0, 0, 0], [0; 16].as_slice(), &index.to_le_bytes(), &count.to_le_bytes(), &size.to_le_bytes()].concat();
            [head, vec![0; 8], payload.to_vec()].concat()
        };
        let two = [entry(5, 1, b"one"), entry(6, 1, b"two")].concat();
        let log = [frame(1, vec![8; 100]), frame(2, entry(4, 1, b"alone")), frame(2, two), frame(2, entry(7, 2, b"several")), vec![0; 256]];
        let log = log.concat();
        let found = lonely_entries(&log);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, log[found[0].1]), (4, b'e'));
    }
}
