//! `boxoffice replay`: what a group's ledger was at a moment, from the files of a stopped node.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, ensure};
use boxoffice_api::client::Client;
use boxoffice_cluster_config::groups::GroupKind;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use boxoffice_raft::data_dir::{DataDir, Until};
use clap::Args;
use serde_json::{Value, json};

use super::exit;
use super::output::{Output, moment, print_fields};
use crate::inspect::check::kind_name;
use crate::inspect::machines::{Stood, counts_of, replay};

/// Arguments.
#[derive(Args)]
#[command(after_help = "Examples:\n  boxoffice replay --data-dir /var/lib/boxoffice --group 3\n  \
                  boxoffice replay --data-dir copy --group 3 --until 2026-11-26T09:59:00Z -o json\n  \
                  boxoffice replay --data-dir copy --group 3 --until 81250 --compare http://10.0.0.2:7480")]
pub struct ReplayArgs {
    /// The directory of a node that does not run. Nothing is written to it.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The node's configuration, for its numbers of groups; needed when they are not the usual ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The group.
    #[arg(long)]
    group: u32,
    /// Stop after this entry, or at this time (RFC 3339). By default at the last entry that is known to be committed.
    #[arg(long, value_name = "INDEX|TIME", value_parser = until)]
    until: Option<Until>,
    /// Compare with what a running node had at that entry. Exit code 8 if it is something else.
    #[arg(long, value_name = "URL")]
    compare: Option<String>,
    /// An operator's token for that node; see `boxoffice token`.
    #[arg(long, env = "BOXOFFICE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(index) = text.parse() {
        return Ok(Until::Index(index));
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| "an index, or a time such as 2026-11-26T09:59:00Z".to_owned())?;
    u64::try_from(at.as_microsecond()).map(Until::Time).map_err(|_| "a time after 1970".to_owned())
}

/// Runs it.
///
/// # Errors
/// When files cannot be read, do not reach back so far, or the node to compare with cannot be asked.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let config = args.config.as_ref().map(|path| super::serve::read_config(path)).transpose()?;
    let dir = DataDir::open(&args.data_dir)?;
    let group = GroupId(args.group);
    let kind = counts_of(&dir, config.map(|config| config.groups))?.kind(group);
    let kind = kind.ok_or_else(|| anyhow!("there is no group {}", args.group))?;
    let until = args.until.unwrap_or(Until::Committed);
    let mut result = match kind {
        GroupKind::Catalog => told(kind, group, &replay::<CatalogLedger>(&dir, group, until)?, CatalogLedger::at, of_catalog),
        GroupKind::Events => told(kind, group, &replay::<SeatLedger>(&dir, group, until)?, SeatLedger::at, of_seats),
        GroupKind::Users => told(kind, group, &replay::<AccountLedger>(&dir, group, until)?, AccountLedger::at, of_accounts),
    };
    if let Until::Index(index) = until {
        let reached = result["index"].as_u64().unwrap_or(0);
        ensure!(reached == index, "the files know of committed entries up to {reached} only");
    }
    let same = match &args.compare {
        None => true,
        Some(url) => super::runtime(1)?.block_on(compare(url, args.token.clone(), &mut result))?,
    };
    match args.output {
        Output::Table => print_fields(&result),
        output @ (Output::Json | Output::Jsonl) => output.print_json(&result),
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(exit::VIOLATION) })
}

fn told<M: Machine>(kind: GroupKind, group: GroupId, stood: &Stood<M>, at: impl Fn(&M) -> Timestamp, holds: impl Fn(&M) -> Value) -> Value {
    json!({
        "object": "replay",
        "group": group.0,
        "kind": kind_name(Some(kind)),
        "index": stood.index,
        "at": moment(at(&stood.machine)),
        "digest": format!("{:032x}", stood.machine.digest().0),
        "entries_applied": stood.applied,
        "holds": holds(&stood.machine),
    })
}

fn of_catalog(catalog: &CatalogLedger) -> Value {
    json!({"events": catalog.events().count(), "venues": catalog.venues().count(), "performers": catalog.performers().count()})
}

fn of_seats(seats: &SeatLedger) -> Value {
    let (mut available, mut held, mut sold) = (0_u64, 0_u64, 0_u64);
    for sale in seats.events() {
        let totals = sale.totals();
        available += u64::from(totals.available);
        held += u64::from(totals.held);
        sold += u64::from(totals.sold);
    }
    json!({"events": seats.events().count(), "available": available, "held": held, "sold": sold, "outbox": seats.outbox().waiting()})
}

fn of_accounts(accounts: &AccountLedger) -> Value {
    json!({"users": accounts.user_count(), "tickets": accounts.tickets().count(), "orders": accounts.orders().count()})
}

/// Adds what a node had at that index; says whether it is the same.
async fn compare(url: &str, token: Option<String>, result: &mut Value) -> anyhow::Result<bool> {
    let client = Client::new(vec![url.to_owned()], token)?;
    let group = result["group"].as_u64().and_then(|group| u32::try_from(group).ok()).unwrap_or(0);
    let found = client.digest(group, result["index"].as_u64()).await?;
    let same = result["digest"] == found.digest;
    result["compared"] = json!({"endpoint": url, "digest": found.digest, "same": same});
    Ok(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_an_index_or_a_time() {
        assert_eq!(until("812"), Ok(Until::Index(812)));
        assert_eq!(until("1970-01-01T00:00:01Z"), Ok(Until::Time(1_000_000)));
        assert!(until("yesterday").is_err() && until("1960-01-01T00:00:00Z").is_err());
    }
}
