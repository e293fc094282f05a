//! `boxoffice bench login`: what a storm of log-ins does to people who only look. One client reads `GET /event` at one node, one
//! request after the other, first alone and then beside clients that log in as fast as they are let. Each log-in is of another
//! account that does not exist, which costs the node the same as a wrong password. The generator's address must be in
//! `trusted_networks`. Gives the percentiles of both, and of a token's check: the reads carry a token.
//!
//! With `--compare`, whether the time of a refusal tells that an account exists: each account is made for one refused log-in, for
//! more would meet the limit of an account.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_ledger::command::Role;
use clap::Args;
use hdrhistogram::Histogram;

use super::connection::Connection;
use super::setup::Cluster;
use crate::mint;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// A node's configuration: gives the cluster's name, secret and addresses.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: PathBuf,
    /// The node to call instead of the configuration's first member.
    #[arg(long, env = "BOXOFFICE_ENDPOINT")]
    endpoint: Option<String>,
    /// Clients that log in at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// How long each of the two parts takes.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Compare so many refused log-ins to accounts that exist with as many to addresses without one, one after the other, instead.
    #[arg(long)]
    compare: Option<u32>,
}

#[derive(Default)]
struct Storm {
    over: AtomicBool,
    checked: AtomicU64,
    refused: AtomicU64,
}

/// Measures and prints.
///
/// # Errors
/// When the node cannot be reached or answers what it should not.
pub fn run(args: &LoginArgs) -> anyhow::Result<()> {
    let endpoints: Vec<String> = args.endpoint.iter().cloned().collect();
    let cluster = Cluster::open(&args.config, &endpoints)?;
    let address = cluster.endpoints.first().context("the configuration has no member")?.clone();
    let token = cluster.buyer(Role::Customer)?.token;
    let length = Duration::from_secs(args.seconds.max(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(pairs) = args.compare {
        return runtime.block_on(compare(&address, pairs));
    }
    runtime.block_on(async {
        let quiet = read(&address, &token, length).await?;
        let storm = Arc::new(Storm::default());
        let clients: Vec<_> = (0..args.clients).map(|_| tokio::spawn(log_in(address.clone(), Arc::clone(&storm)))).collect();
        let busy = read(&address, &token, length).await?;
        storm.over.store(true, Ordering::Relaxed);
        for client in clients {
            client.await.context("a client broke")??;
        }
        let seconds = length.as_secs_f64();
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / seconds;
        println!(
            "log-ins checked {:.0}/s, refused with 503 {:.0}/s, by {} clients",
            rate(&storm.checked),
            rate(&storm.refused),
            args.clients
        );
        for (name, times) in [("alone", &quiet), ("in the storm", &busy)] {
            let at = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
            println!("reads {name}: {} done, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms", times.len(), at(0.5), at(0.99), at(1.0));
        }
        Ok(())
    })
}

/// Reads for so long; latencies in microseconds.
async fn read(address: &str, token: &str, length: Duration) -> anyhow::Result<Histogram<u64>> {
    let mut times = Histogram::new(3)?;
    let mut connection = Connection::new(address.to_owned());
    let request = format!("GET /event?limit=10 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let begun = Instant::now();
    while begun.elapsed() < length {
        let since = Instant::now();
        match connection.exchange(request.as_bytes(), PATIENCE).await {
            Ok(reply) if reply.status == 200 => times.record(u64::try_from(since.elapsed().as_micros())?)?,
            Ok(reply) => bail!("GET /event answered {}", reply.status),
            Err(_) => bail!("no answer from {address}"),
        }
        // People pause; and a reader that never does would be the load itself.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(times)
}

/// Measures refusals with and without an account, in turns.
async fn compare(address: &str, pairs: u32) -> anyhow::Result<()> {
    let (mut known, mut unknown) = (Histogram::<u64>::new(3)?, Histogram::<u64>::new(3)?);
    let mut connection = Connection::new(address.to_owned());
    for pair in 0..pairs {
        let mut turns = [(true, &mut known), (false, &mut unknown)];
        turns.rotate_left(pair as usize % 2);
        for (exists, times) in turns {
            let email = format!("bench-{:032x}@example.com", mint::entropy());
            if exists {
                let body = format!(r#"{{"email":"{email}","name":"Bench","password":"correct horse battery"}}"#);
                post(&mut connection, address, "/user", &body, 201).await?;
            }
            let body = format!(r#"{{"email":"{email}","password":"a wrong guess of it"}}"#);
            let since = Instant::now();
            post(&mut connection, address, "/session", &body, 401).await?;
            times.record(u64::try_from(since.elapsed().as_micros())?)?;
        }
    }
    let median = |times: &Histogram<u64>| times.value_at_quantile(0.5) as f64 / 1000.0;
    let (with, without) = (median(&known), median(&unknown));
    println!("{pairs} refusals each: median {with:.2} ms with an account, {without:.2} ms without, difference {:.2} ms", with - without);
    Ok(())
}

async fn post(connection: &mut Connection, address: &str, path: &str, body: &str, status: u16) -> anyhow::Result<()> {
    let (length, key) = (body.len(), mint::entropy());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nIdempotency-Key: {key:032x}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    match connection.exchange(request.as_bytes(), PATIENCE).await {
        Ok(reply) if reply.status == status => Ok(()),
        Ok(reply) => bail!("POST {path} answered {}: is this address in trusted_networks?", reply.status),
        Err(_) => bail!("no answer from {address}"),
    }
}

/// Logs in again and again, each time to another account.
async fn log_in(address: String, storm: Arc<Storm>) -> anyhow::Result<()> {
    let mut connection = Connection::new(address.clone());
    while !storm.over.load(Ordering::Relaxed) {
        let body = format!(r#"{{"email":"nobody-{:032x}@example.com","password":"a wrong guess"}}"#, mint::entropy());
        let length = body.len();
        let request = format!(
            "POST /session HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        match connection.exchange(request.as_bytes(), PATIENCE).await {
            Ok(reply) if reply.status == 401 => storm.checked.fetch_add(1, Ordering::Relaxed),
            Ok(reply) if reply.status == 503 => storm.refused.fetch_add(1, Ordering::Relaxed),
            Ok(reply) => bail!("POST /session answered {}: is this address in trusted_networks?", reply.status),
            Err(_) => bail!("no answer from {address}"),
        };
    }
    Ok(())
}
