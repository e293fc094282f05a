//! `boxoffice context`: names for the clusters that somebody works with, so that a command says `--context arena` instead of addresses
//! and a token.

mod file;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

pub use file::Contexts;
use file::{Context, is_name};

use super::list::{Columns, print_list};
use super::output::Output;

/// Works with contexts.
#[derive(Subcommand)]
pub enum ContextCommand {
    /// List the contexts; the one in use has a star.
    #[command(after_help = "Example:\n  boxoffice context list")]
    List(ListArgs),
    /// Make a context, or change one. The first one is in use at once.
    #[command(
        after_help = "Examples:\n  boxoffice context set arena --endpoint https://box1.example.net,https://box2.example.net \\\n    \
                      --token-file ~/.arena-token\n  boxoffice context set dev --endpoint http://127.0.0.1:7480"
    )]
    Set(SetArgs),
    /// Use a context wherever no other and no endpoint is named.
    #[command(after_help = "Examples:\n  boxoffice context use arena\n  boxoffice context use --none")]
    Use(UseArgs),
    /// Forget a context. Nothing happens to the cluster.
    #[command(after_help = "Example:\n  boxoffice context remove arena")]
    Remove(RemoveArgs),
}

/// Arguments of `context list`.
#[derive(Args)]
pub struct ListArgs {
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `context set`.
#[derive(Args)]
pub struct SetArgs {
    /// Its name: letters, digits, `-`, `_` and `.`.
    name: String,
    /// Base URLs of the cluster's nodes, comma separated.
    #[arg(long, value_delimiter = ',', required = true)]
    endpoint: Vec<String>,
    /// A file with the token to speak with; it is read whenever a command needs it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Arguments of `context use`.
#[derive(Args)]
pub struct UseArgs {
    /// Which one.
    #[arg(required_unless_present = "none")]
    name: Option<String>,
    /// Use none.
    #[arg(long, conflicts_with = "name")]
    none: bool,
}

/// Arguments of `context remove`.
#[derive(Args)]
pub struct RemoveArgs {
    /// Which one.
    name: String,
}

/// Runs a command.
///
/// # Errors
/// When the file of the contexts cannot be read or written, or there is no such context.
pub fn run(command: ContextCommand) -> anyhow::Result<ExitCode> {
    let mut contexts = Contexts::open()?;
    match command {
        ContextCommand::List(args) => list(&contexts, args.output),
        ContextCommand::Set(args) => set(&mut contexts, args)?,
        ContextCommand::Use(args) => {
            if let Some(name) = &args.name {
                contexts.chosen(Some(name))?;
            }
            contexts.current = args.name;
            contexts.save()?;
        }
        ContextCommand::Remove(args) => {
            contexts.chosen(Some(&args.name))?;
            contexts.context.remove(&args.name);
            contexts.current.take_if(|current| *current == args.name);
            contexts.save()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: Columns = &[("used", "/used"), ("name", "/name"), ("endpoint", "/endpoint"), ("token_file", "/token_file")];

fn list(contexts: &Contexts, output: Output) {
    let line = |(name, context): (&String, &Context)| {
        let is_used = contexts.current.as_ref() == Some(name);
        let used: Value = if output == Output::Table { if is_used { "*" } else { "" }.into() } else { is_used.into() };
        json!({"used": used, "name": name, "endpoint": context.endpoint, "token_file": context.token_file})
    };
    let lines: Vec<Value> = contexts.context.iter().map(line).collect();
    print_list(output, &json!({"object": "list", "data": lines, "has_more": false}), COLUMNS);
}

fn set(contexts: &mut Contexts, args: SetArgs) -> anyhow::Result<()> {
    if !is_name(&args.name) {
        bail!("{:?} is no name: letters, digits, `-`, `_` and `.`, 64 at most", args.name);
    }
    if let Some(wrong) = args.endpoint.iter().find(|url| !(url.starts_with("http://") || url.starts_with("https://"))) {
        bail!("{wrong:?} is no address: write http://HOST:PORT or https://HOST");
    }
    // Where a command is called from does not matter later.
    let token_file = args.token_file.map(std::path::absolute).transpose()?;
    let context = Context { endpoint: args.endpoint, token_file };
    context.token()?;
    contexts.context.insert(args.name.clone(), context);
    if contexts.context.len() == 1 {
        contexts.current = Some(args.name.clone());
    }
    contexts.save()?;
    match contexts.current.as_ref() == Some(&args.name) {
        true => eprintln!("context {} is in use", args.name),
        false => eprintln!("context {} is set; `boxoffice context use {}` makes it the usual one", args.name, args.name),
    }
    Ok(())
}
