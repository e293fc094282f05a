//! `boxoffice cluster join`: the first step of a node that joins a running cluster, before it is served for the first time.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use boxoffice_api::client::{Client, Membership};
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_raft::book::{self, Book};
use boxoffice_raft::disk::RealDisk;
use clap::Args;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::serve::read_config;
use crate::cli::write::{Attempt, settled};
use crate::secret;

/// Where the token may stand instead of a file.
const TOKEN_VARIABLE: &str = "BOXOFFICE_JOIN_TOKEN";

/// Arguments.
#[derive(Args)]
pub struct JoinArgs {
    /// The new node's configuration file.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// A file with the token of `cluster add`; or the environment has it as BOXOFFICE_JOIN_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Base URLs of nodes to ask, comma separated; by default the members of the configuration.
    #[arg(long, value_delimiter = ',')]
    endpoint: Vec<String>,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    attempt: Attempt,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Joins.
///
/// # Errors
/// When the configuration is not that of a node that can join, the token is no good, or the data directory cannot be written.
pub async fn run(args: &JoinArgs) -> anyhow::Result<ExitCode> {
    let config = read_config(&args.config)?;
    ensure!(
        !config.is_founder(),
        "node {} is one of the members that found the cluster: it needs no token, run `boxoffice serve`",
        config.node.0
    );
    secret::read(&config.secret_file)?;
    crate::certificates::check(&config)?;
    // Before the token is used up.
    ensure!(
        !book::is_taken(&RealDisk, &config.data_dir),
        "{} is the data directory of a node already; a node that joins begins with an empty one",
        config.data_dir.display()
    );
    let endpoints = match args.endpoint.is_empty() {
        true => config.members.iter().map(|member| member.http.clone()).collect(),
        false => args.endpoint.clone(),
    };
    if args.dry_run {
        eprintln!("would ask {} and write {}; nothing was done", endpoints.join(", "), config.data_dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let token = token(args)?;
    let key = args.attempt.key();
    let joined = settled(&key, Client::new(endpoints, None)?.join(config.node.0, &token, &key).await)?;
    prepare(&config, &joined)?;
    if args.output != Output::Table {
        args.output.print_json(&json!({"object": "membership", "cluster": joined.cluster, "node": joined.node}));
    }
    let groups = config.groups;
    ensure!(
        (groups.events, groups.users) == (joined.event_groups, joined.user_groups),
        "node {} has joined, and its configuration is wrong: write events = {} and users = {} under [groups] before it is served",
        joined.node,
        joined.event_groups,
        joined.user_groups
    );
    eprintln!("node {} has joined {}; next: boxoffice serve --config {}", joined.node, joined.cluster, args.config.display());
    Ok(ExitCode::SUCCESS)
}

fn token(args: &JoinArgs) -> anyhow::Result<String> {
    match (&args.token_file, std::env::var(TOKEN_VARIABLE)) {
        (Some(path), _) => secret::read_text(path),
        (None, Ok(token)) => Ok(token),
        (None, Err(_)) => bail!("there is no token: give --token-file, or set {TOKEN_VARIABLE}"),
    }
}

/// Writes who the others are.
fn prepare(config: &Config, joined: &Membership) -> anyhow::Result<()> {
    let own = (&config.cluster, config.node.0);
    ensure!(
        (&ClusterId(joined.cluster.clone()), joined.node) == own,
        "the answer is for node {} of {}, the configuration is that of node {} of {}",
        joined.node,
        joined.cluster,
        config.node.0,
        config.cluster
    );
    let book = Book {
        revision: joined.revision,
        members: joined.members.iter().map(|member| (NodeId(member.node), member.peer.clone())).collect(),
        removed: joined.removed.iter().copied().map(NodeId).collect(),
    };
    let made = book::prepare(&RealDisk, &config.data_dir, &config.cluster, &book);
    made.with_context(|| format!("write {}; the token is used up, so that the node has to be invited again", config.data_dir.display()))
}
