//! `boxoffice check ledger`: holds what must hold of the ledgers against a running cluster, or against the files of a stopped node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use boxoffice_api::backend::{Finding, GroupCheck};
use boxoffice_api::client::{Client, ClientError, Node};
use boxoffice_raft::data_dir::DataDir;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::exit;
use super::output::{Output, table};
use crate::inspect::check::{self, Cut};
use crate::inspect::machines::{Machines, counts_of};

/// How often the digests of a group are asked for until all nodes still remember the same index.
const TRIES: usize = 5;

/// Holds things against what must be.
#[derive(Subcommand)]
pub enum CheckCommand {
    /// Check the ledgers of all groups on all nodes, or those in a stopped node's directory. Exit code 8 if something is violated.
    #[command(
        after_help = "Examples:\n  boxoffice check ledger --endpoint http://10.0.0.1:7480,http://10.0.0.2:7480,http://10.0.0.3:7480\n  \
                      boxoffice check ledger --data-dir /var/lib/boxoffice --config /etc/boxoffice/node.toml -o json"
    )]
    Ledger(LedgerArgs),
}

/// Arguments of `check ledger`.
#[derive(Args)]
pub struct LedgerArgs {
    #[command(flatten)]
    connection: Connection,
    /// Check this directory of a node that does not run, instead of a cluster. Nothing is written to it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The node's configuration, for its numbers of groups; needed when they are not the usual ones.
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    config: Option<PathBuf>,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs a command.
///
/// # Errors
/// When a node cannot be asked, or files cannot be read.
pub fn run(command: CheckCommand) -> anyhow::Result<ExitCode> {
    let CheckCommand::Ledger(args) = command;
    let report = match &args.data_dir {
        Some(dir) => of_directory(dir, args.config.as_ref())?,
        None => super::runtime(1)?.block_on(of_cluster(&args.connection))?,
    };
    match args.output {
        Output::Table => report.print(),
        output @ (Output::Json | Output::Jsonl) => output.print_json(&report.json()),
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(exit::VIOLATION) })
}

fn of_directory(dir: &std::path::Path, config: Option<&PathBuf>) -> anyhow::Result<Report> {
    let config = config.map(|path| super::serve::read_config(path)).transpose()?;
    let dir = DataDir::open(dir)?;
    let counts = counts_of(&dir, config.map(|config| config.groups))?;
    let machines = Machines::replay(&dir, counts, |group| eprintln!("replaying group {group} of {}", counts.all().count()))?;
    eprintln!("groups are not held against each other: one node's files do not say what was on its way between them");
    let mut report = Report { cluster: dir.cluster().0.clone(), ..Report::default() };
    for found in check::all(&machines, counts, dir.node().0, Cut::Ragged) {
        report.take(&found);
    }
    Ok(report)
}

async fn of_cluster(connection: &Connection) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut nodes: Vec<(Client, Node)> = Vec::new();
    for client in connection.each()? {
        let status = client.status().await?;
        report.cluster.clone_from(&status.cluster);
        if nodes.iter().all(|(_, known)| known.node != status.node) {
            nodes.push((client, status));
        }
    }
    if nodes.len() < 2 {
        eprintln!("one node was asked: replicas were not compared; name all of them with --endpoint");
    }
    let groups: Vec<u32> = nodes.first().map_or_else(Vec::new, |(_, node)| node.groups.iter().map(|group| group.group).collect());
    for group in &groups {
        report.add("replicas", REPLICAS, replicas(&nodes, *group).await?);
    }
    for (client, node) in &nodes {
        for group in &groups {
            eprintln!("node {}: group {group} of {}", node.node, groups.len());
            report.take_answer(&client.check_group(*group).await?);
        }
    }
    Ok(report)
}

const REPLICAS: &str = "all replicas of a group have the same digest at the same index";

/// The digests of a group on all nodes at the last index that all have applied.
async fn replicas(nodes: &[(Client, Node)], group: u32) -> Result<Looked, ClientError> {
    let mut looked = Looked::default();
    for number in 1..=TRIES {
        let mut index = u64::MAX;
        for (client, _) in nodes {
            let status = client.status().await?;
            index = index.min(status.groups.iter().find(|line| line.group == group).map_or(0, |line| line.applied));
        }
        let mut digests = BTreeMap::new();
        for (client, node) in nodes {
            match client.digest(group, Some(index)).await {
                Ok(digest) => drop(digests.insert(node.node, digest.digest)),
                Err(ClientError::Refused { status: 404, .. }) if number < TRIES => {}
                Err(error) => return Err(error),
            }
        }
        if digests.len() < nodes.len() {
            continue;
        }
        let mut others = digests.iter();
        let Some((first, expected)) = others.next() else { break };
        for (node, digest) in others {
            let wrong = format!("group {group} at index {index}: node {first} has {expected}, node {node} has {digest}");
            looked.look((digest != expected).then_some(wrong));
        }
        break;
    }
    Ok(looked)
}

/// What was looked at, and what is wrong with it.
#[derive(Default)]
struct Looked {
    checked: u64,
    violated: u64,
    violations: Vec<String>,
}

impl Looked {
    fn look(&mut self, wrong: Option<String>) {
        self.checked += 1;
        self.violated += u64::from(wrong.is_some());
        self.violations.extend(wrong);
    }
}

/// One line an invariant, over all groups and nodes.
#[derive(Default)]
struct Report {
    cluster: String,
    nodes: Vec<u64>,
    groups: Vec<u32>,
    lines: Vec<(String, String, Looked)>,
}

impl Report {
    fn add(&mut self, invariant: &str, text: &str, looked: Looked) {
        let place = self.lines.iter().position(|line| (line.0.as_str(), line.1.as_str()) == (invariant, text));
        let place = place.unwrap_or_else(|| {
            self.lines.push((invariant.to_owned(), text.to_owned(), Looked::default()));
            self.lines.len() - 1
        });
        let line = &mut self.lines[place].2;
        line.checked += looked.checked;
        line.violated += looked.violated;
        line.violations.extend(looked.violations);
    }

    fn seen(&mut self, node: u64, group: u32) -> impl Fn(&String) -> String + use<> {
        if !self.nodes.contains(&node) {
            self.nodes.push(node);
        }
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
        move |violation| format!("node {node}, group {group}: {violation}")
    }

    fn take(&mut self, found: &GroupCheck) {
        let place = self.seen(found.node, found.group);
        for Finding { invariant, text, checked, violated, violations } in &found.findings {
            self.add(
                invariant,
                text,
                Looked { checked: *checked, violated: *violated, violations: violations.iter().map(&place).collect() },
            );
        }
    }

    fn take_answer(&mut self, found: &boxoffice_api::client::GroupCheck) {
        let place = self.seen(found.node, found.group);
        for finding in &found.findings {
            let violations = finding.violations.iter().map(&place).collect();
            self.add(&finding.invariant, &finding.text, Looked { checked: finding.checked, violated: finding.violated, violations });
        }
    }

    fn is_clean(&self) -> bool {
        self.lines.iter().all(|line| line.2.violated == 0)
    }

    fn json(&self) -> Value {
        let findings = self.lines.iter().map(|(invariant, text, looked)| {
            let Looked { checked, violated, violations } = looked;
            json!({"invariant": invariant, "text": text, "checked": checked, "violated": violated, "violations": violations})
        });
        json!({
            "object": "ledger_check",
            "cluster": self.cluster,
            "nodes": self.nodes,
            "groups": self.groups,
            "clean": self.is_clean(),
            "findings": findings.collect::<Vec<_>>(),
        })
    }

    fn print(&self) {
        let row = |(invariant, text, looked): &(String, String, Looked)| {
            vec![invariant.clone(), looked.checked.to_string(), looked.violated.to_string(), text.clone()]
        };
        let rows: Vec<Vec<String>> = self.lines.iter().map(row).collect();
        print!("{}", table(&["invariant", "checked", "violated", "what must hold"], &rows));
        for violation in self.lines.iter().flat_map(|line| &line.2.violations) {
            println!("violated: {violation}");
        }
        let verdict = if self.is_clean() { "clean" } else { "VIOLATED" };
        println!("{verdict}: {} groups on {} nodes of cluster {}", self.groups.len(), self.nodes.len(), self.cluster);
    }
}
