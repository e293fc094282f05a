//! `boxoffice event import`: listings of events from files into a running cluster.
//!
//! Files go to any node in batches of up to [`BATCH`] events. The cluster knows an event by the key of its source, so a run that was
//! broken off is simply run again: what is there is counted as existing and not touched.

mod nouns;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use boxoffice_api::client::Client;
use boxoffice_api::import::listings::{self, Listing, SkipCode};
use boxoffice_api::import::worldcup::Shift;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::output::Output;
use crate::mint;

/// Events in one request.
pub const BATCH: usize = 250;
/// How often progress is told.
const TELL: Duration = Duration::from_secs(2);

/// Works with events.
#[derive(Subcommand)]
pub enum EventCommand {
    /// Bring listings in: the New York Philharmonic's archive, or conferences as conference-data lists them.
    #[command(after_help = "Examples:\n  boxoffice event import --move-dates nyphil-2024-25.json\n  \
                      boxoffice event import -o json conferences.json")]
    Import(ImportArgs),
    /// List events, what is asked for most first.
    #[command(
        after_help = "Examples:\n  boxoffice event list --city Berlin\n  boxoffice event list --from 2026-12-01 --limit 100 -o jsonl"
    )]
    List(nouns::ListArgs),
    /// Find events by words.
    #[command(after_help = "Example:\n  boxoffice event search midnight radio")]
    Search(nouns::SearchArgs),
    /// Show an event.
    #[command(after_help = "Example:\n  boxoffice event get evt_01k8... -o json")]
    Get(nouns::OneArgs),
    /// Create an event. Needs a coordinator's token.
    #[command(
        after_help = "Examples:\n  boxoffice event create --name Final --venue ven_01k8... --starts-at 2027-06-01T19:30:00Z \\\n    \
                      --currency EUR --prices 9500,6500\n  \
                      boxoffice event create --file event.json --draft"
    )]
    Create(nouns::CreateArgs),
    /// Count the seats of an event, or list some.
    #[command(
        after_help = "Examples:\n  boxoffice event seats evt_01k8...\n  boxoffice event seats evt_01k8... --section A --state available"
    )]
    Seats(nouns::SeatsArgs),
    /// Follow the seats of an event as they are held and sold.
    #[command(after_help = "Examples:\n  boxoffice event watch evt_01k8...\n  boxoffice event watch evt_01k8... --count 1 -o jsonl")]
    Watch(nouns::WatchArgs),
    /// Cancel an event for good: no more sales, and every order is refunded. Needs its coordinator's token.
    #[command(after_help = "Examples:\n  boxoffice event cancel --dry-run evt_01k8...\n  boxoffice event cancel --yes evt_01k8...")]
    Cancel(nouns::CancelArgs),
}

/// Arguments of `event import`.
#[derive(Args)]
pub struct ImportArgs {
    #[command(flatten)]
    connection: Connection,
    /// Price of every place, in minor units.
    #[arg(long, default_value_t = 5_000)]
    price: u64,
    /// Currency of the price.
    #[arg(long, default_value = "USD")]
    currency: String,
    /// Most tickets per user; 0 = no limit.
    #[arg(long, default_value_t = 8)]
    per_user: u32,
    /// Move the dates of each file by whole weeks, about whole years, so that all lie ahead. Otherwise what is over is left out.
    #[arg(long)]
    move_dates: bool,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What each event is sold at.
pub struct Terms<'a> {
    /// Of every place, in minor units.
    pub price: u64,
    /// ISO 4217.
    pub currency: &'a str,
    /// Most tickets per user; 0 = no limit.
    pub per_user: u32,
}

/// Runs a command.
///
/// # Errors
/// When a file cannot be read or the cluster refuses; what was brought in before stays, and a second run goes on from there.
pub fn run(command: EventCommand) -> anyhow::Result<ExitCode> {
    super::runtime(1)?.block_on(async {
        match command {
            EventCommand::Import(args) => import(args).await,
            EventCommand::List(args) => nouns::list(args).await,
            EventCommand::Search(args) => nouns::search(args).await,
            EventCommand::Get(args) => nouns::get(args).await,
            EventCommand::Create(args) => nouns::create(args).await,
            EventCommand::Seats(args) => nouns::seats(args).await,
            EventCommand::Watch(args) => nouns::watch(args).await,
            EventCommand::Cancel(args) => nouns::cancel(args).await,
        }
    })
}

async fn import(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    let terms = Terms { price: args.price, currency: &args.currency, per_user: args.per_user };
    let mut report = Report::default();
    let mut wanted = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("read {name}"))?;
        let mut found = listings::read(&bytes).with_context(|| format!("read {name}"))?;
        report.read += found.listings.len() + found.skipped.len();
        for skip in &found.skipped {
            report.skip(&name, &skip.pointer, skip.code.as_str(), &skip.detail);
        }
        let ahead = in_time(&mut found.listings, args.move_dates);
        for listing in ahead.over {
            report.skip(&name, &listing.key, SkipCode::Over.as_str(), &listing.name);
        }
        if ahead.shift.weeks > 0 {
            eprintln!("{name}: dates moved by {} weeks, same weekday and local time", ahead.shift.weeks);
        }
        wanted.extend(found.listings.into_iter().map(|listing| (name.clone(), listing)));
    }
    let begun = Instant::now();
    let mut told = begun;
    let mut done = 0;
    for batch in wanted.chunks(BATCH) {
        let events: Vec<&Listing> = batch.iter().map(|(_, listing)| listing).collect();
        let answer = send(&client, &events, &terms).await?;
        report.take(batch, &answer);
        done += batch.len();
        if told.elapsed() >= TELL || done == wanted.len() {
            told = Instant::now();
            let rate = done as f64 / begun.elapsed().as_secs_f64().max(0.001);
            eprintln!("{done} of {} events, {rate:.0} a second", wanted.len());
        }
    }
    match args.output {
        Output::Table => report.print(),
        output @ (Output::Json | Output::Jsonl) => output.print_json(&report.json()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends listings to a cluster in one request; gives its report.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub async fn send(client: &Client, listings: &[&Listing], terms: &Terms<'_>) -> anyhow::Result<Value> {
    let events: Vec<Value> = listings.iter().map(|listing| event(listing, terms)).collect();
    let body = json!({"events": events});
    let key = format!("event-import-{}", blake3::hash(body.to_string().as_bytes()).to_hex());
    Ok(client.post("/event/import", &body, &key).await?)
}

fn event(listing: &Listing, terms: &Terms<'_>) -> Value {
    let at = i64::try_from(listing.starts_at_us).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    let place = &listing.place;
    let performers: Vec<Value> = listing.artists.iter().map(|artist| json!({"name": artist.name, "genre": artist.genre})).collect();
    json!({
        "key": listing.key,
        "name": listing.name,
        "description": listing.description,
        "category": listing.category,
        "venue": {
            "name": place.name, "city": place.city, "country": place.country, "time_zone": place.time_zone, "capacity": place.capacity,
        },
        "performers": performers,
        "starts_at": at.map(|at| at.to_string()),
        "currency": terms.currency,
        "price": terms.price,
        "per_user_limit": terms.per_user,
    })
}

/// What becomes of a file's dates.
struct Ahead {
    shift: Shift,
    over: Vec<Listing>,
}

/// Moves the dates of listings ahead, or takes out those that are over.
fn in_time(listings: &mut Vec<Listing>, move_dates: bool) -> Ahead {
    let now_us = mint::now_ms() * 1000;
    let earliest = listings.iter().map(|listing| listing.starts_at_us).min();
    let mut ahead = Ahead { shift: Shift::default(), over: Vec::new() };
    if move_dates {
        ahead.shift = earliest.map_or_else(Shift::default, |earliest| Shift::into_future(earliest, now_us));
        listings.iter_mut().for_each(|listing| listing.starts_at_us = ahead.shift.apply(listing.starts_at_us));
    } else {
        let (over, next) = std::mem::take(listings).into_iter().partition(|listing| listing.starts_at_us <= now_us);
        (ahead.over, *listings) = (over, next);
    }
    ahead
}

/// What became of everything.
#[derive(Default)]
struct Report {
    read: usize,
    created: u64,
    existing: u64,
    venues: [u64; 2],
    performers: [u64; 2],
    skipped: Vec<Value>,
}

impl Report {
    fn skip(&mut self, file: &str, pointer: &str, code: &str, detail: &str) {
        self.skipped.push(json!({"file": file, "pointer": pointer, "code": code, "detail": detail}));
    }

    fn take(&mut self, batch: &[(String, Listing)], answer: &Value) {
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        self.created += number(&answer["created"]);
        self.existing += number(&answer["existing"]);
        for (counts, name) in [(&mut self.venues, "venues"), (&mut self.performers, "performers")] {
            counts[0] += number(&answer[name]["created"]);
            counts[1] += number(&answer[name]["reused"]);
        }
        for ((file, listing), line) in batch.iter().zip(answer["data"].as_array().into_iter().flatten()) {
            for error in line["errors"].as_array().into_iter().flatten() {
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                self.skip(file, &format!("{}#{}", listing.key, text("pointer")), &text("code"), &text("detail"));
            }
        }
    }

    fn json(&self) -> Value {
        let counts = |[created, reused]: [u64; 2]| json!({"created": created, "reused": reused});
        json!({
            "object": "import_report",
            "read": self.read,
            "created": self.created,
            "existing": self.existing,
            "venues": counts(self.venues),
            "performers": counts(self.performers),
            "skipped": self.skipped,
        })
    }

    fn print(&self) {
        println!("read       {}", self.read);
        println!("created    {}", self.created);
        println!("existing   {}", self.existing);
        println!("venues     {} created, {} found", self.venues[0], self.venues[1]);
        println!("performers {} created, {} found", self.performers[0], self.performers[1]);
        println!("skipped    {}", self.skipped.len());
        for skip in &self.skipped {
            let text = |name: &str| skip[name].as_str().unwrap_or_default();
            println!("  {:<14}{} {}: {}", text("code"), text("file"), text("pointer"), text("detail"));
        }
    }
}
