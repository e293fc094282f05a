//! `boxoffice ticket`: the caller's tickets, giving them on and giving them back.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::Connection;
use super::list::{Columns, Page, percent, print_list, print_object, read};
use super::output::Output;
use super::write::{Attempt, Consent, settled};

const TICKETS: Columns =
    &[("id", "/id"), ("state", "/state"), ("event", "/event"), ("seat", "/seat"), ("price", "/price"), ("issued_at", "/issued_at")];

/// Works with tickets.
#[derive(Subcommand)]
pub enum TicketCommand {
    /// List the tickets of whoever the token is of.
    #[command(after_help = "Examples:\n  boxoffice ticket list\n  boxoffice ticket list --event evt_01k8... -o jsonl")]
    List(ListArgs),
    /// Show a ticket, with its code while it is good for entry.
    #[command(after_help = "Example:\n  boxoffice ticket get tkt_01k8... -o json")]
    Get(OneArgs),
    /// Offer a ticket to somebody else; its code is dead at once.
    #[command(after_help = "Example:\n  boxoffice ticket transfer tkt_01k8... --to ada@example.org")]
    Transfer(TransferArgs),
    /// Give a ticket back for its price, by the event's policy.
    #[command(after_help = "Examples:\n  boxoffice ticket refund tkt_01k8...\n  boxoffice ticket refund --yes --reason ill tkt_01k8...")]
    Refund(RefundArgs),
}

#[derive(Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `ticket list`.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    page: Page,
    /// Only of this event.
    #[arg(long)]
    event: Option<String>,
    /// Only of events to come, or of past ones.
    #[arg(long, value_parser = ["upcoming", "past"])]
    when: Option<String>,
}

/// Arguments of `ticket get`.
#[derive(Args)]
pub struct OneArgs {
    #[command(flatten)]
    common: Common,
    /// The ticket's id.
    ticket: String,
}

/// Arguments of `ticket transfer`.
#[derive(Args)]
pub struct TransferArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    attempt: Attempt,
    /// The e-mail of the new owner.
    #[arg(long, value_name = "EMAIL")]
    to: String,
}

/// Arguments of `ticket refund`.
#[derive(Args)]
pub struct RefundArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    attempt: Attempt,
    #[command(flatten)]
    consent: Consent,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub fn run(command: TicketCommand) -> anyhow::Result<ExitCode> {
    super::runtime(1)?.block_on(async {
        match command {
            TicketCommand::List(args) => {
                let mut query = args.page.query();
                let filters = [("event", args.event), ("when", args.when)];
                query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
                print_list(args.common.output, &read(&args.common.connection.client()?, "/user/ticket", &query).await?, TICKETS);
            }
            TicketCommand::Get(args) => {
                print_object(args.common.output, &args.common.connection.client()?.get(&path(&args)).await?);
            }
            TicketCommand::Transfer(args) => {
                let key = args.attempt.key();
                let client = args.one.common.connection.client()?;
                let made = settled(&key, client.post(&format!("{}/transfer", path(&args.one)), &json!({"to": args.to}), &key).await)?;
                print_object(args.one.common.output, &made);
            }
            TicketCommand::Refund(args) => refund(args).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn path(args: &OneArgs) -> String {
    format!("/user/ticket/{}", percent(&args.ticket))
}

async fn refund(args: RefundArgs) -> anyhow::Result<()> {
    if !args.consent.given(&format!("give {} back, for good", args.one.ticket))? {
        return Ok(());
    }
    let body = args.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}));
    let key = args.attempt.key();
    let client = args.one.common.connection.client()?;
    let made = settled(&key, client.post(&format!("{}/refund", path(&args.one)), &body, &key).await)?;
    print_object(args.one.common.output, &made);
    Ok(())
}
