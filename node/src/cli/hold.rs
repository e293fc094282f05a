//! `boxoffice hold`: seats for a while, and paying for them. Exit code 4 when somebody was faster.

use std::process::ExitCode;

use boxoffice_api::client::ClientError;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::list::{percent, print_object};
use super::output::{Output, cell};
use super::write::{Attempt, settled};

/// Works with holds.
#[derive(Subcommand)]
pub enum HoldCommand {
    /// Hold seats: the best that are free, or these. Exit code 4 if somebody was faster.
    #[command(after_help = "Examples:\n  boxoffice hold create evt_01k8... --best 2\n  \
                      boxoffice hold create evt_01k8... --seat A-12-3 --seat A-12-4 --expect-total 18000")]
    Create(CreateArgs),
    /// Show a hold.
    #[command(after_help = "Example:\n  boxoffice hold get evt_01k8... hld_01k8... -o json")]
    Get(OneArgs),
    /// Give the seats back.
    #[command(after_help = "Example:\n  boxoffice hold release evt_01k8... hld_01k8...")]
    Release(ReleaseArgs),
    /// Pay a hold. Exit code 4 if the payment is declined or the hold is over.
    #[command(after_help = "Examples:\n  boxoffice hold pay evt_01k8... hld_01k8... --method pm_card_visa\n  \
                      boxoffice hold pay evt_01k8... hld_01k8...   # costs nothing")]
    Pay(PayArgs),
}

#[derive(Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `hold create`.
#[derive(Args)]
pub struct CreateArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    /// The event's id.
    event: String,
    /// The best seats together: how many.
    #[arg(long, value_name = "COUNT", required_unless_present = "seat", conflicts_with = "seat")]
    best: Option<u32>,
    /// With --best: only in this section.
    #[arg(long, requires = "best")]
    section: Option<String>,
    /// With --best: no seat dearer than this, in minor units.
    #[arg(long, requires = "best")]
    max_price: Option<u64>,
    /// A seat by its label or index. Can be given several times: all or none.
    #[arg(long)]
    seat: Vec<String>,
    /// The total that you saw, in minor units: dearer now is refused.
    #[arg(long)]
    expect_total: Option<u64>,
    /// A promo code.
    #[arg(long)]
    promo: Option<String>,
}

/// Arguments of commands about one hold.
#[derive(Args)]
pub struct OneArgs {
    #[command(flatten)]
    common: Common,
    /// The event's id.
    event: String,
    /// The hold's id.
    hold: String,
}

/// Arguments of `hold release`.
#[derive(Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    attempt: Attempt,
}

/// Arguments of `hold pay`.
#[derive(Args)]
pub struct PayArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    attempt: Attempt,
    /// The payment provider's token of a payment method; none is needed when the total is zero.
    #[arg(long, value_name = "TOKEN")]
    method: Option<String>,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub fn run(command: HoldCommand) -> anyhow::Result<ExitCode> {
    super::runtime(1)?.block_on(async {
        match command {
            HoldCommand::Create(args) => create(args).await?,
            HoldCommand::Get(args) => {
                print_object(args.common.output, &args.common.connection.client()?.get(&path(&args)).await?);
            }
            HoldCommand::Release(args) => {
                let key = args.attempt.key();
                let client = args.one.common.connection.client()?;
                settled(&key, client.release(&args.one.event, &args.one.hold, &key).await)?;
                eprintln!("released");
            }
            HoldCommand::Pay(args) => pay(args).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn path(args: &OneArgs) -> String {
    format!("/event/{}/hold/{}", percent(&args.event), percent(&args.hold))
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let mut body = match args.best {
        Some(quantity) => json!({"best": {"quantity": quantity, "section": args.section, "max_price": args.max_price}}),
        None => json!({"seats": args.seat.iter().map(|seat| label_or_index(seat)).collect::<Vec<_>>()}),
    };
    if let Some(total) = args.expect_total {
        body["expect_total"] = total.into();
    }
    if let Some(promo) = args.promo {
        body["promo"] = promo.into();
    }
    let key = args.attempt.key();
    let client = args.common.connection.client()?;
    let held = client.post(&format!("/event/{}/hold", percent(&args.event)), &body, &key).await;
    if let Err(ClientError::Refused { problem, .. }) = &held {
        for other in problem["alternatives"].as_array().into_iter().flatten() {
            eprintln!("hint: free now: {} for {}", cell(&other["seats"]), cell(&other["total"]));
        }
    }
    let held = settled(&key, held)?;
    print_object(args.common.output, &held);
    eprintln!("next: boxoffice hold pay {} {}", args.event, cell(&held["id"]));
    Ok(())
}

fn label_or_index(seat: &str) -> Value {
    seat.parse::<u32>().map_or_else(|_| Value::from(seat), Value::from)
}

async fn pay(args: PayArgs) -> anyhow::Result<()> {
    let body = args.method.as_ref().map_or_else(|| json!({}), |method| json!({"payment_method": method}));
    let key = args.attempt.key();
    let client = args.one.common.connection.client()?;
    let paid = settled(&key, client.post(&format!("{}/pay", path(&args.one)), &body, &key).await)?;
    print_object(args.one.common.output, &paid);
    if paid["object"] == "hold" {
        match paid["next_action"]["url"].as_str() {
            Some(url) => eprintln!("next: the buyer has to go to {url}"),
            None => eprintln!("next: the provider has not decided yet; the same command with --key {key} tells when it has"),
        }
    }
    Ok(())
}
