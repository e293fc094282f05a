//! Making a backup, and adding to it what happened since.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_cluster_config::ids::{ClusterId, GroupId};
use boxoffice_ledger::ids::BackupId;
use boxoffice_raft::history::{Base, History};
use prost::Message;

use super::format::{BaseNote, End, Entries, Head, Logged, Manifest, Part, Round, VERSION, name};
use super::reading::{Stored, read_round};
use super::seal::{self, Sealed};
use super::standing::{Running, Standing};
use super::target::{Pace, Target, aside};

/// Bytes of entries in one round, and in one frame of it.
const ROUND_BYTES: usize = 16 * 1024 * 1024;
const FRAME_BYTES: usize = 1024 * 1024;

/// Whose backup it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The cluster's name.
    pub cluster: ClusterId,
    /// Which life of it.
    pub incarnation: u64,
    /// Its groups.
    pub counts: GroupCounts,
}

/// The past of a group up to an entry that is applied.
pub struct Reach {
    /// The past.
    pub history: History,
    /// The entry.
    pub end: u64,
    /// The digest of the state after it, if it is remembered.
    pub digest: Option<u128>,
}

/// The past of all groups: everything that was stamped up to `until_us`, and perhaps a little more.
pub struct Cut {
    /// In microseconds since the Unix epoch.
    pub until_us: u64,
    /// The groups.
    pub groups: BTreeMap<GroupId, Reach>,
}

/// A backup that is added to.
pub struct Chain {
    /// Its id.
    pub backup: BackupId,
    head: Head,
    /// The first entry of each group that is not there yet.
    next: BTreeMap<GroupId, u64>,
    /// How fast entries are read, and how fast they are compressed.
    mib_per_second: u32,
}

/// How the states are read.
#[derive(Clone)]
pub struct Reading {
    /// Told how far it is.
    pub standing: Arc<Standing>,
    /// MiB a second, of states and of entries.
    pub mib_per_second: u32,
}

/// A full backup: the newest snapshots that there are and the log up to the cut. It counts when this returns.
///
/// # Errors
/// When something cannot be read or written: then there is no such backup.
pub async fn make(target: &Target, about: &About, backup: BackupId, cut: &Cut, reading: &Reading) -> anyhow::Result<Chain> {
    let groups = cut.groups.len() as u32;
    reading.standing.change(|now| now.running = Some(Running { backup, groups_done: 0, groups, bytes: 0 }));
    let (mut bases, mut next) = (Vec::new(), BTreeMap::new());
    for (group, reach) in &cut.groups {
        let base = reach.history.base();
        next.insert(*group, base.as_ref().map_or(0, |base| base.last.index) + 1);
        bases.push(match base {
            Some(base) => {
                ensure!(base.incarnation == about.incarnation, "group {group} is of another life of the cluster");
                put_base(target, backup, *group, base, reading).await?
            }
            None => BaseNote { group: group.0, ..BaseNote::default() },
        });
        reading.standing.change(|now| now.running.iter_mut().for_each(|running| running.groups_done += 1));
    }
    let head = Head { version: VERSION, bytes: bases.iter().map(|base| base.bytes).sum(), ..Head::default() };
    let mut chain = Chain { backup, head, next, mib_per_second: reading.mib_per_second };
    let first = chain.add_round(target, cut, 0).await?;
    let manifest = Manifest {
        version: VERSION,
        backup: backup.to_string(),
        cluster: about.cluster.0.clone(),
        incarnation: about.incarnation,
        event_groups: about.counts.events,
        user_groups: about.counts.users,
        began_us: backup.made_at_ms() * 1000,
        program: env!("CARGO_PKG_VERSION").into(),
        bases,
        first_round: first.hash.to_vec(),
    };
    // Whatever did not fit into the first round.
    chain.add(target, cut).await?;
    let place = name::manifest(backup);
    let (bytes, _) = seal::object(&place, target.key(), [manifest.encode_to_vec()])?;
    target.put(&place, bytes).await?;
    Ok(chain)
}

async fn put_base(target: &Target, backup: BackupId, group: GroupId, base: Base, reading: &Reading) -> anyhow::Result<BaseNote> {
    let (index, at_us, digest) = (base.last.index, base.at_us, base.digest.to_le_bytes().to_vec());
    let reading = reading.clone();
    let fill = move |writer: &mut seal::ObjectWriter<'_>| {
        let mut pace = Pace::new(reading.mib_per_second);
        for frame in base.frames()? {
            let frame = frame?;
            writer.frame(&frame)?;
            reading.standing.read(frame.len());
            std::thread::sleep(pace.done(frame.len()));
        }
        Ok(())
    };
    let Sealed { bytes, hash } = target.upload(&name::snapshot(backup, group.0), fill).await?;
    Ok(BaseNote { group: group.0, index, at_us, digest, hash: hash.to_vec(), bytes })
}

impl Chain {
    /// Goes on with a backup that is there, if it is of this life of the cluster.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub async fn resume(target: &Target, about: &About, stored: &Stored, mib_per_second: u32) -> anyhow::Result<Option<Self>> {
        if stored.about() != *about {
            return Ok(None);
        }
        let mut head = stored.head.clone();
        // Somebody may have been stopped between a round and the head that names it.
        while let Some(bytes) = target.get(&name::round(stored.backup, head.round + 1)).await? {
            let round = read_round(target, stored.backup, head.round + 1, &bytes)?.0;
            ensure!(round.previous == head.hash, "round {} of {} does not follow the one before", round.number, stored.backup);
            head = next_head(&head, &round, &bytes, *blake3::hash(&bytes).as_bytes());
        }
        let next = head.ends.iter().map(|end| (GroupId(end.group), end.index + 1)).collect();
        Ok(Some(Self { backup: stored.backup, head, next, mib_per_second }))
    }

    /// Up to when everything is there, in microseconds since the Unix epoch.
    pub fn until_us(&self) -> u64 {
        self.head.until_us
    }

    /// Bytes of all objects but images.
    pub fn bytes(&self) -> u64 {
        self.head.bytes
    }

    /// The last entry of a group that is there.
    pub fn end(&self, group: GroupId) -> u64 {
        self.next.get(&group).map_or(0, |next| next.saturating_sub(1))
    }

    /// Adds everything up to the cut.
    ///
    /// # Errors
    /// When something cannot be written, or an entry is not in the log any more. Then nothing can be added to this backup any more by
    /// this node; what is there is good.
    pub async fn add(&mut self, target: &Target, cut: &Cut) -> anyhow::Result<()> {
        while cut.groups.iter().any(|(group, reach)| self.next[group] <= reach.end) {
            self.add_round(target, cut, self.head.round + 1).await?;
        }
        if self.head.until_us < cut.until_us {
            self.head.until_us = cut.until_us;
            self.put_head(target).await?;
        }
        Ok(())
    }

    async fn add_round(&mut self, target: &Target, cut: &Cut, number: u64) -> anyhow::Result<Sealed> {
        let (round, frames) = self.collect(cut, number).await?;
        let place = name::round(self.backup, number);
        let (named, key, first, mut pace) = (place.clone(), target.key().cloned(), round.encode_to_vec(), Pace::new(self.mib_per_second));
        let seal = move || {
            let frames = frames.into_iter().map(|entries| {
                let frame = entries.encode_to_vec();
                std::thread::sleep(pace.done(frame.len()));
                frame
            });
            seal::object(&named, key.as_ref(), std::iter::once(first).chain(frames))
        };
        let (bytes, sealed) = aside(seal)?.await.context("the thread that makes the backup is gone")??;
        ensure!(target.create(&place, bytes.clone()).await?, "somebody else adds to {} too", self.backup);
        self.head = next_head(&self.head, &round, &bytes, sealed.hash);
        for part in &round.parts {
            self.next.insert(GroupId(part.group), part.last + 1);
        }
        self.head.ends = self.next.iter().map(|(group, next)| End { group: group.0, index: next - 1 }).collect();
        self.put_head(target).await?;
        Ok(sealed)
    }

    /// The entries of the next round.
    async fn collect(&self, cut: &Cut, number: u64) -> anyhow::Result<(Round, Vec<Entries>)> {
        let (mut parts, mut frames, mut room, mut whole) = (Vec::new(), Vec::new(), ROUND_BYTES, true);
        let mut pace = Pace::new(self.mib_per_second);
        for (group, reach) in &cut.groups {
            let Some(&first) = self.next.get(group) else { bail!("{} lacks group {group}", self.backup) };
            let mut next = first;
            while next <= reach.end && room > 0 {
                let entries = reach.history.entries(next..reach.end + 1, FRAME_BYTES.min(room)).context("read the log")?;
                let Some(last) = entries.last() else { break };
                next = last.id.index + 1;
                let bytes = entries.iter().map(|entry| entry.payload.len()).sum();
                room = room.saturating_sub(bytes);
                let entries = entries.into_iter().map(|entry| {
                    let id = entry.id;
                    Logged { index: id.index, term: id.term, payload: entry.payload }
                });
                frames.push(Entries { group: group.0, entries: entries.collect() });
                tokio::time::sleep(pace.done(bytes)).await;
            }
            whole &= next > reach.end;
            if next > first {
                let digest = reach.digest.filter(|_| next > reach.end).map(|digest| digest.to_le_bytes().to_vec());
                parts.push(Part { group: group.0, first, last: next - 1, digest: digest.unwrap_or_default() });
            }
        }
        let until_us = if whole { cut.until_us.max(self.head.until_us) } else { self.head.until_us };
        Ok((Round { number, previous: self.head.hash.clone(), until_us, parts }, frames))
    }

    async fn put_head(&self, target: &Target) -> anyhow::Result<()> {
        let place = name::head(self.backup);
        let (bytes, _) = seal::object(&place, target.key(), [self.head.encode_to_vec()])?;
        target.put(&place, bytes).await
    }
}

/// The head after a round.
fn next_head(head: &Head, round: &Round, bytes: &[u8], hash: [u8; 32]) -> Head {
    let mut ends: BTreeMap<u32, u64> = head.ends.iter().map(|end| (end.group, end.index)).collect();
    ends.extend(round.parts.iter().map(|part| (part.group, part.last)));
    Head {
        version: VERSION,
        round: round.number,
        hash: hash.to_vec(),
        until_us: head.until_us.max(round.until_us),
        bytes: head.bytes + bytes.len() as u64,
        ends: ends.into_iter().map(|(group, index)| End { group, index }).collect(),
    }
}
