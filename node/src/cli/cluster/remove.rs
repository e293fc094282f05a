//! `boxoffice cluster remove`: a node goes for good.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice_api::client::{Client, Member};
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
    // The node itself is not told what its groups do without it.
    let client = without(args, &client, &now).await?;
    settle(&client, node, Duration::from_secs(args.wait_s), |member| member.votes == 0 && member.learns == 0).await?;
    match args.output {
        Output::Table => println!("n{node} is removed"),
        output => output.print_json(&json!({"object": "member", "node": node, "state": "removed"})),
    }
    Ok(ExitCode::SUCCESS)
}

/// A client of the other nodes.
async fn without(args: &RemoveArgs, client: &Client, gone: &Member) -> anyhow::Result<Client> {
    let members = client.members().await?;
    let others = members.iter().filter(|member| ["active", "draining"].contains(&member.state.as_str())).map(|member| &member.http);
    let is_gone = |url: &String| url.trim_end_matches('/') == gone.http.trim_end_matches('/');
    let target = args.connection.target()?;
    let mut urls: Vec<String> = target.endpoints.iter().chain(others).filter(|url| !is_gone(url)).cloned().collect();
    let mut known = BTreeSet::new();
    urls.retain(|url| known.insert(url.clone()));
    Ok(Client::new(urls, target.token)?)
}
