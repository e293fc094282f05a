//! What there is at a target: manifests, and the rounds of a backup, each checked against what names it.

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_cluster_config::ids::ClusterId;
use boxoffice_ledger::ids::BackupId;
use bytes::Bytes;
use prost::Message;

use super::chain::About;
use super::format::{BaseNote, Entries, Head, Manifest, Round, VERSION, name};
use super::seal::ObjectReader;
use super::target::Target;

/// A backup at a target.
pub struct Stored {
    /// Its id.
    pub backup: BackupId,
    /// What there is.
    pub manifest: Manifest,
    /// How far it goes.
    pub head: Head,
}

/// What a damaged or unreadable backup is, for lists.
pub struct Listed {
    /// Its id.
    pub backup: BackupId,
    /// What it holds, or why it is none.
    pub stored: anyhow::Result<Stored>,
}

impl Stored {
    /// Opens a backup.
    ///
    /// # Errors
    /// When it is none, damaged, or of a later version.
    pub async fn open(target: &Target, backup: BackupId) -> anyhow::Result<Self> {
        let manifest: Manifest = read_one(target, &name::manifest(backup)).await?;
        let head: Head = read_one(target, &name::head(backup)).await?;
        ensure!(manifest.version <= VERSION && head.version <= VERSION, "{backup} was made by a later version: use that one");
        ensure!(manifest.backup == backup.to_string(), "the manifest of {backup} is that of {}", manifest.backup);
        let stored = Self { backup, manifest, head };
        let groups = stored.counts().all().map(|group| group.0);
        ensure!(groups.eq(stored.manifest.bases.iter().map(|base| base.group)), "the manifest of {backup} lacks a group");
        Ok(stored)
    }

    /// The newest one that is good for a stamp: one that begins before it. `None` = for the end of the newest.
    ///
    /// # Errors
    /// When there is none, or one that would do cannot be read: an older one is not used in silence.
    pub async fn newest(target: &Target, until_us: Option<u64>) -> anyhow::Result<Self> {
        for backup in target.backups().await?.into_iter().rev() {
            if !target.has(&name::manifest(backup)).await? {
                continue;
            }
            let stored = Self::open(target, backup).await.with_context(|| format!("read {backup}; name another one to use that"))?;
            if until_us.is_none_or(|until_us| stored.begins_us() <= until_us) {
                return Ok(stored);
            }
        }
        bail!("there is no backup at {} that begins early enough", target.says())
    }

    /// Whose it is.
    pub fn about(&self) -> About {
        let cluster = ClusterId(self.manifest.cluster.clone());
        About { cluster, incarnation: self.manifest.incarnation, counts: self.counts() }
    }

    /// Groups of each kind.
    pub fn counts(&self) -> GroupCounts {
        GroupCounts { events: self.manifest.event_groups, users: self.manifest.user_groups }
    }

    /// The earliest stamp that the cluster can be brought back to: the latest of its states.
    pub fn begins_us(&self) -> u64 {
        self.manifest.bases.iter().map(|base| base.at_us).max().unwrap_or_default()
    }

    /// The state that a group begins with; `None` = nothing.
    ///
    /// # Errors
    /// When it is not there, or not as it was written.
    pub async fn base(&self, target: &Target, base: &BaseNote) -> anyhow::Result<Option<Bytes>> {
        if base.index == 0 {
            return Ok(None);
        }
        let place = name::snapshot(self.backup, base.group);
        let bytes = target.get(&place).await?.with_context(|| format!("{place} is missing"))?;
        ensure!(blake3::hash(&bytes).as_bytes()[..] == base.hash, "{place} is damaged: it is not what was written");
        Ok(Some(bytes))
    }

    /// The rounds, from the first to the last.
    pub fn rounds(&self) -> Rounds<'_> {
        Rounds { stored: self, number: 0, previous: Vec::new() }
    }
}

/// See [`Stored::rounds`].
pub struct Rounds<'a> {
    stored: &'a Stored,
    number: u64,
    previous: Vec<u8>,
}

impl Rounds<'_> {
    /// The next round; `None` after the one that the head names.
    ///
    /// # Errors
    /// When it is not there, or not as it was written.
    pub async fn next(&mut self, target: &Target) -> anyhow::Result<Option<(Round, Vec<Entries>)>> {
        let Stored { backup, manifest, head } = self.stored;
        if self.number > head.round {
            return Ok(None);
        }
        let place = name::round(*backup, self.number);
        let bytes = target.get(&place).await?.with_context(|| format!("{place} is missing"))?;
        let hash = blake3::hash(&bytes).as_bytes().to_vec();
        let named = (self.number > 0 || hash == manifest.first_round) && (self.number < head.round || hash == head.hash);
        ensure!(named, "{place} is damaged: it is not what was written");
        let (round, entries) = read_round(target, *backup, self.number, &bytes)?;
        ensure!(round.previous == self.previous, "{place} does not follow the round before it: that one was changed");
        (self.previous, self.number) = (hash, self.number + 1);
        Ok(Some((round, entries)))
    }
}

/// Every backup at a target, the oldest first. What has no manifest is none.
///
/// # Errors
/// When they cannot be listed.
pub async fn list(target: &Target) -> anyhow::Result<Vec<Listed>> {
    let mut found = Vec::new();
    for backup in target.backups().await? {
        if target.has(&name::manifest(backup)).await? {
            found.push(Listed { backup, stored: Stored::open(target, backup).await });
        }
    }
    Ok(found)
}

/// Reads a round.
///
/// # Errors
/// When it is damaged.
pub fn read_round(target: &Target, backup: BackupId, number: u64, bytes: &[u8]) -> anyhow::Result<(Round, Vec<Entries>)> {
    let place = name::round(backup, number);
    let mut frames = ObjectReader::open(&place, bytes, target.key())?;
    let first = frames.next().with_context(|| format!("{place} is empty"))??;
    let round = Round::decode(first.as_slice()).with_context(|| format!("{place} is damaged"))?;
    ensure!(round.number == number, "{place} is round {}", round.number);
    let read = |frame: std::io::Result<Vec<u8>>| Entries::decode(Bytes::from(frame?)).with_context(|| format!("{place} is damaged"));
    Ok((round, frames.map(read).collect::<anyhow::Result<_>>()?))
}

async fn read_one<M: Message + Default>(target: &Target, place: &str) -> anyhow::Result<M> {
    let bytes = target.get(place).await?.with_context(|| format!("{place} is missing"))?;
    let mut frames = ObjectReader::open(place, &bytes, target.key())?;
    let frame = frames.next().with_context(|| format!("{place} is empty"))??;
    ensure!(frames.next().is_none(), "{place} is damaged: something follows its end");
    M::decode(frame.as_slice()).with_context(|| format!("{place} is damaged"))
}
