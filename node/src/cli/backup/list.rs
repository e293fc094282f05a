//! `boxoffice backup list`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{Output, Place};
use crate::backup::reading::{self, Listed, Stored};
use crate::backup::restore::moment;
use crate::cli::output::table;

/// Arguments.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// How to print the list.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs it.
///
/// # Errors
/// When the place cannot be read.
pub async fn run(args: ListArgs) -> anyhow::Result<ExitCode> {
    let found = reading::list(&args.place.open()?).await?;
    match args.output {
        Output::Table => {
            let rows: Vec<Vec<String>> = found.iter().map(row).collect();
            print!("{}", table(&["backup", "cluster", "begins", "until", "rounds", "bytes", "state"], &rows));
        }
        output @ (Output::Json | Output::Jsonl) => {
            let data: Vec<Value> = found.iter().map(value).collect();
            output.print_json(&json!({"object": "list", "data": data}));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(listed: &Listed) -> Vec<String> {
    let id = listed.backup.to_string();
    match &listed.stored {
        Ok(Stored { manifest, head, .. }) => {
            let (begins, until) = (moment(manifest.began_us), moment(head.until_us));
            vec![id, manifest.cluster.clone(), begins, until, (head.round + 1).to_string(), head.bytes.to_string(), "good".into()]
        }
        Err(error) => {
            let none = || "-".to_owned();
            vec![id, none(), none(), none(), none(), none(), format!("{error:#}")]
        }
    }
}

fn value(listed: &Listed) -> Value {
    let id = listed.backup.to_string();
    match &listed.stored {
        Ok(Stored { manifest, head, .. }) => json!({
            "object": "backup", "id": id, "cluster": manifest.cluster, "incarnation": manifest.incarnation,
            "began_at": moment(manifest.began_us), "until": moment(head.until_us), "rounds": head.round + 1, "bytes": head.bytes,
            "groups": {"events": manifest.event_groups, "users": manifest.user_groups}, "program": manifest.program, "failure": null,
        }),
        Err(error) => json!({"object": "backup", "id": id, "failure": format!("{error:#}")}),
    }
}
