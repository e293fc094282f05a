//! `boxoffice import`: real plans and fixtures from files into a running cluster.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use boxoffice_api::client::EventOrder;
use boxoffice_api::import::{bowl, worldcup};
use clap::{Args, Subcommand};

use super::connection::Connection;
use crate::mint;

/// What can be brought in.
#[derive(Subcommand)]
pub enum ImportCommand {
    /// A seating plan (pretix layout or seats.io chart) for a venue.
    #[command(after_help = "Example:\n  boxoffice import plan --venue ven_... --fix renumber stadium.json")]
    Plan(PlanArgs),
    /// The World Cup's fixtures as events, its stadiums as venues.
    #[command(after_help = "Example:\n  boxoffice import worldcup worldcup2026-matches.json worldcup2026-stadiums.json")]
    Worldcup(WorldcupArgs),
}

/// Arguments of `import plan`.
#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    connection: Connection,
    /// The venue that gets the plan.
    #[arg(long)]
    venue: String,
    /// A change that you allow, such as "renumber" for labels that are there twice.
    #[arg(long)]
    fix: Option<String>,
    /// The file.
    file: PathBuf,
}

/// Arguments of `import worldcup`.
#[derive(Args)]
pub struct WorldcupArgs {
    #[command(flatten)]
    connection: Connection,
    /// The matches (openfootball's JSON).
    matches: PathBuf,
    /// The stadiums (openfootball's JSON).
    stadiums: PathBuf,
    /// At most this many fixtures.
    #[arg(long)]
    limit: Option<usize>,
}

/// Runs an import.
///
/// # Errors
/// When a file cannot be read or the cluster refuses; what was done before stays, and a second run goes on from there.
pub fn run(command: ImportCommand) -> anyhow::Result<ExitCode> {
    let runtime = super::runtime(1)?;
    match command {
        ImportCommand::Plan(args) => runtime.block_on(plan(args)),
        ImportCommand::Worldcup(args) => runtime.block_on(fixtures(args)),
    }
}

async fn plan(args: PlanArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    let bytes = std::fs::read(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    let key = format!("import-plan-{}-{}", args.venue, blake3::hash(&bytes).to_hex());
    let plan = client.upload_plan(&args.venue, bytes, args.fix.as_deref(), &key).await?;
    println!("{}\t{} places\t{} price levels", args.venue, plan.capacity, plan.levels);
    Ok(ExitCode::SUCCESS)
}

async fn fixtures(args: WorldcupArgs) -> anyhow::Result<ExitCode> {
    let client = args.connection.client()?;
    let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    let mut tournament = worldcup::read(&read(&args.matches)?, &read(&args.stadiums)?)?;
    let shift = tournament.shift_into_future(mint::now_ms() * 1000);
    for problem in &tournament.skipped {
        eprintln!("skipped {}: {}", problem.pointer, problem.detail);
    }
    if shift.years > 0 {
        eprintln!("the dates are past: moved by {} weeks ({} years), same weekday and local time", shift.weeks, shift.years);
    }
    // One key an object and year: a second run of the same import changes nothing.
    let prefix = format!("{}-{}", slug(&tournament.name), shift.years);
    let mut venues = Vec::new();
    for stadium in &tournament.stadiums {
        let name = slug(&stadium.name);
        let venue = client
            .create_venue(&stadium.name, &stadium.city, &stadium.country_code, &stadium.time_zone, &format!("{prefix}-venue-{name}"))
            .await?;
        let capacity = stadium.capacity.clamp(*bowl::CAPACITIES.start(), *bowl::CAPACITIES.end());
        let plan = client.order_bowl(&venue, &stadium.name, capacity, &format!("{prefix}-plan-{name}")).await?;
        eprintln!("venue {venue}  {} ({} seats)", stadium.name, plan.capacity);
        venues.push((venue, plan.levels));
    }
    let limit = args.limit.unwrap_or(usize::MAX);
    for (number, fixture) in tournament.fixtures.iter().enumerate().take(limit) {
        let (venue, levels) = venues[fixture.stadium].clone();
        let mut teams = Vec::new();
        for team in [&fixture.home, &fixture.away] {
            teams.push(client.create_performer(team, "national team", &format!("{prefix}-team-{}", slug(team))).await?);
        }
        let event = EventOrder {
            name: format!("{} {}: {}", tournament.name, fixture.round, fixture.name),
            description: fixture.group.clone().unwrap_or_default(),
            category: "sport".into(),
            venue,
            performers: teams,
            starts_at_us: fixture.starts_at_us,
            currency: "USD".into(),
            prices: (0..levels as u64).map(|level| 30_000_u64.saturating_sub(level * 5_000).max(5_000)).collect(),
            pricing: Vec::new(),
            per_user_limit: 6,
        };
        let created = client.create_event(&event, &format!("{prefix}-match-{number}")).await?;
        println!("{}\t{}", created.id, event.name);
    }
    Ok(ExitCode::SUCCESS)
}

/// A name as part of a key.
fn slug(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }).collect()
}
