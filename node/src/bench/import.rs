//! `boxoffice bench import`: how many events a second a running cluster takes in, and how long until all of them are on sale and
//! found. The events are made of the real listings; each run makes its own, so that nothing is there before.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use boxoffice_api::client::Client;
use boxoffice_api::import::listings::Listing;
use boxoffice_ledger::command::Role;
use clap::Args;

use super::listings;
use super::setup::Cluster;
use crate::cli::event::{BATCH, Terms, send};
use crate::mint;

/// How long the last events may take to be on sale.
const PATIENCE: Duration = Duration::from_secs(600);

/// Arguments.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// Nodes to call instead of the configuration's members.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Events.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Requests at once.
    #[arg(long, default_value_t = 4)]
    requests: usize,
}

/// Measures and prints.
///
/// # Errors
/// When the cluster cannot be reached or refuses an event.
pub fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let cluster = Cluster::open(&args.config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let urls: Vec<String> = cluster.endpoints.iter().map(|endpoint| format!("http://{endpoint}")).collect();
        let client = Client::new(urls, Some(cluster.buyer(Role::Coordinator)?.token))?;
        let real = listings::real()?;
        let word = format!("run{:x}", mint::entropy() as u32);
        let all = listings::synthetic(&real, args.events, mint::now().0 + 86_400_000_000);
        let all: Arc<Vec<Listing>> = Arc::new(all.map(|listing| Listing { name: format!("{} {word}", listing.name), ..listing }).collect());
        let begun = Instant::now();
        let batches: Vec<(usize, usize)> = (0..all.len()).step_by(BATCH).map(|at| (at, (at + BATCH).min(all.len()))).collect();
        let mut created = 0;
        for wave in batches.chunks(args.requests.max(1)) {
            let sent = wave.iter().map(|&(from, to)| {
                let (all, client) = (Arc::clone(&all), client.clone());
                async move {
                    let batch: Vec<&Listing> = all[from..to].iter().collect();
                    send(&client, &batch, &Terms { price: 5_000, currency: "EUR", per_user: 8 }).await
                }
            });
            for answer in futures::future::try_join_all(sent).await? {
                created += answer["created"].as_u64().unwrap_or(0);
            }
        }
        let taken = begun.elapsed().as_secs_f64();
        if created != all.len() as u64 {
            bail!("{created} of {} events were made", all.len());
        }
        println!("{created} events in {taken:.1} s: {:.0} events/s", created as f64 / taken);
        until_on_sale(&client, &word, &all, begun).await
    })
}

/// Waits until searches count all events of the run as on sale.
async fn until_on_sale(client: &Client, word: &str, all: &[Listing], begun: Instant) -> anyhow::Result<()> {
    loop {
        let found = client.get(&format!("/event/search?q={word}&on_sale=true&facets=category&limit=1")).await?;
        let counts = found["facets"][0]["values"].as_array().into_iter().flatten();
        let total: u64 = counts.filter_map(|value| value["events"].as_u64()).sum();
        if total >= all.len() as u64 {
            println!("all on sale and found after {:.1} s", begun.elapsed().as_secs_f64());
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("{total} of {} events are on sale", all.len());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
