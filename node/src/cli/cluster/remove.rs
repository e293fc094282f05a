//! `boxoffice cluster remove`: a node goes for good.

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
pub struct RemoveArgs {
    #[command(flatten)]
    connection: Connection,
    /// The node's number.
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    node: u64,
    /// How long to wait until no group has it any more, in seconds.
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

/// Removes a node and waits until no group has it any more.
///
/// # Errors
/// When the cluster refuses or cannot be reached, or it takes too long.
pub async fn run(args: &RemoveArgs) -> anyhow::Result<ExitCode> {
    let (client, node) = (args.connection.client()?, args.node);
    let now = member(&client, node).await?;
    if now.state != "removed" {
        let health = if now.reachable { "answers" } else { "does not answer" };
        let what = format!("remove n{node} ({}), which {health}, for good: its number and its data are of no use afterwards", now.peer);
        if !args.consent.given(&what)? {
            return Ok(ExitCode::SUCCESS);
        }
        let key = args.attempt.key();
        settled(&key, client.remove_member(node, &key).await)?;
    }
    settle(&client, node, Duration::from_secs(args.wait_s), |member| member.votes == 0 && member.learns == 0).await?;
    match args.output {
        Output::Table => println!("n{node} is removed"),
        output => output.print_json(&json!({"object": "member", "node": node, "state": "removed"})),
    }
    Ok(ExitCode::SUCCESS)
}
