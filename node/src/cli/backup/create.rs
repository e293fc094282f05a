//! `boxoffice backup create`: asks the cluster and waits, or reads the data of a node that does not run.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use boxoffice_api::client::Client;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::{ClusterId, GroupId};
use boxoffice_ledger::ids::MediaHash;
use boxoffice_raft::history::{History, StoppedNode};
use boxoffice_raft::rescue::Rescue;
use bytes::Bytes;
use clap::Args;
use futures::FutureExt;
use serde_json::{Value, json};

use super::{Output, tell};
use crate::backup::chain::{self, About, Cut, Reach, Reading};
use crate::backup::media;
use crate::backup::reading::Stored;
use crate::backup::replay::Replayed;
use crate::backup::restore::moment;
use crate::backup::standing::Standing;
use crate::backup::target::{Target, read_key};
use crate::cli::connection::Connection;
use crate::mint;
use crate::service::fresh_backup_id;

/// How often it is asked how far the backup is.
const LOOK: Duration = Duration::from_millis(300);
/// Nobody else needs the disk of a node that does not run.
const OFFLINE_MIB_PER_SECOND: u32 = 100_000;
/// What is in the log was stamped before this much after the last stamp: entries of a new leader are moved on by microseconds.
const AFTER_LAST_US: u64 = 1_000_000;

/// Arguments.
#[derive(Args)]
pub struct CreateArgs {
    #[command(flatten)]
    connection: Connection,
    /// Do not wait until it is there.
    #[arg(long, conflicts_with = "offline")]
    no_wait: bool,
    /// Read the data of nodes that do not run: the way out when a majority of nodes is lost for good, or the logs of a majority are
    /// damaged.
    #[arg(long, requires = "config")]
    offline: bool,
    /// With --offline: the configuration of that node. Several, comma separated: what they have together, of damaged logs too.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE", value_delimiter = ',')]
    config: Vec<PathBuf>,
    /// With --offline: the directory to write it to, instead of what the configuration says.
    #[arg(long, value_name = "DIR", requires = "offline")]
    to: Option<PathBuf>,
    /// With --to: a file with the key to encrypt it with.
    #[arg(long, value_name = "FILE", requires = "to")]
    key_file: Option<PathBuf>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs it.
///
/// # Errors
/// When the cluster refuses, or the backup failed.
pub async fn run(args: CreateArgs) -> anyhow::Result<ExitCode> {
    let made = if args.offline {
        let read = |path: &PathBuf| crate::cli::serve::read_config(path);
        offline(&args, &args.config.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?).await?
    } else {
        online(&args).await?
    };
    match args.output {
        Output::Table => {
            println!("{} {}", made["id"].as_str().unwrap_or_default(), made["state"].as_str().unwrap_or_default());
            if let (Some(bytes), Some(until)) = (made["bytes"].as_u64(), made["until"].as_str()) {
                println!("{bytes} bytes, everything up to {until}");
            }
        }
        output @ (Output::Json | Output::Jsonl) => output.print_json(&made),
    }
    Ok(ExitCode::SUCCESS)
}

async fn online(args: &CreateArgs) -> anyhow::Result<Value> {
    let client = args.connection.client()?;
    let asked = client.post("/backup", &json!({}), &format!("backup-{:032x}", mint::entropy())).await?;
    let id = asked["id"].as_str().context("the answer names no backup")?.to_owned();
    if args.no_wait { Ok(asked) } else { wait(&client, &id).await }
}

async fn wait(client: &Client, id: &str) -> anyhow::Result<Value> {
    let mut told = String::new();
    loop {
        let backup = client.get(&format!("/backup/{id}")).await?;
        let line = match backup["state"].as_str() {
            Some("done") => return Ok(backup),
            Some("failed") => bail!("{id} failed: {}", backup["failure"].as_str().unwrap_or_default()),
            Some("running") => format!("{id}: {} of {} groups, {} bytes read", backup["groups_done"], backup["groups"], backup["bytes"]),
            _ => format!("{id}: asked for"),
        };
        if line != told {
            tell(line.clone());
            told = line;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The past of each group, and whose it is: of one node as it would start with it, or of several together.
fn past(config: &Config, others: &[Config]) -> anyhow::Result<(ClusterId, BTreeMap<GroupId, History>)> {
    if others.is_empty() {
        let node = StoppedNode::open(&config.data_dir, config.groups.all())
            .with_context(|| format!("open the data of node {} in {}", config.node.0, config.data_dir.display()))?;
        return Ok((node.cluster, node.groups));
    }
    let dirs: Vec<PathBuf> = std::iter::once(config).chain(others).map(|config| config.data_dir.clone()).collect();
    let found = Rescue::open(&dirs, config.groups.all())?;
    for (node, bad_frames) in &found.nodes {
        tell(format!("node {node}: {bad_frames} frames of its log are damaged"));
    }
    let members = config.members.len();
    if dirs.len() * 2 <= members {
        tell(format!("{} of {members} nodes are no majority: what the others acknowledged last may be missing", dirs.len()));
    }
    Ok((found.cluster, found.groups))
}

/// An image, from the first node that has it.
async fn take_image(configs: &[Config], image: MediaHash) -> Option<Bytes> {
    for config in configs {
        if let Ok(Some(found)) = crate::media::take_out(&config.media, &config.data_dir, image).await {
            return Some(found);
        }
    }
    None
}

async fn offline(args: &CreateArgs, configs: &[Config]) -> anyhow::Result<Value> {
    let (config, others) = configs.split_first().context("--offline needs --config")?;
    let (cluster, histories) = past(config, others)?;
    ensure!(cluster == config.cluster, "the data belongs to the cluster {cluster}, not to {}", config.cluster);
    let target = match &args.to {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
            Target::at(dir, args.key_file.as_deref().map(read_key).transpose()?)?
        }
        None => Target::of_config(&config.backup, &config.data_dir)?,
    };
    let incarnation = histories.values().filter_map(|history| history.base()).map(|base| base.incarnation).max().unwrap_or_default();
    let (mut groups, mut last_us) = (BTreeMap::new(), 0);
    for (group, history) in histories {
        last_us = last_us.max(history.last_stamp_us().with_context(|| format!("read the log of group {group}"))?);
        let end = history.last();
        tell(format!("group {group}: entries up to {end}"));
        groups.insert(group, Reach { history, end, digest: None });
    }
    let cut = Cut { until_us: last_us + AFTER_LAST_US, groups };
    let about = About { cluster: config.cluster.clone(), incarnation, counts: config.groups };
    let reading = Reading { standing: Arc::new(Standing::default()), mib_per_second: OFFLINE_MIB_PER_SECOND };
    let chain = chain::make(&target, &about, fresh_backup_id(), &cut, &reading).await?;
    // What was written is replayed, as a restore will: here is the time to learn that something is wrong with it.
    let stored = Stored::open(&target, chain.backup).await?;
    let state = Replayed::build(&target, &stored, u64::MAX, &mut tell).await?;
    state.check()?;
    let images: Vec<MediaHash> = state.images().into_iter().collect();
    let get = |image| async move { take_image(configs, image).await }.boxed();
    let missing = media::add(&target, images, &mut HashSet::new(), &get).await?;
    if missing > 0 {
        tell(format!("{missing} images that events name are not on this node"));
    }
    Ok(json!({
        "object": "backup", "id": chain.backup.to_string(), "state": "done", "bytes": chain.bytes(),
        "nodes": configs.iter().map(|config| config.node.0).collect::<Vec<_>>(), "until": moment(chain.until_us()),
    }))
}
