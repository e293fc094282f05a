//! `boxoffice log show`: the entries of a group's log in words, from a running node or from the files of a stopped one.

use std::path::PathBuf;
use std::process::ExitCode;

use boxoffice_api::client::entry_value;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_raft::data_dir::DataDir;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Connection;
use super::output::Output;
use crate::inspect::describe;
use crate::inspect::machines::counts_of;

/// Entries of one page.
const PAGE: usize = 500;

/// Reads the log.
#[derive(Subcommand)]
pub enum LogCommand {
    /// Show committed entries: when, and what was asked for, without secrets and personal data.
    #[command(after_help = "Examples:\n  boxoffice log show --group 3 --from 1200 --to 1300\n  \
                      boxoffice log show --group 0 --data-dir /var/lib/boxoffice -o jsonl | grep put_event")]
    Show(ShowArgs),
}

/// Arguments of `log show`.
#[derive(Args)]
pub struct ShowArgs {
    #[command(flatten)]
    connection: Connection,
    /// Read this directory of a node that does not run. Nothing is written to it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The node's configuration, for its numbers of groups; needed when they are not the usual ones.
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    config: Option<PathBuf>,
    /// The group.
    #[arg(long)]
    group: u32,
    /// The first entry; by default the first that is left.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The last entry; by default the last that is committed.
    #[arg(long)]
    to: Option<u64>,
    /// How to print the entries; a row a command, or an object a line.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs a command.
///
/// # Errors
/// When the node cannot be asked, or files cannot be read.
pub fn run(command: LogCommand) -> anyhow::Result<ExitCode> {
    let LogCommand::Show(args) = command;
    let mut lines = Lines { output: args.output, all: Vec::new() };
    if args.output == Output::Table {
        println!("{}", row("index", "term", "leader", "at", "what"));
    }
    match &args.data_dir {
        Some(dir) => of_directory(&args, dir, &mut lines)?,
        None => super::runtime(1)?.block_on(of_node(&args, &mut lines))?,
    }
    if args.output == Output::Json {
        println!("{}", Value::from(lines.all));
    }
    Ok(ExitCode::SUCCESS)
}

fn of_directory(args: &ShowArgs, dir: &std::path::Path, lines: &mut Lines) -> anyhow::Result<()> {
    let config = args.config.as_ref().map(|path| super::serve::read_config(path)).transpose()?;
    let dir = DataDir::open(dir)?;
    let group = GroupId(args.group);
    let kind = counts_of(&dir, config.map(|config| config.groups))?.kind(group);
    let kind = kind.ok_or_else(|| anyhow::anyhow!("there is no group {}", args.group))?;
    let to = args.to.unwrap_or(u64::MAX);
    let mut next = args.from;
    loop {
        let page = dir.entries(group, next, PAGE)?;
        let Some(last) = page.last().map(|last| last.index) else { return Ok(()) };
        for entry in page.into_iter().take_while(|entry| entry.index <= to) {
            lines.take(entry_value(&describe::entry(kind, entry)));
        }
        if last >= to {
            return Ok(());
        }
        next = last + 1;
    }
}

async fn of_node(args: &ShowArgs, lines: &mut Lines) -> anyhow::Result<()> {
    let client = args.connection.client()?;
    let to = args.to.unwrap_or(u64::MAX);
    let mut next = args.from;
    loop {
        let page = client.log_page(args.group, next, PAGE).await?;
        for entry in page["data"].as_array().into_iter().flatten() {
            let index = entry["index"].as_u64().unwrap_or(u64::MAX);
            if index > to {
                return Ok(());
            }
            next = index.saturating_add(1);
            lines.take(entry.clone());
        }
        if page["has_more"] != true {
            return Ok(());
        }
    }
}

/// Prints entries as they come; only one JSON value has to wait for the last.
struct Lines {
    output: Output,
    all: Vec<Value>,
}

impl Lines {
    fn take(&mut self, entry: Value) {
        match self.output {
            Output::Json => self.all.push(entry),
            Output::Jsonl => println!("{entry}"),
            Output::Table => print!("{}", rows(&entry)),
        }
    }
}

fn row(index: &str, term: &str, leader: &str, at: &str, what: &str) -> String {
    format!("{index:>10}  {term:>5}  {leader:>6}  {at:<27}  {what}").trim_end().to_owned()
}

/// A row a command; one for an entry without any.
fn rows(entry: &Value) -> String {
    let number = |name: &str| entry[name].as_u64().map_or_else(String::new, |number| number.to_string());
    let (index, term, leader) = (number("index"), number("term"), number("leader"));
    let at = entry["at"].as_str().unwrap_or("-");
    let what: Vec<String> = match entry["commands"].as_array() {
        Some(commands) => commands.iter().map(what).collect(),
        None if entry["voters"].is_array() => vec![format!("membership voters={} nodes={}", entry["voters"], entry["nodes"])],
        None => vec![entry["kind"].as_str().unwrap_or("?").to_owned()],
    };
    what.iter().map(|what| format!("{}\n", row(&index, &term, &leader, at, what))).collect()
}

fn what(command: &Value) -> String {
    let about = command["about"].as_array().into_iter().flatten();
    let about = about.map(|one| format!(" {}={}", one["name"].as_str().unwrap_or("?"), one["value"].as_str().unwrap_or("?")));
    format!("{}{}", command["name"].as_str().unwrap_or("?"), about.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_a_row_a_command() {
        let about = json!([{"name": "event", "value": "evt_1"}]);
        let at = "2026-11-26T10:00:00.123456Z";
        let entry = json!({
            "index": 12, "term": 3, "leader": 2, "kind": "batch", "at": at,
            "commands": [{"name": "pulse", "about": []}, {"name": "hold", "about": about}],
        });
        let expected = format!("        12      3       2  {at}  pulse\n        12      3       2  {at}  hold event=evt_1\n");
        assert_eq!(rows(&entry), expected);
        let entry = json!({"index": 1, "term": 1, "leader": 1, "kind": "membership", "voters": [[1, 2]], "nodes": [1, 2]});
        assert!(rows(&entry).ends_with("-                            membership voters=[[1,2]] nodes=[1,2]\n"), "{}", rows(&entry));
    }
}
