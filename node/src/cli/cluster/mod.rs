//! `boxoffice cluster`: sets a cluster up, shows it, and lets nodes come and go.

mod add;
mod cert;
mod drain;
mod init;
mod join;
mod leaders;
mod members;
mod remove;
mod status;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use boxoffice_api::client::{Client, Member};
use clap::{Args, Subcommand};

use super::connection::Connection;
use super::output::Output;

/// How often a command that waits looks again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Sets a cluster up, shows it, and lets nodes come and go.
#[derive(Subcommand)]
pub enum ClusterCommand {
    /// Write what the nodes of a new cluster need: configurations, the secret, a CA and certificates. Overwrites nothing.
    #[command(after_help = "Examples:\n  boxoffice cluster init --dir arena --cluster arena --node box1:7580,http://box1:7480 \\\n    \
                      --node box2:7580,http://box2:7480 --node box3:7580,http://box3:7480 --at /etc/boxoffice --data /var/lib/boxoffice\n  \
                      boxoffice cluster init --dir try --cluster try --node 127.0.0.1:7580,http://127.0.0.1:7480")]
    Init(init::InitArgs),
    /// Show how every node stands: who answers, who leads what, how far each is behind, disks, versions.
    #[command(
        after_help = "Examples:\n  boxoffice cluster status\n  boxoffice cluster status -o json | jq '.nodes[] | select(.answers | not)'"
    )]
    Status(NodesArgs),
    /// List the nodes, removed ones too.
    #[command(after_help = "Example:\n  boxoffice cluster members -o jsonl")]
    Members(NodesArgs),
    /// Give a number and a token to a node that is to join. Needs an admin's token.
    #[command(after_help = "Example:\n  boxoffice cluster add --peer box4.example.net:7580 --http http://box4.example.net:7480")]
    Add(add::AddArgs),
    /// Join a running cluster: brings the token, and writes what `serve` needs into this node's data directory.
    #[command(after_help = "Example:\n  boxoffice cluster join --config /etc/boxoffice/node.toml --token-file token && rm token")]
    Join(join::JoinArgs),
    /// Let a node decide nothing any more, before it is stopped for long or removed. It goes on serving whoever looks.
    #[command(after_help = "Examples:\n  boxoffice cluster drain 3 --yes\n  boxoffice cluster drain 3 --undo")]
    Drain(drain::DrainArgs),
    /// Take a node out for good, also one that is dead. Its number is never used again. Needs an admin's token.
    #[command(after_help = "Examples:\n  boxoffice cluster remove 3 --dry-run\n  boxoffice cluster remove 3 --yes")]
    Remove(remove::RemoveArgs),
    /// Have a node lead a group, for ten minutes at least.
    #[command(after_help = "Example:\n  boxoffice cluster transfer-leader --group 3 --to 2")]
    TransferLeader(leaders::TransferArgs),
    /// Spread leaders evenly now. They spread by themselves when all has been calm for a while.
    #[command(after_help = "Example:\n  boxoffice cluster rebalance")]
    Rebalance(leaders::RebalanceArgs),
    /// Make the certificates with which nodes know each other, and clients the nodes.
    #[command(subcommand)]
    Cert(cert::CertCommand),
}

/// Arguments of commands that show something.
#[derive(Args)]
pub struct NodesArgs {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached, or a file is there that is to be kept, is missing, or cannot be written.
pub fn run(command: ClusterCommand) -> anyhow::Result<ExitCode> {
    match command {
        ClusterCommand::Init(args) => return init::run(&args),
        ClusterCommand::Cert(command) => return cert::run(command),
        _ => {}
    }
    super::runtime(1)?.block_on(async {
        match command {
            ClusterCommand::Status(args) => status::run(&args).await,
            ClusterCommand::Members(args) => members::run(&args).await,
            ClusterCommand::Add(args) => add::run(&args).await,
            ClusterCommand::Join(args) => join::run(&args).await,
            ClusterCommand::Drain(args) => drain::run(&args).await,
            ClusterCommand::Remove(args) => remove::run(&args).await,
            ClusterCommand::TransferLeader(args) => leaders::transfer(&args).await,
            ClusterCommand::Rebalance(args) => leaders::rebalance(&args).await,
            ClusterCommand::Init(_) | ClusterCommand::Cert(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

/// One of the nodes.
async fn member(client: &Client, node: u64) -> anyhow::Result<Member> {
    let members = client.members().await?;
    members.into_iter().find(|member| member.node == node).with_context(|| format!("there is no node {node}"))
}

/// Waits until a node is as `is_settled` says; tells what it still has, on standard error, whenever that changes.
async fn settle(client: &Client, node: u64, patience: Duration, is_settled: impl Fn(&Member) -> bool) -> anyhow::Result<Member> {
    let (begun, mut told) = (Instant::now(), String::new());
    loop {
        let now = member(client, node).await?;
        if is_settled(&now) {
            return Ok(now);
        }
        let why = now.note.as_deref().map_or(String::new(), |note| format!("; {note}"));
        let text = format!("n{node} leads {} groups, votes in {}, follows {}{why}", now.leads, now.votes, now.learns);
        if told != text {
            eprintln!("{text}");
            told = text;
        }
        if begun.elapsed() >= patience {
            bail!("not done after {} s: it goes on without this command; look with `boxoffice cluster members`", patience.as_secs());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
