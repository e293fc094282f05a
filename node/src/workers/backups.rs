//! Makes full backups when they are due or asked for, and adds to the newest one what happened since. Runs on the catalog's leader,
//! which has all groups. A target that is slow or away holds up nobody: then nothing is added, and that is said.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::groups::CATALOG;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::CatalogCommand;
use boxoffice_ledger::ids::{BackupId, MediaHash};
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::upkeep::{BackupNote, FAILURE_BYTES_MAX, UpkeepCommand};
use futures::FutureExt;

use super::{context, leads_catalog};
use crate::backup::chain::{self, Chain, Cut, Reading};
use crate::backup::format::name;
use crate::backup::media;
use crate::backup::reading;
use crate::backup::restore::moment;
use crate::backup::target::Target;
use crate::service::{Service, clip, fresh_backup_id};

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_millis(500);
/// A node that has just begun to lead waits for so long at most, so that one that only passes by makes nothing.
const SETTLED: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// What the worker remembers while it leads.
#[derive(Default)]
struct Duty {
    target: Option<Target>,
    chain: Option<Chain>,
    /// Whether it was looked for one to go on with.
    has_looked: bool,
    /// A full backup is needed: what is there cannot be added to.
    is_broken: bool,
    images: HashSet<MediaHash>,
    /// The one that is being made.
    making: Option<BackupId>,
    next: Option<Instant>,
}

/// See the module.
pub async fn run(service: Arc<Service>) {
    let mut duty = Duty::default();
    warn_of_own_disk(&service);
    loop {
        tokio::time::sleep(LOOK).await;
        if !leads_catalog(&service) {
            if duty.next.is_some() {
                release(&service);
                duty = Duty::default();
            }
            continue;
        }
        let asked = service.catalog.read().upkeep().asked;
        let ship_after = Duration::from_secs(service.backups.config.ship_seconds.into());
        let due_at = *duty.next.get_or_insert_with(|| Instant::now() + ship_after.min(SETTLED));
        if asked.is_none() && (!service.backups.config.enabled || Instant::now() < due_at) {
            continue;
        }
        let done = duty.round(&service, asked).await;
        let pause = match &done {
            Ok(()) => ship_after,
            Err(error) => {
                duty.failed(&service, asked, error).await;
                RETRY.min(ship_after)
            }
        };
        duty.next = Some(Instant::now() + pause);
        if !service.backups.config.enabled {
            // It was asked for; nothing is added to it, so no log is kept for it.
            release(&service);
            duty.chain = None;
        }
    }
}

/// Where backups lie by default they are lost together with the data; whoever runs a cluster has to know.
fn warn_of_own_disk(service: &Service) {
    let config = &service.backups.config;
    if config.enabled && config.dir.is_none() && config.s3.is_none() {
        tracing::warn!(
            dir = %service.backups.data_dir.join("backups").display(),
            "backups go to this node's own disk and are lost with it: name another place as backup.dir or [backup.s3]"
        );
    }
}

/// The log need not be kept for this node's backups any more.
fn release(service: &Service) {
    service.groups.values().for_each(|group| group.keep_entries_after(None));
    service.backups.standing.change(|now| (now.chain, now.running) = (None, None));
}

impl Duty {
    async fn round(&mut self, service: &Service, asked: Option<BackupId>) -> anyhow::Result<()> {
        if self.target.is_none() {
            self.target = Some(Target::of_config(&service.backups.config, &service.backups.data_dir)?);
        }
        if self.chain.is_none() && !self.has_looked {
            self.look(service).await?;
        }
        let every_ms = u64::from(service.backups.config.every_hours) * 3_600_000;
        let now_ms = service.clock().as_millis();
        let is_old = |chain: &Chain| now_ms >= chain.backup.made_at_ms().saturating_add(every_ms);
        if asked.is_some() || self.is_broken || self.chain.as_ref().is_none_or(is_old) {
            return self.make(service, asked).await;
        }
        self.add(service).await
    }

    /// Looks for a backup that this node can go on with.
    async fn look(&mut self, service: &Service) -> anyhow::Result<()> {
        let Some(target) = &self.target else { return Ok(()) };
        if let Some(newest) = reading::list(target).await?.pop() {
            match newest.stored {
                Ok(stored) => {
                    self.chain = Chain::resume(target, &service.about_backups(), &stored, service.backups.config.mib_per_second).await?
                }
                Err(error) => tracing::error!(backup = %newest.backup, %error, "the newest backup cannot be read, another one is made"),
            }
        }
        self.has_looked = true;
        self.hold(service);
        Ok(())
    }

    /// Keeps what is not in the backup yet from being purged.
    fn hold(&self, service: &Service) {
        for (id, group) in &service.groups {
            group.keep_entries_after(Some(self.chain.as_ref().map_or(0, |chain| chain.end(*id))));
        }
        service.backups.standing.change(|now| {
            now.chain = self.chain.as_ref().map(|chain| chain.backup);
            (now.until_us, now.bytes) = self.chain.as_ref().map_or((0, 0), |chain| (chain.until_us(), chain.bytes()));
        });
    }

    async fn make(&mut self, service: &Service, asked: Option<BackupId>) -> anyhow::Result<()> {
        let (backup, begun, began_at) = (asked.unwrap_or_else(fresh_backup_id), Instant::now(), service.clock());
        self.making = Some(backup);
        self.try_make(service, backup).await?;
        self.making = None;
        let took = begun.elapsed();
        service.backups.standing.change(|now| {
            (now.running, now.failure) = (None, None);
            now.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        });
        let (bytes, until) = self.chain.as_ref().map_or((0, 0), |chain| (chain.bytes(), chain.until_us()));
        tracing::info!(%backup, bytes, until = moment(until), ?took, "a full backup was made");
        let (node, ended_at, until) = (service.node.0, service.clock(), Timestamp(until));
        tell(service, BackupNote { backup, began_at, ended_at, node, bytes, until, failure: String::new() }).await;
        Ok(())
    }

    async fn try_make(&mut self, service: &Service, backup: BackupId) -> anyhow::Result<()> {
        let Some(target) = &self.target else { return Ok(()) };
        self.chain = None;
        // Of an earlier try that was broken off.
        target.remove(backup).await?;
        // Before anything is read, so that the log goes on from each state.
        service.groups.values().for_each(|group| group.keep_entries_after(Some(0)));
        let cut = service.cut_for_backup().await?;
        let config = &service.backups.config;
        let reading = Reading { standing: Arc::clone(&service.backups.standing), mib_per_second: config.mib_per_second };
        let made = chain::make(target, &service.about_backups(), backup, &cut, &reading).await?;
        add_images(service, target, &mut self.images).await?;
        (self.chain, self.is_broken, self.has_looked) = (Some(made), false, true);
        self.hold(service);
        forget_old(target, backup, config.keep as usize).await
    }

    async fn add(&mut self, service: &Service) -> anyhow::Result<()> {
        let (Some(target), Some(chain)) = (&self.target, &mut self.chain) else { return Ok(()) };
        let cut: Cut = service.cut_for_backup().await?;
        chain.add(target, &cut).await?;
        add_images(service, target, &mut self.images).await?;
        self.hold(service);
        service.backups.standing.change(|now| now.failure = None);
        Ok(())
    }

    /// Says what failed, and from where to go on.
    async fn failed(&mut self, service: &Service, asked: Option<BackupId>, error: &anyhow::Error) {
        let is_gone =
            error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|cause| cause.kind() == ErrorKind::NotFound);
        if is_gone && self.chain.is_some() {
            self.is_broken = true;
            tracing::error!("the log does not reach back to the newest backup any more: a full backup is made now");
        }
        // What lies at the target says how far it came.
        (self.chain, self.has_looked) = (None, self.is_broken);
        tracing::error!("the backup failed: {error:#}");
        service.backups.standing.change(|now| {
            now.running = None;
            now.failures += 1;
            now.failure = Some(format!("{error:#}"));
        });
        if let Some(backup) = self.making.take().or(asked) {
            let (began_at, failure) = (Timestamp(backup.made_at_ms() * 1000), clip(&format!("{error:#}"), FAILURE_BYTES_MAX));
            let (node, ended_at, until) = (service.node.0, service.clock(), Timestamp(0));
            tell(service, BackupNote { backup, began_at, ended_at, node, bytes: 0, until, failure }).await;
        }
    }
}

/// Lets the whole cluster know how a full backup ended.
async fn tell(service: &Service, note: BackupNote) {
    let backup = note.backup;
    let told = CatalogCommand::Upkeep(UpkeepCommand::Note(note));
    if service.write::<CatalogLedger>(context(), CATALOG, &told).await.is_err() {
        tracing::warn!(%backup, "the cluster could not be told how a backup ended");
    }
}

async fn add_images(service: &Service, target: &Target, known: &mut HashSet<MediaHash>) -> anyhow::Result<()> {
    let images = service.catalog.read().events().flat_map(|event| event.images.iter().copied()).collect();
    let get = |image| async move { service.media.kept(image).await.ok().flatten() }.boxed();
    let missing = media::add(target, images, known, &get).await?;
    if missing > 0 {
        tracing::warn!(missing, "images that events name are not on this node and not in the backup yet");
    }
    Ok(())
}

/// Removes what is beyond the number that is kept, and what was begun before this one and never ended.
async fn forget_old(target: &Target, newest: BackupId, keep: usize) -> anyhow::Result<()> {
    let mut whole = 0;
    for backup in target.backups().await?.into_iter().rev() {
        let is_whole = target.has(&name::manifest(backup)).await?;
        whole += usize::from(is_whole);
        let is_over = if is_whole { whole > keep } else { backup < newest };
        if is_over {
            target.remove(backup).await?;
            tracing::info!(%backup, "an old backup was removed");
        }
    }
    Ok(())
}
