//! Backups, one after the other, while a house is sold: what they cost the sale shows beside a run without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_api::client::Client;
use boxoffice_ledger::command::Role;
use serde_json::json;

use super::setup::Cluster;
use crate::mint;

/// How often it is asked whether one is there.
const LOOK: Duration = Duration::from_millis(100);

/// Backups that were made meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Made {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long they took together.
    pub took: Duration,
}

/// A thread that asks for one backup after the other.
pub struct Backups {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Made>>,
}

impl Backups {
    /// Begins.
    ///
    /// # Errors
    /// When there is no token, or no thread.
    pub fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let endpoints = cluster.endpoints.iter().map(|endpoint| format!("http://{endpoint}")).collect();
        let client = Client::new(endpoints, Some(cluster.buyer(Role::Operator)?.token))?;
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let work = move || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(make(&client, &until));
        Ok(Self { stop, thread: std::thread::Builder::new().name("backups".into()).spawn(work)? })
    }

    /// Ends, when the one that is being made is there.
    ///
    /// # Errors
    /// When one failed.
    pub fn end(self) -> anyhow::Result<Made> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread that asks for backups is gone"))?
    }
}

async fn make(client: &Client, stop: &AtomicBool) -> anyhow::Result<Made> {
    let mut made = Made::default();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let asked = client.post("/backup", &json!({}), &format!("bench-{:032x}", mint::entropy())).await?;
        let path = format!("/backup/{}", asked["id"].as_str().context("the answer names no backup")?);
        loop {
            let backup = client.get(&path).await?;
            match backup["state"].as_str() {
                Some("done") => {
                    made.count += 1;
                    made.bytes += backup["bytes"].as_u64().unwrap_or_default();
                    made.took += begun.elapsed();
                    break;
                }
                Some("failed") => bail!("a backup failed: {backup}"),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }
    Ok(made)
}
