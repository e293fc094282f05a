//! `boxoffice backup restore`: the data directories of a new cluster.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use boxoffice_ledger::ids::BackupId;
use clap::Args;
use serde_json::{Value, json};

use super::{Output, Place, chosen, tell};
use crate::backup::reading::Stored;
use crate::backup::replay::Replayed;
use crate::backup::restore::{Plan, moment};
use crate::cli::output::table;

/// Arguments.
#[derive(Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    place: Place,
    /// Which backup; by default the newest that is good for the moment.
    #[arg(long, value_name = "ID")]
    backup: Option<BackupId>,
    /// Nothing that happened after this moment (RFC 3339); by default everything that is there.
    #[arg(long, value_name = "MOMENT", value_parser = super::moment)]
    until: Option<u64>,
    /// The configurations of all nodes of the new cluster, comma separated; it may have another number of nodes.
    #[arg(long, value_name = "CONFIG", value_delimiter = ',', required = true)]
    into: Vec<PathBuf>,
    /// Replay and check everything, and say what would be restored, but write nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print what was restored.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs it.
///
/// # Errors
/// When the backup is not sound, the configurations do not fit, or a directory is not empty: then nothing was written.
pub async fn run(args: RestoreArgs) -> anyhow::Result<ExitCode> {
    let target = args.place.open()?;
    let stored = chosen(&target, args.backup, args.until).await?;
    let configs = args.into.iter().map(|path| crate::cli::serve::read_config(path)).collect::<anyhow::Result<_>>()?;
    let plan = Plan::new(&stored, configs, args.until)?;
    let begun = Instant::now();
    let mut state = Replayed::build(&target, &stored, plan.cut_us, &mut tell).await?;
    state.check()?;
    let speed = Speed::of(&state, &stored, begun);
    let groups = value_of_groups(&state);
    if args.output == Output::Table {
        print_groups(&state);
        speed.print();
    }
    if !args.dry_run {
        plan.carry_out(&target, &stored, &mut state, &mut tell).await?;
        tell(format!("restored in {:.1} s", begun.elapsed().as_secs_f64()));
    }
    let nodes: Vec<u64> = plan.configs.iter().map(|config| config.node.0).collect();
    match args.output {
        Output::Table => {
            let what = if args.dry_run { "would be restored" } else { "is restored" };
            println!("{} {what} as of {} for nodes {nodes:?}", stored.backup, moment(plan.cut_us));
            if !args.dry_run {
                println!("Start the nodes. Sales open when the payment provider was asked about every payment that the cut leaves open:");
                println!("  boxoffice backup schedule");
            }
        }
        output @ (Output::Json | Output::Jsonl) => output.print_json(&json!({
            "object": "restore", "backup": stored.backup.to_string(), "cut_at": moment(plan.cut_us), "incarnation": plan.incarnation,
            "dry_run": args.dry_run, "nodes": nodes, "groups": groups,
            "commands": speed.commands, "bytes": speed.bytes, "seconds": speed.seconds,
        })),
    }
    Ok(ExitCode::SUCCESS)
}

/// How fast a backup was read, replayed and checked.
pub struct Speed {
    /// Commands that were replayed.
    pub commands: u64,
    /// Bytes of the backup.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Speed {
    /// From then until now.
    pub fn of(state: &Replayed, stored: &Stored, begun: Instant) -> Self {
        let commands = state.groups().values().map(|replay| replay.progress().commands).sum();
        Self { commands, bytes: stored.head.bytes, seconds: begun.elapsed().as_secs_f64() }
    }

    /// For people.
    pub fn print(&self) {
        let Self { commands, bytes, seconds } = self;
        eprintln!("{bytes} bytes read, {commands} commands replayed, everything checked in {seconds:.1} s");
    }
}

/// Each group at the cut.
pub fn value_of_groups(state: &Replayed) -> Value {
    let groups = state.groups();
    let line = |(group, replay): (&boxoffice_cluster_config::ids::GroupId, &&dyn crate::backup::replay::Replay)| {
        let at = replay.progress();
        json!({
            "group": group.0, "index": at.index, "at": moment(at.at_us), "entries": at.entries, "commands": at.commands,
            "digest": format!("{:032x}", replay.digest()),
        })
    };
    groups.iter().map(line).collect::<Vec<_>>().into()
}

/// The same for people.
pub fn print_groups(state: &Replayed) {
    let line = |(group, replay): (boxoffice_cluster_config::ids::GroupId, &dyn crate::backup::replay::Replay)| {
        let at = replay.progress();
        vec![group.0.to_string(), at.index.to_string(), moment(at.at_us), at.entries.to_string(), format!("{:032x}", replay.digest())]
    };
    let rows: Vec<Vec<String>> = state.groups().into_iter().map(line).collect();
    print!("{}", table(&["group", "entry", "stamped", "replayed", "digest"], &rows));
}
