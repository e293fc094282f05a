//! A new cluster from a backup: the same state in the data directory of every node, as a snapshot that each group begins with.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::NodeId;
use boxoffice_ledger::command::CatalogCommand;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::upkeep::{Recovery, UpkeepCommand};
use boxoffice_raft::history::{NewLife, Seed, seed};

use super::media;
use super::reading::Stored;
use super::replay::Replayed;
use super::target::Target;

/// Lies in a data directory while it is being written: no node starts from it.
pub const INCOMPLETE: &str = "restore-incomplete";

/// What a restore is to do.
pub struct Plan {
    /// Every node of the new cluster.
    pub configs: Vec<Config>,
    /// Nothing that was stamped later.
    pub cut_us: u64,
    /// The life that begins.
    pub incarnation: u64,
}

impl Plan {
    /// Checks that the configurations are those of one whole cluster, whose directories are empty, and that the cut can be had.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn new(stored: &Stored, configs: Vec<Config>, until_us: Option<u64>) -> anyhow::Result<Self> {
        let Some(first) = configs.first() else { bail!("name the configuration of every node of the new cluster") };
        let nodes: BTreeSet<NodeId> = configs.iter().map(|config| config.node).collect();
        // By number: nodes may reach each other by different addresses.
        let members_of = |config: &Config| config.members.iter().map(|member| member.node).collect::<BTreeSet<NodeId>>();
        let members = members_of(first);
        ensure!(nodes.len() == configs.len(), "two of the configurations are of the same node");
        ensure!(nodes == members, "name the configuration of every member: {} of {} are there", nodes.len(), members.len());
        for config in &configs {
            let same = config.cluster == first.cluster && members_of(config) == members && config.groups == first.groups;
            ensure!(same, "the configurations of node {} and node {} are of different clusters", first.node.0, config.node.0);
            must_be_empty(&config.data_dir)?;
        }
        let counts = stored.counts();
        ensure!(
            first.groups == counts,
            "the backup has groups.events = {} and groups.users = {}: the configurations must say the same",
            counts.events,
            counts.users
        );
        let cut_us = until_us.unwrap_or(stored.head.until_us);
        ensure!(cut_us <= stored.head.until_us, "{} ends at {}: nothing later is there", stored.backup, moment(stored.head.until_us));
        ensure!(stored.begins_us() <= cut_us, "{} begins at {}: use an older backup", stored.backup, moment(stored.begins_us()));
        // Counted in seconds, so that each restore begins a life of its own, also of the same backup.
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(Self { configs, cut_us, incarnation: now_s.max(stored.manifest.incarnation + 1) })
    }

    /// Writes the directories. Until all of it is there, no node starts from one.
    ///
    /// # Errors
    /// When something cannot be written: the directories that were begun must be removed.
    pub async fn carry_out(
        &self,
        target: &Target,
        stored: &Stored,
        state: &mut Replayed,
        told: &mut dyn FnMut(String),
    ) -> anyhow::Result<()> {
        let recovery = Recovery {
            backup: stored.backup,
            incarnation: self.incarnation,
            cut_at: Timestamp(self.cut_us),
            is_open: false,
            asked: 0,
            returned: 0,
        };
        state.catalog.carry_out(&CatalogCommand::Upkeep(UpkeepCommand::Restored(recovery)));
        let images = state.images();
        for config in &self.configs {
            let dir = &config.data_dir;
            let members = config.members.iter().map(|member| member.node).collect();
            let life = NewLife { cluster: config.cluster.clone(), incarnation: self.incarnation, members };
            std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
            std::fs::write(dir.join(INCOMPLETE), "remove this directory: a restore was broken off\n").context("begin the restore")?;
            for (group, replay) in state.groups() {
                let (at_us, digest, mut frozen) = (replay.progress().at_us, replay.digest(), replay.freeze());
                let written = seed(dir, &life, Seed { group, at_us, digest, state: frozen.as_mut() });
                written.with_context(|| format!("write group {group} into {}", dir.display()))?;
            }
            for image in &images {
                match media::read(target, *image).await? {
                    Some(bytes) => crate::media::put_back(&config.media, dir, *image, bytes).await?,
                    None => told(format!("image {image} is not in the backup")),
                }
            }
            std::fs::remove_file(dir.join(INCOMPLETE)).context("end the restore")?;
            std::fs::File::open(dir).and_then(|dir| dir.sync_all()).with_context(|| format!("sync {}", dir.display()))?;
            told(format!("node {}: {} is ready", config.node.0, dir.display()));
        }
        Ok(())
    }
}

/// Refuses a directory that a restore has not finished.
///
/// # Errors
/// That it must be removed.
pub fn must_be_complete(data_dir: &Path) -> anyhow::Result<()> {
    let is_incomplete = data_dir.join(INCOMPLETE).exists();
    ensure!(!is_incomplete, "{} was not restored to the end: remove it and restore again", data_dir.display());
    Ok(())
}

fn must_be_empty(dir: &PathBuf) -> anyhow::Result<()> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            ensure!(entries.next().is_none(), "{} is not empty: a restore writes over nothing", dir.display());
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("look into {}", dir.display())),
    }
}

/// A stamp for people.
pub fn moment(at_us: u64) -> String {
    let at = i64::try_from(at_us).ok().and_then(|at_us| jiff::Timestamp::from_microsecond(at_us).ok());
    at.map_or_else(|| at_us.to_string(), |at| at.to_string())
}
