//! `boxoffice backup verify`: the whole of a restore, but for writing it down.

use std::process::ExitCode;
use std::time::Instant;

use boxoffice_ledger::ids::BackupId;
use clap::Args;
use serde_json::json;

use super::restore::{Speed, print_groups, value_of_groups};
use super::{Output, Place, chosen, tell};
use crate::backup::media;
use crate::backup::reading::Stored;
use crate::backup::replay::Replayed;
use crate::backup::restore::moment;
use crate::backup::target::Target;
use crate::cli::exit::VIOLATION;

/// Arguments.
#[derive(Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// Which backup; by default the newest.
    #[arg(long, value_name = "ID")]
    backup: Option<BackupId>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs it; ends with 8 when something is wrong with the backup.
///
/// # Errors
/// When the place cannot be read.
pub async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let target = args.place.open()?;
    let stored = match chosen(&target, args.backup, None).await {
        Ok(stored) => stored,
        Err(error) => return Ok(violation(&error)),
    };
    let begun = Instant::now();
    let state = match check(&target, &stored).await {
        Ok(state) => state,
        Err(error) => return Ok(violation(&error)),
    };
    let speed = Speed::of(&state, &stored, begun);
    match args.output {
        Output::Table => {
            speed.print();
            print_groups(&state);
            println!("{} is good: everything up to {}", stored.backup, moment(stored.head.until_us));
        }
        output @ (Output::Json | Output::Jsonl) => output.print_json(&json!({
            "object": "verified_backup", "id": stored.backup.to_string(), "until": moment(stored.head.until_us),
            "groups": value_of_groups(&state), "commands": speed.commands, "bytes": speed.bytes, "seconds": speed.seconds,
        })),
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(target: &Target, stored: &Stored) -> anyhow::Result<Replayed> {
    let state = Replayed::build(target, stored, stored.head.until_us, &mut tell).await?;
    state.check()?;
    for image in state.images() {
        if media::read(target, image).await?.is_none() {
            tell(format!("image {image} is not in the backup"));
        }
    }
    Ok(state)
}

fn violation(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(VIOLATION)
}
