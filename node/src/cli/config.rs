//! `boxoffice config`: is a configuration right, and what does it come to.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use boxoffice_cluster_config::file::Config;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::output::{Output, flatten, table};
use super::serve::read_config;

/// Works with configuration files.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether a configuration file is right, and the files that it names.
    #[command(after_help = "Example:\n  boxoffice config check --config /etc/boxoffice/node.toml")]
    Check(FileArgs),
    /// Print every value of a configuration, and what it would be by default. Secrets are files, and only their names are shown.
    #[command(after_help = "Examples:\n  boxoffice config show --config node.toml\n  boxoffice config show --config node.toml -o json")]
    Show(ShowArgs),
}

/// Arguments of `config check`.
#[derive(Args)]
pub struct FileArgs {
    /// The node's configuration file.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

/// Arguments of `config show`.
#[derive(Args)]
pub struct ShowArgs {
    #[command(flatten)]
    file: FileArgs,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs a command.
///
/// # Errors
/// When the file cannot be read or is not right.
pub fn run(command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check(args) => check(&args.config),
        ConfigCommand::Show(args) => show(&args),
    }
}

fn check(path: &std::path::Path) -> anyhow::Result<ExitCode> {
    let config = read_config(path)?;
    crate::secret::read(&config.secret_file)?;
    crate::payment::open(&config)?;
    for note in crate::certificates::check(&config)? {
        eprintln!("note: {note}");
    }
    eprintln!("{} is right: node {} of cluster {}, {} members", path.display(), config.node.0, config.cluster, config.members.len());
    Ok(ExitCode::SUCCESS)
}

/// What a file must say; everything else has a default.
const REQUIRED: [&str; 7] = ["cluster", "node", "data_dir", "http", "peer", "secret_file", "members"];

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let config = serde_json::to_value(read_config(&args.file.config)?)?;
    let required: Map<String, Value> = REQUIRED.iter().map(|name| ((*name).to_owned(), config[*name].clone())).collect();
    let default: Config = serde_json::from_value(required.into()).context("work the defaults out")?;
    let default = serde_json::to_value(default)?;
    if args.output != Output::Table {
        args.output.print_json(&json!({"object": "config", "values": config, "defaults": without(&default, &REQUIRED)}));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = lines(&config)
        .into_iter()
        .map(|(name, value)| {
            let is_required = REQUIRED.contains(&name.split('.').next().unwrap_or_default());
            let usual = lines(&default).into_iter().find(|(other, _)| *other == name).map(|(_, usual)| usual);
            let usual = match usual {
                _ if is_required => "(must be said)".to_owned(),
                Some(usual) if usual == value => String::new(),
                other => other.unwrap_or_default(),
            };
            vec![name, value, usual]
        })
        .collect();
    print!("{}", table(&["key", "value", "default, if another"], &rows));
    Ok(ExitCode::SUCCESS)
}

/// A line a value; one a member.
fn lines(config: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, value) in config.as_object().into_iter().flatten() {
        match value.as_array() {
            Some(items) if name == "members" => {
                items.iter().for_each(|item| flatten(&format!("members.{}", item["node"]), item, &mut found));
            }
            _ => flatten(name, value, &mut found),
        }
    }
    found
}

fn without(value: &Value, names: &[&str]) -> Value {
    let members = value.as_object().into_iter().flatten().filter(|(name, _)| !names.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default_and_the_rest_is_listed() {
        let text = include_str!("../../../cluster-config/examples/one-node.toml");
        let config = serde_json::to_value(Config::parse(text).unwrap()).unwrap();
        let required: Map<String, Value> = REQUIRED.iter().map(|name| ((*name).to_owned(), config[*name].clone())).collect();
        let default: Config = serde_json::from_value(required.into()).unwrap();
        let names: Vec<String> = lines(&serde_json::to_value(default).unwrap()).into_iter().map(|(name, _)| name).collect();
        for name in ["raft.heartbeat_ms", "members.1.peer", "secret_file", "groups.events"] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
    }
}
