//! Backups as operators ask for them and see them. They are made by a worker of the node that leads the catalog.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, BackupDesk, BackupRun, BackupStatus, BackupView, Caller, Context, Failure, Measure, Read, Written};
use boxoffice_cluster_config::backup::Backup;
use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, Role};
use boxoffice_ledger::ids::{BackupId, Request, Slot};
use boxoffice_ledger::outcome::CatalogOutcome;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::upkeep::UpkeepCommand;
use boxoffice_raft::history::History;

use super::events::need;
use super::recovery::Selling;
use super::{Service, asked, refused};
use crate::backup::chain::{About, Cut, Reach};
use crate::backup::standing::{Running, Standing};
use crate::mint;

/// How long a group may take to say how far it is.
const BARRIER_TIME: Duration = Duration::from_secs(10);

/// What a node needs to make backups.
pub struct Backups {
    /// The section of the configuration.
    pub config: Backup,
    /// Where the node keeps its data.
    pub data_dir: PathBuf,
    /// How they stand here.
    pub standing: Arc<Standing>,
    pub(super) selling: Selling,
}

impl Backups {
    /// From the configuration.
    pub fn new(config: Backup, data_dir: PathBuf) -> Self {
        Self { config, data_dir, standing: Arc::default(), selling: Selling::default() }
    }

    fn target(&self) -> String {
        match (&self.config.s3, &self.config.dir) {
            (Some(bucket), _) => format!("bucket {}", bucket.bucket),
            (None, Some(dir)) => dir.display().to_string(),
            (None, None) => self.data_dir.join("backups").display().to_string(),
        }
    }

    fn is_own_disk(&self) -> bool {
        self.config.s3.is_none() && self.config.dir.is_none()
    }
}

#[async_trait]
impl BackupDesk for Service {
    async fn ask_backup(&self, cx: Context, caller: Caller, request: Request) -> Answer<Written<BackupId>> {
        need(caller, Role::Operator)?;
        let command = CatalogCommand::Upkeep(UpkeepCommand::Ask { request, backup: fresh_id() });
        let command = CatalogCommand::Audited(asked(cx, caller, command));
        let applied = self.write::<CatalogLedger>(cx, CATALOG, &command).await?;
        match applied.outcome {
            CatalogOutcome::Stored { id, .. } => {
                tracing::info!(user = %caller.user, backup = %BackupId(id), "a backup was asked for");
                Ok(applied.written(BackupId(id)))
            }
            CatalogOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            CatalogOutcome::Done => Err(Failure::Unknown),
        }
    }

    async fn backups(&self, cx: Context) -> Answer<Read<BackupStatus>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let upkeep = self.catalog.read().upkeep().clone();
        let (config, now) = (&self.backups.config, self.backups.standing.now());
        let every_us = u64::from(config.every_hours) * 3_600_000_000;
        let value = BackupStatus {
            enabled: config.enabled,
            target: self.backups.target(),
            is_own_disk: self.backups.is_own_disk(),
            is_encrypted: config.key_file.is_some(),
            every_hours: config.every_hours,
            ship_seconds: config.ship_seconds,
            keep: config.keep,
            next_at: upkeep.last.as_ref().filter(|_| config.enabled).map(|last| Timestamp(last.began_at.0.saturating_add(every_us))),
            asked: upkeep.asked,
            running: now.running.map(run_of),
            last: upkeep.last,
            failed: upkeep.failed,
            shipped_until: now.chain.map(|_| Timestamp(now.until_us)),
            failure: now.failure,
            recovery: upkeep.recovery,
        };
        Ok(Read { value, revision, age_ms })
    }

    async fn backup(&self, cx: Context, backup: BackupId) -> Answer<Read<BackupView>> {
        let (revision, age_ms) = self.fresh(cx, CATALOG).await?;
        let upkeep = self.catalog.read().upkeep().clone();
        let running = self.backups.standing.now().running.filter(|running| running.backup == backup).map(run_of);
        let ended = || upkeep.last.into_iter().chain(upkeep.failed).find(|note| note.backup == backup).map(BackupView::Ended);
        let was_asked = || upkeep.asked.filter(|id| *id == backup).map(BackupView::Asked);
        let value = running.map(BackupView::Running).or_else(was_asked).or_else(ended).ok_or(Failure::NotFound("backup"))?;
        Ok(Read { value, revision, age_ms })
    }
}

/// The id of a new backup: they sort by time.
pub fn fresh_id() -> BackupId {
    BackupId::new(mint::now_ms(), Slot::new(0), mint::entropy())
}

fn run_of(running: Running) -> BackupRun {
    let Running { backup, groups_done, groups, bytes } = running;
    BackupRun { backup, groups_done, groups, bytes }
}

impl Service {
    /// Whose backups are made here, as far as its groups know.
    pub fn about_backups(&self) -> About {
        let incarnation = self.groups.get(&CATALOG).map_or(0, boxoffice_raft::group::Group::incarnation);
        About { cluster: self.cluster.clone(), incarnation, counts: self.counts }
    }

    /// The past of all groups up to now: what was acknowledged before this call is in.
    ///
    /// # Errors
    /// When a group has no quorum.
    pub async fn cut_for_backup(&self) -> anyhow::Result<Cut> {
        let until_us = self.groups.get(&CATALOG).map_or(0, boxoffice_raft::group::Group::now_us);
        let deadline = (Instant::now() + BARRIER_TIME).into();
        let mut groups = std::collections::BTreeMap::new();
        for (id, group) in &self.groups {
            group.read_barrier(deadline).await?;
            let end = group.applied();
            let history: History = group.history();
            groups.insert(*id, Reach { history, end, digest: group.digest_at(end) });
        }
        Ok(Cut { until_us, groups })
    }

    /// What is measured of backups.
    pub(super) fn of_backups(&self) -> Vec<Measure> {
        let now = self.backups.standing.now();
        let last = self.catalog.read().upkeep().last.clone();
        let since = |at_us: u64| self.clock().0.saturating_sub(at_us) as f64 / 1e6;
        let mut all = vec![
            Measure::counter("backup_failures", "Backups and additions to them that failed on this node", now.failures),
            Measure::gauge("backup_seconds", "How long the last full backup of this node took", now.took_ms as f64 / 1e3),
        ];
        all.extend(last.map(|last| Measure::gauge("backup_age_seconds", "Age of the last good full backup", since(last.began_at.0))));
        if now.chain.is_some() {
            all.push(Measure::gauge("backup_bytes", "Size of the backup that this node adds to", now.bytes as f64));
            all.push(Measure::gauge(
                "backup_lag_seconds",
                "What would be lost if all nodes were, on the node that adds",
                since(now.until_us),
            ));
        }
        all
    }
}
