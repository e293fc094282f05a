//! A sale at prices that follow demand: its terms, and the check of every price afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use boxoffice_api::client::Client;
use serde_json::{Value, json};

use crate::cli::price::{self, verified};
use crate::mint;

/// In which time the house should be sold, in seconds.
const SOLD_WITHIN_S: u64 = 60;

/// Terms of an event whose one price follows demand from half to twice of what it begins with, a step a second.
pub fn demand(price: u64) -> Value {
    let moment = |ms: u64| i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map(|at| at.to_string());
    let now = mint::now_ms();
    let curve = json!([{"at": moment(now), "sold_bps": 0}, {"at": moment(now + SOLD_WITHIN_S * 1000), "sold_bps": 10_000}]);
    json!({"pricing": [{
        "type": "demand", "curve": curve, "floor": price / 2, "ceiling": price * 2, "step_max": (price / 20).max(1), "interval_s": 1,
    }]})
}

/// How long a record may lag behind its sale.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(30);

fn client(endpoint: &str, token: Option<&str>) -> anyhow::Result<Client> {
    Ok(Client::new(vec![format!("http://{endpoint}")], token.map(str::to_owned))?)
}

/// What is wrong with the prices of an event, on any node.
///
/// # Errors
/// When a node cannot be asked.
pub async fn check(endpoints: &[String], event: &str) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    let mut counts = Vec::new();
    for endpoint in endpoints {
        let (count, wrong) = verified(&client(endpoint, None)?, event).await?;
        all.extend(wrong.into_iter().map(|what| format!("{endpoint}: {what}")));
        counts.push(count);
    }
    eprintln!("prices changed {} times, each worked out again on every node", counts.first().copied().unwrap_or(0));
    Ok(all)
}

/// Writes how an event was sold.
///
/// # Errors
/// When the node cannot be asked or the file cannot be written.
pub async fn record(endpoints: &[String], token: &str, event: &str, path: &Path) -> anyhow::Result<()> {
    let Some(endpoint) = endpoints.first() else { bail!("there is no node") };
    let client = client(endpoint, Some(token))?;
    let until = Instant::now() + CAUGHT_UP_WITHIN;
    let record = loop {
        let record = price::record(&client, event).await?;
        // What happened is written down a moment after it did.
        let taken: u64 = client.prices(event).await?.levels.iter().map(|level| u64::from(level.taken)).sum();
        if record.taken() == taken || Instant::now() > until {
            break record;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    std::fs::write(path, record.text()).with_context(|| format!("write {}", path.display()))
}
