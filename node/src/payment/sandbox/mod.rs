//! The sandbox provider: a payment provider for tests and development that moves no money. It speaks the part of Stripe's public API
//! that boxoffice needs, keeps what it did through kills, and misbehaves on demand.
//!
//! ```text
//!  server  HTTP            page     the buyer's page      control  faults, ledger
//!     |                      |                               |
//!  desk    one request: faults, idempotency, change, wait until durable <-- courier  webhooks, what is due
//!     |            |
//!  call, intents, refunds  what a request changes: a draft of records
//!     |            |
//!  books (memory)  journal (disk)
//! ```
//! **Invariant:** nobody is told of a change that is not durable.

mod books;
mod call;
mod control;
mod courier;
mod desk;
mod draft;
mod faults;
mod form;
mod intents;
mod journal;
pub mod methods;
mod objects;
mod page;
mod record;
mod refunds;
mod server;
mod trouble;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use books::Books;
use courier::Courier;
use desk::Desk;
use journal::Journal;
use record::Record;

use crate::mint;

/// How a sandbox provider is run.
pub struct Options {
    /// Where it keeps its journal.
    pub data: PathBuf,
    /// Where it listens, `host:port`.
    pub listen: String,
    /// Where its clients and buyers reach it; where it listens unless it is said.
    pub public_url: Option<String>,
    /// Where events are sent: the same route of one or several nodes.
    pub webhooks: Vec<String>,
    /// What events are signed with.
    pub webhook_secret: String,
    /// What callers authenticate with.
    pub key: String,
}

/// Runs a sandbox provider until `stop` completes.
///
/// # Errors
/// When its journal or its address is not to be had.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.data).with_context(|| format!("create {}", options.data.display()))?;
    let (books, journal) = open(&options.data)?;
    let listener = TcpListener::bind(&options.listen).await.with_context(|| format!("listen on {}", options.listen))?;
    let address = listener.local_addr().context("ask for the address")?;
    let site = options.public_url.unwrap_or_else(|| format!("http://{address}"));
    let desk = Arc::new(Desk::new(books, journal, options.key, site.trim_end_matches('/').to_owned()));
    let http = crate::payment::http::client(&options.webhooks).context("make an HTTP client")?;
    let courier = Courier { urls: options.webhooks, secret: options.webhook_secret, http };
    tokio::spawn(courier.run(Arc::clone(&desk)));
    tracing::info!(%address, data = %options.data.display(), "the sandbox provider is serving");
    server::serve(listener, desk, stop).await;
    Ok(())
}

/// The books as the folder's journal has them, and the journal, written anew.
fn open(data: &std::path::Path) -> anyhow::Result<(Books, Journal)> {
    let mut books = Books::default();
    for text in journal::read(data)? {
        let records: Vec<Record> = serde_json::from_str(&text).context("read a line of the journal")?;
        records.into_iter().for_each(|record| books.apply(record));
    }
    let texts = books.records(mint::now_ms()).map(|record| serde_json::to_string(&[record]).unwrap_or_default());
    let texts: Vec<String> = texts.collect();
    let journal = Journal::create(data, texts.into_iter())?;
    Ok((books, journal))
}
