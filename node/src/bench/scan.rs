//! `boxoffice bench scan`: how many tickets a cluster's gates let in a second. Sells a free event that has just begun, reads every
//! ticket's code as its owner does, then scans them all once from so many gates at once, each gate at a node of its own turn. The
//! generator's address must be in `trusted_networks`, and `user_per_minute` fit the load: all gates are one account.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_ledger::command::Role;
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::client::Client;
use super::connection::Connection;
use super::setup::{self, Cluster};
use crate::mint;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tickets of one order.
const PARTY: u32 = 8;

/// Arguments.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// Nodes to call instead of the configuration's members.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Tickets that are scanned.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tickets: u32,
    /// Gates at once.
    #[arg(long, default_value_t = 64)]
    gates: usize,
}

/// Measures and prints.
///
/// # Errors
/// When the cluster cannot be reached or answers what it should not.
pub fn run(args: &ScanArgs) -> anyhow::Result<()> {
    let cluster = Cluster::open(&args.config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let run = mint::entropy() as u64;
        let mut staff = Client::new(cluster.endpoints[0].clone(), cluster.buyer(Role::Coordinator)?.token, run);
        let seats = args.tickets.next_multiple_of(PARTY);
        let event = setup::put_on_sale_at(&mut staff, seats, 0, &jiff::Timestamp::now().to_string()).await?;
        eprintln!("selling {seats} tickets ...");
        let codes = Arc::new(sell(&cluster, &event, seats, run).await?);
        let next = Arc::new(AtomicUsize::new(0));
        let token = cluster.buyer(Role::Gate)?.token;
        let begun = Instant::now();
        let gates: Vec<_> = (0..args.gates.max(1))
            .map(|number| {
                let address = cluster.endpoints[number % cluster.endpoints.len()].clone();
                let gate = Gate { address, token: token.clone(), event: event.clone(), number };
                tokio::spawn(gate.scan_all(Arc::clone(&codes), Arc::clone(&next)))
            })
            .collect();
        let mut times = Histogram::<u64>::new(3)?;
        for gate in gates {
            times.add(gate.await.context("a gate broke")??)?;
        }
        let at = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        println!(
            "{} scans by {} gates at {} nodes: {rate:.0} scans/s, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            times.len(),
            args.gates,
            cluster.endpoints.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        Ok(())
    })
}

/// Sells the whole house; gives the codes of all tickets.
async fn sell(cluster: &Cluster, event: &str, seats: u32, run: u64) -> anyhow::Result<Vec<String>> {
    let mut codes = Vec::with_capacity(seats as usize);
    let mut buyer = Client::new(cluster.endpoints[0].clone(), cluster.buyer(Role::Customer)?.token, run);
    for first in (0..seats).step_by(PARTY as usize) {
        let chosen: Vec<u32> = (first..first + PARTY).collect();
        let hold = buyer.post(&format!("/event/{event}/hold"), &json!({"seats": chosen})).await?;
        let hold = hold["id"].as_str().context("a hold without an id")?;
        let order = buyer.post(&format!("/event/{event}/hold/{hold}/pay"), &json!({"payment_method": "pm_test_ok"})).await?;
        for ticket in order["tickets"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let shown = buyer.get(&format!("/user/ticket/{ticket}")).await?;
            codes.push(shown["code"].as_str().context("a ticket without a code")?.to_owned());
        }
    }
    Ok(codes)
}

/// One gate.
struct Gate {
    address: String,
    token: String,
    event: String,
    number: usize,
}

impl Gate {
    /// Scans the next code that nobody has scanned until there is none; latencies in microseconds.
    async fn scan_all(self, codes: Arc<Vec<String>>, next: Arc<AtomicUsize>) -> anyhow::Result<Histogram<u64>> {
        let mut times = Histogram::new(3)?;
        let mut connection = Connection::new(self.address.clone());
        while let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (gate, nonce) = (format!("Gate {}", self.number), format!("{:032x}", mint::entropy()));
            let body = json!({"code": code, "gate": gate, "nonce": nonce, "event": self.event}).to_string();
            let (address, token, length) = (&self.address, &self.token, body.len());
            let request = format!(
                "POST /scan HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            let since = Instant::now();
            match connection.exchange(request.as_bytes(), PATIENCE).await {
                Ok(reply) if reply.status == 200 => times.record(u64::try_from(since.elapsed().as_micros())?)?,
                Ok(reply) => bail!("POST /scan answered {}: {}", reply.status, String::from_utf8_lossy(reply.body)),
                Err(_) => bail!("no answer from {address}"),
            }
        }
        Ok(times)
    }
}
