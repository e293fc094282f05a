//! The command line: one file a command. stdout is for data, stderr for everything else.

mod backup;
mod check;
mod cluster;
mod completions;
mod config;
mod connection;
mod context;
mod demo;
mod dev;
mod doctor;
pub mod event;
mod exit;
mod hold;
mod import;
mod input;
mod list;
mod log;
mod output;
pub mod price;
mod replay;
mod sandbox;
mod serve;
mod ticket;
mod token;
mod top;
mod user;
mod venue;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const ABOUT: &str = "A ticketing cluster in one binary: seats are never sold twice.";

#[derive(Parser)]
#[command(name = "boxoffice", version, about = ABOUT, after_help = exit::EXIT_CODES)]
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
    /// Hold things against what must be.
    #[command(subcommand)]
    Check(check::CheckCommand),
    /// Work with configuration files.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Read the log of a group.
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Look for what will hurt later, on this machine and in a cluster, and say what to do.
    Doctor(doctor::DoctorArgs),
    /// Watch a cluster: nodes, leaders, rates, queues.
    Top(top::TopArgs),
    /// Work out what a group's ledger was at a moment.
    Replay(replay::ReplayArgs),
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
    /// Work with venues.
    #[command(subcommand)]
    Venue(venue::VenueCommand),
    /// Work with accounts.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Hold seats and pay for them.
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// Work with tickets.
    #[command(subcommand)]
    Ticket(ticket::TicketCommand),
    /// Look at prices that move, check them, and try other ones.
    #[command(subcommand)]
    Price(price::PriceCommand),
    /// Bring real data in.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Give names to the clusters that you work with.
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Print a page of the manual.
    Man(completions::ManArgs),
    /// Print what exit codes mean.
    #[command(after_help = exit::EXIT_CODES)]
    ExitCodes,
    /// Print the version of this build.
    #[command(after_help = "Example:\n  boxoffice version")]
    Version,
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
        Command::Check(command) => check::run(command),
        Command::Config(command) => config::run(command),
        Command::Log(command) => log::run(command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Cluster(command) => cluster::run(command),
        Command::Bench(args) => crate::bench::run(&args),
        Command::Openapi => openapi(),
        Command::Backup(command) => backup::run(command),
        Command::Event(command) => event::run(command),
        Command::Venue(command) => venue::run(command),
        Command::User(command) => user::run(command),
        Command::Hold(command) => hold::run(command),
        Command::Ticket(command) => ticket::run(command),
        Command::Price(command) => price::run(command),
        Command::Import(command) => import::run(command),
        Command::Context(command) => context::run(command),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => completions::man(&args),
        Command::ExitCodes => said(exit::EXIT_CODES),
        Command::Version => said(concat!("boxoffice ", env!("CARGO_PKG_VERSION"))),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        for cause in error.chain().skip(1) {
            eprintln!("  caused by: {cause}");
        }
        exit::of(&error)
    })
}

fn said(text: &str) -> anyhow::Result<ExitCode> {
    println!("{text}");
    Ok(ExitCode::SUCCESS)
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
