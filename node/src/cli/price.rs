//! `boxoffice price`: looks at prices that move, works them out again, and tries another policy on a sale that was recorded.

mod record;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use boxoffice_api::client::{Client, LevelPrice};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

pub use record::{Record, record};

/// The exit code of a check that found a violation.
const EXIT_VIOLATION: u8 = 8;

/// Works with prices.
#[derive(Subcommand)]
pub enum PriceCommand {
    /// Show the prices of an event: now, their bounds, and how they move.
    #[command(after_help = "Example:\n  boxoffice price show evt_01k8...")]
    Show(EventArgs),
    /// List the changes of an event's prices, with what each was worked out from.
    #[command(after_help = "Examples:\n  boxoffice price history evt_01k8...\n  boxoffice price history --level 0 -o json evt_01k8...")]
    History(HistoryArgs),
    /// Work every price of an event out again from what was noted with it. Exit code 8 if one does not follow.
    #[command(after_help = "Example:\n  boxoffice price verify evt_01k8...")]
    Verify(EventArgs),
    /// Write how an event was sold, line by line, for `simulate`. Needs its coordinator's token.
    #[command(after_help = "Example:\n  boxoffice price record evt_01k8... > sale.jsonl")]
    Record(EventArgs),
    /// Try another policy on a sale that was recorded. Needs no cluster.
    #[command(after_help = "Examples:\n  boxoffice price simulate --policy policy.json sale.jsonl\n  \
                      echo '{\"type\":\"fixed\"}' | boxoffice price simulate --level 1 --policy - sale.jsonl")]
    Simulate(SimulateArgs),
}

#[derive(Args)]
struct Connection {
    /// Base URLs of the cluster's nodes, comma separated.
    #[arg(long, env = "BOXOFFICE_ENDPOINT", value_delimiter = ',', default_value = "http://127.0.0.1:7480")]
    endpoint: Vec<String>,
    /// A token, where one is needed; see `boxoffice token`.
    #[arg(long, env = "BOXOFFICE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// Arguments of the commands about one event.
#[derive(Args)]
pub struct EventArgs {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// The event's id.
    event: String,
}

/// Arguments of `price history`.
#[derive(Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    of: EventArgs,
    /// Only of the price level with this index.
    #[arg(long)]
    level: Option<u16>,
}

/// Arguments of `price simulate`.
#[derive(Args)]
pub struct SimulateArgs {
    /// The policy to try, as the API reads it, in a file; - = standard input.
    #[arg(long)]
    policy: PathBuf,
    /// The price level with this index.
    #[arg(long, default_value_t = 0)]
    level: u16,
    /// The price to begin with, in minor units; by default that of the record.
    #[arg(long)]
    price: Option<u64>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// A record of `boxoffice price record` or `boxoffice bench book --record`.
    file: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached, or a file cannot be read.
pub fn run(command: PriceCommand) -> anyhow::Result<ExitCode> {
    if let PriceCommand::Simulate(args) = command {
        return simulate::run(&args);
    }
    super::runtime(1)?.block_on(async {
        match command {
            PriceCommand::Show(args) => show(&args).await,
            PriceCommand::History(args) => history(&args).await,
            PriceCommand::Verify(args) => verify(&args).await,
            PriceCommand::Record(args) => write_record(&args).await,
            PriceCommand::Simulate(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

impl EventArgs {
    fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(self.connection.endpoint.clone(), self.connection.token.clone())?)
    }
}

async fn show(args: &EventArgs) -> anyhow::Result<ExitCode> {
    let client = args.client()?;
    if args.output == Output::Json {
        println!("{}", client.get(&format!("/event/{}/price", args.event)).await?);
        return Ok(ExitCode::SUCCESS);
    }
    let prices = client.prices(&args.event).await?;
    println!(
        "{:<5} {:<20} {:>12} {:>8} {:>12} {:>12} {:<7} {:>7} {:>7}",
        "level", "name", "price", "version", "floor", "ceiling", "policy", "taken", "free"
    );
    for level in &prices.levels {
        println!("{}", line(level)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(level: &LevelPrice) -> anyhow::Result<String> {
    let policy = level.policy()?.name();
    let LevelPrice { level: number, name, price, version, floor, ceiling, taken, free, .. } = level;
    let price = format!("{} {}", price.amount, price.currency);
    let (floor, ceiling) = (floor.amount, ceiling.amount);
    Ok(format!("{number:<5} {name:<20} {price:>12} {version:>8} {floor:>12} {ceiling:>12} {policy:<7} {taken:>7} {free:>7}"))
}

async fn history(args: &HistoryArgs) -> anyhow::Result<ExitCode> {
    let lines = args.of.client()?.price_history(&args.of.event, args.level).await?;
    if args.of.output == Output::Json {
        println!("{}", Value::from(lines));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{:<5} {:>7} {:<27} {:>10} {:>10} why", "level", "version", "at", "from", "to");
    for change in &lines {
        let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let (level, version, from, to) = (&change["level"], &change["version"], &change["from"], &change["to"]);
        let (level, version, from, to) = (level.to_string(), version.to_string(), from.to_string(), to.to_string());
        println!("{level:<5} {version:>7} {:<27} {from:>10} {to:>10} {}", text("at"), why(change));
    }
    Ok(ExitCode::SUCCESS)
}

/// Why a price changed, for people.
fn why(change: &Value) -> String {
    let inputs = &change["inputs"];
    match change["cause"].as_str().unwrap_or_default() {
        "demand" => {
            let (sold, capacity, held) = (&inputs["sold"], &inputs["capacity"], &inputs["held"]);
            format!("demand: {sold} of {capacity} sold, {} at the step before, {held} held", inputs["sold_before"])
        }
        "policy" => {
            format!("policy: {}: {}", change["policy"]["type"].as_str().unwrap_or_default(), change["reason"].as_str().unwrap_or_default())
        }
        cause => format!("{cause}: tier {}, {} places taken", change["tier"], change["taken"]),
    }
}

async fn verify(args: &EventArgs) -> anyhow::Result<ExitCode> {
    let (count, wrong) = verified(&args.client()?, &args.event).await?;
    match args.output {
        Output::Json => println!("{}", json!({"event": args.event, "changes": count, "violations": wrong})),
        Output::Table => {
            println!("{count} changes of prices worked out again, {} do not follow", wrong.len());
            wrong.iter().for_each(|what| println!("  {what}"));
        }
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_VIOLATION) })
}

/// Works every price of an event out again: how many changes follow from what was noted, and what does not.
///
/// # Errors
/// When the cluster cannot be reached or its answers are not understood.
pub async fn verified(client: &Client, event: &str) -> anyhow::Result<(usize, Vec<String>)> {
    let prices = client.prices(event).await.context("read the prices")?;
    let changes = client.price_changes(event).await.context("read their history")?;
    let (mut count, mut wrong) = (0, Vec::new());
    for level in &prices.levels {
        match level.verify(&changes) {
            Ok(more) => count += more,
            Err(what) => wrong.push(format!("price level {}: {what}", level.level)),
        }
    }
    Ok((count, wrong))
}

async fn write_record(args: &EventArgs) -> anyhow::Result<ExitCode> {
    let record = record(&args.client()?, &args.event).await?;
    print!("{}", record.text());
    Ok(ExitCode::SUCCESS)
}
