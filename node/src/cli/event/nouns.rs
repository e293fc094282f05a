//! `boxoffice event list|search|get|create|seats|watch|cancel`: events as everybody sees them, and as their coordinator runs them.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::connection::Connection;
use crate::cli::list::{Columns, Page, percent, print_list, print_object, read};
use crate::cli::output::{Output, cell};
use crate::cli::write::{Attempt, Consent, settled};

const EVENTS: Columns = &[
    ("id", "/id"),
    ("name", "/name"),
    ("starts_at", "/starts_at"),
    ("sale", "/sale/state"),
    ("available", "/sale/available"),
    ("from", "/sale/from_price"),
];

const SECTIONS: Columns =
    &[("section", "/section"), ("available", "/available"), ("held", "/held"), ("sold", "/sold"), ("capacity", "/capacity")];

const SEATS: Columns = &[("index", "/index"), ("seat", "/seat"), ("state", "/state"), ("price", "/price"), ("level", "/level")];

/// What every command about events takes.
#[derive(Args)]
pub struct Common {
    #[command(flatten)]
    pub(super) connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(super) output: Output,
}

/// Arguments of `event list`.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    page: Page,
    /// Only in this city.
    #[arg(long)]
    city: Option<String>,
    /// Only of this category.
    #[arg(long)]
    category: Option<String>,
    /// Starting at this moment or later (RFC 3339, or a day).
    #[arg(long)]
    from: Option<String>,
    /// Starting before this moment.
    #[arg(long)]
    to: Option<String>,
}

/// Arguments of `event search`.
#[derive(Args)]
pub struct SearchArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    page: Page,
    /// What to look for.
    #[arg(required = true)]
    words: Vec<String>,
}

/// Arguments of commands about one event.
#[derive(Args)]
pub struct OneArgs {
    #[command(flatten)]
    common: Common,
    /// The event's id.
    event: String,
}

/// Arguments of `event create`.
#[derive(Args)]
pub struct CreateArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    /// The event as JSON, as `POST /event` takes it; `-` = standard input. Options beside it replace its fields.
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// Its name.
    #[arg(long)]
    name: Option<String>,
    /// The venue's id; it has a plan.
    #[arg(long)]
    venue: Option<String>,
    /// When it begins (RFC 3339).
    #[arg(long)]
    starts_at: Option<String>,
    /// ISO 4217.
    #[arg(long)]
    currency: Option<String>,
    /// A price for each level of the plan, in minor units.
    #[arg(long, value_delimiter = ',')]
    prices: Vec<u64>,
    /// Such as "concert".
    #[arg(long)]
    category: Option<String>,
    /// A performer's id. Can be given several times.
    #[arg(long)]
    performer: Vec<String>,
    /// Most tickets per user; 0 = no limit.
    #[arg(long)]
    per_user: Option<u32>,
    /// Do not publish it yet.
    #[arg(long)]
    draft: bool,
}

/// Arguments of `event seats`.
#[derive(Args)]
pub struct SeatsArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    page: Page,
    /// The event's id.
    event: String,
    /// List the seats of this section instead of counting those of all.
    #[arg(long)]
    section: Option<String>,
    /// List the seats in this state: available, held, sold, blocked.
    #[arg(long)]
    state: Option<String>,
}

/// Arguments of `event watch`.
#[derive(Args)]
pub struct WatchArgs {
    #[command(flatten)]
    common: Common,
    /// The event's id.
    event: String,
    /// Stop after so many messages.
    #[arg(long)]
    count: Option<u64>,
}

/// Arguments of `event cancel`.
#[derive(Args)]
pub struct CancelArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    #[command(flatten)]
    consent: Consent,
    /// The event's id.
    event: String,
}

pub(super) async fn list(args: ListArgs) -> anyhow::Result<ExitCode> {
    let mut query = args.page.query();
    let filters = [("city", args.city), ("category", args.category), ("from", args.from), ("to", args.to)];
    query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let found = read(&args.common.connection.client()?, "/event", &query).await?;
    print_list(args.common.output, &found, EVENTS);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn search(args: SearchArgs) -> anyhow::Result<ExitCode> {
    let path = format!("/event/search/{}", percent(&args.words.join(" ")));
    let found = read(&args.common.connection.client()?, &path, &args.page.query()).await?;
    print_list(args.common.output, &found, EVENTS);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn get(args: OneArgs) -> anyhow::Result<ExitCode> {
    let found = args.common.connection.client()?.get(&format!("/event/{}", percent(&args.event))).await?;
    print_object(args.common.output, &found);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn create(args: CreateArgs) -> anyhow::Result<ExitCode> {
    let mut body = match &args.file {
        Some(file) => crate::cli::input::json(file)?,
        None => json!({}),
    };
    let fields = [
        ("name", args.name.map(Value::from)),
        ("venue", args.venue.map(Value::from)),
        ("starts_at", args.starts_at.map(Value::from)),
        ("currency", args.currency.map(Value::from)),
        ("prices", (!args.prices.is_empty()).then(|| json!(args.prices))),
        ("category", args.category.map(Value::from)),
        ("performers", (!args.performer.is_empty()).then(|| json!(args.performer))),
        ("per_user_limit", args.per_user.map(Value::from)),
        ("draft", args.draft.then_some(json!(true))),
    ];
    let members = body.as_object_mut().context("an event is a JSON object")?;
    members.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let key = args.attempt.key();
    let made = settled(&key, args.common.connection.client()?.post("/event", &body, &key).await)?;
    print_object(args.common.output, &made);
    eprintln!("next: boxoffice event seats {}", cell(&made["id"]));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn seats(args: SeatsArgs) -> anyhow::Result<ExitCode> {
    let client = args.common.connection.client()?;
    let path = format!("/event/{}/seat", percent(&args.event));
    if args.section.is_none() && args.state.is_none() {
        let map = client.get(&path).await?;
        match args.common.output {
            Output::Table => print_list(Output::Table, &json!({"data": map["counts"]}), SECTIONS),
            output => output.print_json(&map),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut query = args.page.query();
    query.extend([("section", args.section), ("state", args.state)].into_iter().filter_map(|(name, value)| Some((name, value?))));
    let map = read(&client, &path, &query).await?;
    print_list(args.common.output, &map["list"], SEATS);
    Ok(ExitCode::SUCCESS)
}

/// A message a line, until there are enough or somebody interrupts.
pub(super) async fn watch(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let client = args.common.connection.client()?;
    let mut events = client.follow(&format!("/event/{}/seat/stream", percent(&args.event))).await?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let message = tokio::select! {
            message = events.next() => message?,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(130)),
        };
        let Some(message) = message else {
            eprintln!("the node ended the stream");
            return Ok(ExitCode::SUCCESS);
        };
        left -= 1;
        match args.common.output {
            Output::Table => println!("{}", line(&message)),
            Output::Json | Output::Jsonl => println!("{message}"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A message of a live map for people.
fn line(message: &Value) -> String {
    let (kind, rev) = (cell(&message["type"]), cell(&message["rev"]));
    match kind.as_str() {
        "snapshot" => format!("{rev}  snapshot of {} seats", cell(&message["seats"])),
        "delta" => {
            let name = |state: &Value| ["available", "held", "sold", "not for sale"].get(state.as_u64().unwrap_or(9) as usize).copied();
            let set = message["set"].as_array().into_iter().flatten();
            let moved = set.map(|pair| format!("{} {}", cell(&pair[0]), name(&pair[1]).unwrap_or("?")));
            format!("{rev}  {}", moved.collect::<Vec<_>>().join(", ")).trim_end().to_owned()
        }
        _ => format!("{rev}  {message}"),
    }
}

pub(super) async fn cancel(args: CancelArgs) -> anyhow::Result<ExitCode> {
    let client = args.common.connection.client()?;
    let path = format!("/event/{}", percent(&args.event));
    let event = client.get(&path).await?;
    let what = format!(
        "cancel {} ({}), for good: {} tickets are sold and will be refunded",
        args.event,
        cell(&event["name"]),
        cell(&event["sale"]["sold"])
    );
    if !args.consent.given(&what)? {
        return Ok(ExitCode::SUCCESS);
    }
    let key = args.attempt.key();
    let done = settled(&key, client.post(&format!("{path}/cancel"), &json!({}), &key).await)?;
    print_object(args.common.output, &done);
    eprintln!("next: the refunds go on by themselves; GET {path}/sale says how far they are");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_live_map_are_lines() {
        let delta = json!({"type": "delta", "rev": 7, "set": [[3, 2], [4, 0]]});
        assert_eq!(line(&delta), "7  3 sold, 4 available");
        assert_eq!(line(&json!({"type": "snapshot", "rev": 6, "seats": 90})), "6  snapshot of 90 seats");
        assert!(line(&json!({"type": "bye"})).contains("bye"));
    }
}
