//! `boxoffice cluster add`: a number and a token for a node that is to join, and what to do with them.

use std::process::ExitCode;

use boxoffice_api::client::ClientError;
use clap::Args;
use serde_json::json;

use crate::cli::connection::Connection;
use crate::cli::output::Output;
use crate::cli::write::{Attempt, settled};

/// Arguments.
#[derive(Args)]
pub struct AddArgs {
    #[command(flatten)]
    connection: Connection,
    /// Where the other nodes will reach it.
    #[arg(long, value_name = "HOST:PORT")]
    peer: String,
    /// Where clients will reach it.
    #[arg(long, value_name = "URL")]
    http: String,
    /// How long the token is good, in hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=168))]
    hours: u64,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    attempt: Attempt,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Invites a node.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub async fn run(args: &AddArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    if args.dry_run {
        let members = client.members().await?;
        let next = members.iter().map(|member| member.node).max().unwrap_or(0) + 1;
        eprintln!("would invite node {next}, reached at {} and {}; nothing was done", args.peer, args.http);
        return Ok(ExitCode::SUCCESS);
    }
    let cluster = client.get("/status").await?["cluster"].as_str().unwrap_or_default().to_owned();
    let key = args.attempt.key();
    let body = json!({"peer": args.peer, "http": args.http, "ttl_s": args.hours * 3600});
    let invited = settled(&key, client.post("/cluster/member", &body, &key).await)?;
    let number = invited["node"].as_u64().ok_or_else(|| ClientError::Answer("there is no number".into()))?;
    match args.output {
        Output::Table => {
            println!("node   {number}");
            println!("token  {}", invited["token"].as_str().unwrap_or_default());
            println!("until  {}", invited["expires_at"].as_str().unwrap_or_default());
        }
        output => output.print_json(&invited),
    }
    let host = args.peer.rsplit_once(':').map_or("", |(host, _)| host);
    eprintln!("\nnext, where the CA is:");
    eprintln!("  boxoffice cluster cert node --dir certificates --cluster {cluster} --node {number} --host {host}");
    eprintln!("on the new machine, with the configuration of another node, but node = {number} and its own addresses and certificate");
    eprintln!("(members stays as it is: those who founded the cluster), and the token in a file that only you can read:");
    eprintln!("  boxoffice cluster join --config node.toml --token-file token");
    eprintln!("  boxoffice serve --config node.toml");
    Ok(ExitCode::SUCCESS)
}
