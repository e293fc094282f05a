//! `boxoffice cluster transfer-leader` and `rebalance`: who leads which group.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::connection::Connection;
use crate::cli::output::{Output, table};
use crate::mint;

/// Arguments of `transfer-leader`.
#[derive(Args)]
pub struct TransferArgs {
    #[command(flatten)]
    connection: Connection,
    /// The group's number.
    #[arg(long)]
    group: u32,
    /// The node that is to lead it: one that votes there.
    #[arg(long, value_name = "NODE", value_parser = clap::value_parser!(u64).range(1..))]
    to: u64,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `rebalance`.
#[derive(Args)]
pub struct RebalanceArgs {
    #[command(flatten)]
    connection: Connection,
    /// Only say how many groups each node leads now.
    #[arg(long)]
    dry_run: bool,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Has a node lead a group.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub async fn transfer(args: &TransferArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    if args.dry_run {
        let status = client.get("/status").await?;
        let groups = status["groups"].as_array().context("there are no groups")?;
        let group =
            groups.iter().find(|group| group["group"] == args.group).with_context(|| format!("there is no group {}", args.group))?;
        eprintln!("would have n{} lead g{}, which n{} leads; nothing was done", args.to, args.group, group["leader"]);
        return Ok(ExitCode::SUCCESS);
    }
    let path = format!("/cluster/group/{}/leader", args.group);
    let done = client.post(&path, &json!({"node": args.to}), &mint::entropy().to_string()).await?;
    print(args.output, &Value::from(vec![done]));
    Ok(ExitCode::SUCCESS)
}

/// Spreads leaders.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub async fn rebalance(args: &RebalanceArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    if args.dry_run {
        for member in client.members().await?.iter().filter(|member| member.votes > 0) {
            eprintln!("n{} leads {} of {} groups in which it votes", member.node, member.leads, member.votes);
        }
        eprintln!("nothing was done");
        return Ok(ExitCode::SUCCESS);
    }
    let moved = client.post("/cluster/rebalance", &json!({}), &mint::entropy().to_string()).await?;
    print(args.output, &moved["data"]);
    eprintln!("{} leaders moved", moved["data"].as_array().map_or(0, Vec::len));
    Ok(ExitCode::SUCCESS)
}

fn print(output: Output, leaders: &Value) {
    if output != Output::Table {
        return output.print_json(leaders);
    }
    let row = |leader: &Value| vec![leader["group"].to_string(), leader["node"].to_string()];
    let rows: Vec<Vec<String>> = leaders.as_array().into_iter().flatten().map(row).collect();
    print!("{}", table(&["group", "leader"], &rows));
}
