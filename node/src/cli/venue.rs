//! `boxoffice venue`: venues; their plans are brought in by `boxoffice import plan`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::Connection;
use super::list::{Columns, Page, percent, print_list, print_object, read};
use super::output::{Output, cell};
use super::write::{Attempt, settled};

const VENUES: Columns = &[("id", "/id"), ("name", "/name"), ("city", "/city"), ("country", "/country"), ("capacity", "/capacity")];

/// Works with venues.
#[derive(Subcommand)]
pub enum VenueCommand {
    /// List venues.
    #[command(after_help = "Examples:\n  boxoffice venue list\n  boxoffice venue list --limit 100 -o jsonl")]
    List(ListArgs),
    /// Show a venue.
    #[command(after_help = "Example:\n  boxoffice venue get ven_01k8... -o json")]
    Get(GetArgs),
    /// Create a venue. Needs a coordinator's token.
    #[command(after_help = "Example:\n  boxoffice venue create --name 'Arena North' --city Berlin --country DE --time-zone Europe/Berlin")]
    Create(CreateArgs),
}

#[derive(Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `venue list`.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    page: Page,
}

/// Arguments of `venue get`.
#[derive(Args)]
pub struct GetArgs {
    #[command(flatten)]
    common: Common,
    /// The venue's id.
    venue: String,
}

/// Arguments of `venue create`.
#[derive(Args)]
pub struct CreateArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    /// Its name.
    #[arg(long)]
    name: String,
    /// Its city.
    #[arg(long)]
    city: String,
    /// ISO 3166 alpha-2, such as DE.
    #[arg(long)]
    country: String,
    /// IANA, such as Europe/Berlin.
    #[arg(long)]
    time_zone: String,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub fn run(command: VenueCommand) -> anyhow::Result<ExitCode> {
    super::runtime(1)?.block_on(async {
        match command {
            VenueCommand::List(args) => {
                print_list(args.common.output, &read(&args.common.connection.client()?, "/venue", &args.page.query()).await?, VENUES);
            }
            VenueCommand::Get(args) => {
                let found = args.common.connection.client()?.get(&format!("/venue/{}", percent(&args.venue))).await?;
                print_object(args.common.output, &found);
            }
            VenueCommand::Create(args) => {
                let body = json!({"name": args.name, "city": args.city, "country": args.country, "time_zone": args.time_zone});
                let key = args.attempt.key();
                let made = settled(&key, args.common.connection.client()?.post("/venue", &body, &key).await)?;
                print_object(args.common.output, &made);
                eprintln!("next: boxoffice import plan --venue {} plan.json", cell(&made["id"]));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
