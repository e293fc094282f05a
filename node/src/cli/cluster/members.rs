//! `boxoffice cluster members`: the registry of nodes.

use std::process::ExitCode;

use super::NodesArgs;
use crate::cli::output::{Output, table};

/// Lists the nodes.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub async fn run(args: &NodesArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    if args.output != Output::Table {
        args.output.print_json(&client.get("/cluster/member").await?);
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = client
        .members()
        .await?
        .into_iter()
        .map(|member| {
            let since = member.expires_at.map_or(member.since, |end| format!("until {end}"));
            vec![member.node.to_string(), member.state, member.peer, member.http, since]
        })
        .collect();
    print!("{}", table(&["node", "state", "peer", "http", "since"], &rows));
    Ok(ExitCode::SUCCESS)
}
