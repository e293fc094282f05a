//! `boxoffice backup`: making backups, looking at them, checking them, and bringing a cluster back from one.

mod create;
mod list;
mod restore;
mod schedule;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use boxoffice_ledger::ids::BackupId;
use clap::{Args, Subcommand};

use super::output::Output;
use crate::backup::reading::Stored;
use crate::backup::target::{Target, read_key};

/// Works with backups.
#[derive(Subcommand)]
pub enum BackupCommand {
    /// Make a full backup now: by the cluster, or from the data of a node that does not run.
    #[command(after_help = "Examples:\n  boxoffice backup create --token \"$TOKEN\"\n  \
                      boxoffice backup create --offline --config n2.toml --to /mnt/rescue")]
    Create(create::CreateArgs),
    /// List the backups that lie somewhere.
    #[command(after_help = "Examples:\n  boxoffice backup list --from /mnt/backups\n  boxoffice backup list --config n1.toml -o json")]
    List(list::ListArgs),
    /// Check a backup: every byte, every entry replayed through the ledgers, every invariant.
    #[command(after_help = "Examples:\n  boxoffice backup verify --from /mnt/backups\n  \
                      boxoffice backup verify --config n1.toml --backup bck_01k8zq3v7e0000000000000000")]
    Verify(verify::VerifyArgs),
    /// Write the data directories of a new cluster from a backup. Nothing is written over.
    #[command(after_help = "Examples:\n  boxoffice backup restore --from /mnt/backups --into n1.toml,n2.toml,n3.toml --dry-run\n  \
                      boxoffice backup restore --from /mnt/backups --until 2026-11-26T10:00:00Z --into n1.toml,n2.toml,n3.toml")]
    Restore(restore::RestoreArgs),
    /// Show where backups go, how often, the last good one, and the next one.
    #[command(after_help = "Example:\n  boxoffice backup schedule --token \"$TOKEN\"")]
    Schedule(schedule::ScheduleArgs),
}

/// Where backups lie.
#[derive(Args)]
struct Place {
    /// The directory with the backups.
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    from: Option<PathBuf>,
    /// The file with the key that they are encrypted with.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    key_file: Option<PathBuf>,
    /// A node's configuration that says both: its section [backup].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    fn open(&self) -> anyhow::Result<Target> {
        match (&self.from, &self.config) {
            (Some(dir), _) => Target::at(dir, self.key_file.as_deref().map(read_key).transpose()?),
            (None, Some(path)) => {
                let config = super::serve::read_config(path)?;
                Target::of_config(&config.backup, &config.data_dir)
            }
            (None, None) => bail!("say where the backups are: --from or --config"),
        }
    }
}

/// A backup by its id, or the newest that is good for a moment.
async fn chosen(target: &Target, backup: Option<BackupId>, until_us: Option<u64>) -> anyhow::Result<Stored> {
    match backup {
        Some(backup) => Stored::open(target, backup).await,
        None => Stored::newest(target, until_us).await,
    }
}

/// A moment in RFC 3339, in microseconds since the Unix epoch.
fn moment(text: &str) -> Result<u64, String> {
    let at: jiff::Timestamp = text.parse().map_err(|error| format!("write it as 2026-11-26T10:00:00Z: {error}"))?;
    u64::try_from(at.as_microsecond()).map_err(|_| "before 1970".to_owned())
}

/// Tells how far long work is.
fn tell(line: String) {
    eprintln!("{line}");
}

/// Runs a command.
///
/// # Errors
/// When it cannot be done; the error says why.
pub fn run(command: BackupCommand) -> anyhow::Result<ExitCode> {
    // Reading and replaying are done by one thread, writing to the target by another.
    let runtime = super::runtime(2).context("start a runtime")?;
    match command {
        BackupCommand::Create(args) => runtime.block_on(create::run(args)),
        BackupCommand::List(args) => runtime.block_on(list::run(args)),
        BackupCommand::Verify(args) => runtime.block_on(verify::run(args)),
        BackupCommand::Restore(args) => runtime.block_on(restore::run(args)),
        BackupCommand::Schedule(args) => runtime.block_on(schedule::run(args)),
    }
}
