//! The command line: one file a command. stdout is for data, stderr for everything else.

mod backup;
mod cluster;
mod connection;
mod demo;
mod dev;
pub mod event;
mod exit;
mod import;
mod output;
pub mod price;
mod sandbox;
mod serve;
mod token;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "boxoffice", version, about = "A ticketing cluster in one binary: seats are never sold twice.", after_help = exit::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start three nodes on this machine with two events on sale, and say where to look.
    Dev(dev::DevArgs),
    /// Run one node of a cluster.
    Serve(serve::ServeArgs),
    /// Run a payment provider that moves no money, for tests and development.
    SandboxProvider(sandbox::SandboxArgs),
    /// Print an access token, signed with the cluster's secret.
    Token(token::TokenArgs),
    /// Print a new cluster secret.
    #[command(after_help = "Example:\n  boxoffice secret > /etc/boxoffice/secret && chmod 600 /etc/boxoffice/secret")]
    Secret,
    /// Check a configuration file.
    Check(serve::ServeArgs),
    /// Set a cluster up, show it, let nodes come and go.
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Measure a running cluster.
    #[command(after_help = "Example:\n  boxoffice bench book --config node.toml --seats 50000 --clients 64,256")]
    Bench(crate::bench::BenchArgs),
    /// Print the OpenAPI document of this build.
    #[command(after_help = "Example:\n  boxoffice openapi > openapi.json")]
    Openapi,
    /// Make backups, look at them, check them, bring a cluster back.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Work with events.
    #[command(subcommand)]
    Event(event::EventCommand),
    /// Look at prices that move, check them, and try other ones.
    #[command(subcommand)]
    Price(price::PriceCommand),
    /// Bring real data in.
    #[command(subcommand)]
    Import(import::ImportCommand),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Dev(args) => dev::run(args),
        Command::Serve(args) => serve::run(&args),
        Command::SandboxProvider(args) => sandbox::run(args),
        Command::Token(args) => token::run(&args),
        Command::Secret => crate::secret::fresh().map(|secret| print!("{secret}")).map(|()| ExitCode::SUCCESS),
        Command::Check(args) => serve::check(&args),
        Command::Cluster(command) => cluster::run(command),
        Command::Bench(args) => crate::bench::run(&args),
        Command::Openapi => openapi(),
        Command::Backup(command) => backup::run(command),
        Command::Event(command) => event::run(command),
        Command::Price(command) => price::run(command),
        Command::Import(command) => import::run(command),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  caused by: {cause}");
        }
        exit::of(&error)
    })
}

fn openapi() -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&boxoffice_api::openapi::document())?);
    Ok(ExitCode::SUCCESS)
}

/// A runtime of so many threads: one is enough for commands that talk to a cluster.
fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

/// Cores of this machine that the process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
