//! `boxoffice cluster drain`: a node's leaders and votes go to others.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{member, settle};
use crate::cli::connection::Connection;
use crate::cli::output::Output;
use crate::cli::write::{Attempt, Consent, settled};

/// Arguments.
#[derive(Args)]
pub struct DrainArgs {
    #[command(flatten)]
    connection: Connection,
    /// The node's number.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    node: u64,
    /// Let it take part again.
    #[arg(long)]
    undo: bool,
    /// How long to wait until it is done, in seconds.
    #[arg(long, default_value_t = 600)]
    wait_s: u64,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    attempt: Attempt,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Drains a node, or takes it back, and waits for it.
///
/// # Errors
/// When the cluster refuses or cannot be reached, or it takes too long.
pub async fn run(args: &DrainArgs) -> anyhow::Result<ExitCode> {
    let (client, node) = (args.connection.client()?, args.node);
    let now = member(&client, node).await?;
    let (wanted, verb) = if args.undo { ("active", "undrain") } else { ("draining", "drain") };
    if now.state != wanted {
        let what = format!("{verb} n{node}, which leads {} groups and votes in {}", now.leads, now.votes);
        if !args.consent.given(&what)? {
            return Ok(ExitCode::SUCCESS);
        }
        let key = args.attempt.key();
        settled(&key, client.post(&format!("/cluster/member/{node}/{verb}"), &json!({}), &key).await)?;
    }
    if !args.undo {
        let patience = Duration::from_secs(args.wait_s);
        settle(&client, node, patience, |member| member.leads == 0 && member.votes == 0).await?;
    }
    match args.output {
        Output::Table => println!("n{node} is {wanted}"),
        output => output.print_json(&json!({"object": "member", "node": node, "state": wanted})),
    }
    Ok(ExitCode::SUCCESS)
}
