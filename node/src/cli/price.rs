//! `boxoffice price`: looks at prices that move, works them out again, and tries another policy on a sale that was recorded.

mod record;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use boxoffice_api::client::{Client, LevelPrice};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::exit;
use super::output::{Output, table};
pub use record::{Record, record};

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
        self.connection.client()
    }
}

async fn show(args: &EventArgs) -> anyhow::Result<ExitCode> {
    let client = args.client()?;
    if args.output != Output::Table {
        args.output.print_json(&client.get(&format!("/event/{}/price", args.event)).await?);
        return Ok(ExitCode::SUCCESS);
    }
    let prices = client.prices(&args.event).await?;
    let rows = prices.levels.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
    print!("{}", table(&["level", "name", "price", "version", "floor", "ceiling", "policy", "taken", "free"], &rows));
    Ok(ExitCode::SUCCESS)
}

fn row(level: &LevelPrice) -> anyhow::Result<Vec<String>> {
    let policy = level.policy()?.name();
    let LevelPrice { level: number, name, price, version, floor, ceiling, taken, free, .. } = level;
    let price = format!("{} {}", price.amount, price.currency);
    let numbers = [number.to_string(), name.clone(), price, version.to_string(), floor.amount.to_string(), ceiling.amount.to_string()];
    Ok(numbers.into_iter().chain([policy.to_string(), taken.to_string(), free.to_string()]).collect())
}

async fn history(args: &HistoryArgs) -> anyhow::Result<ExitCode> {
    let lines = args.of.client()?.price_history(&args.of.event, args.level).await?;
    if args.of.output != Output::Table {
        args.of.output.print_json(&Value::from(lines));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |change: &Value| {
        let number = |name: &str| change[name].to_string();
        let at = change["at"].as_str().unwrap_or_default().to_owned();
        vec![number("level"), number("version"), at, number("from"), number("to"), why(change)]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    print!("{}", table(&["level", "version", "at", "from", "to", "why"], &rows));
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
        output @ (Output::Json | Output::Jsonl) => output.print_json(&json!({"event": args.event, "changes": count, "violations": wrong})),
        Output::Table => {
            println!("{count} changes of prices worked out again, {} do not follow", wrong.len());
            wrong.iter().for_each(|what| println!("  {what}"));
        }
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::VIOLATION) })
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
