//! `boxoffice backup schedule`: what a running cluster says of its backups.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Output;
use crate::cli::connection::Connection;

/// Arguments.
#[derive(Args)]
pub struct ScheduleArgs {
    #[command(flatten)]
    connection: Connection,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs it.
///
/// # Errors
/// When the cluster does not answer.
pub async fn run(args: ScheduleArgs) -> anyhow::Result<ExitCode> {
    let status = args.connection.client()?.get("/backup").await?;
    match args.output {
        Output::Table => lines(&status).into_iter().for_each(|line| println!("{line}")),
        output @ (Output::Json | Output::Jsonl) => output.print_json(&status),
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(status: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines = Vec::new();
    let is_on = if status["enabled"] == true { "on" } else { "off" };
    lines.push(format!(
        "schedule   {is_on}: full every {} h, {} kept, log every {} s",
        status["every_hours"], status["keep"], status["ship_seconds"]
    ));
    let lock = if status["encrypted"] == true { "encrypted" } else { "not encrypted" };
    lines.push(format!("target     {} ({lock})", text(&status["target"])));
    if status["on_own_disk"] == true {
        lines.push("warning    that is the node's own disk: name another one as backup.dir, or a bucket as [backup.s3]".into());
    }
    for (name, key) in [("last good", "last"), ("failed", "failed"), ("running", "running")] {
        let backup = &status[key];
        if backup.is_object() {
            let more = ["ended_at", "until", "bytes", "failure"].into_iter().filter(|field| !backup[*field].is_null());
            let more: Vec<String> = more.map(|field| format!("{field} {}", text(&backup[field]))).collect();
            lines.push(format!("{name:<10} {} {}", text(&backup["id"]), more.join(", ")));
        }
    }
    for (name, key) in [("asked for", "asked"), ("next", "next_at"), ("shipped", "shipped_until"), ("trouble", "failure")] {
        if !status[key].is_null() {
            lines.push(format!("{name:<10} {}", text(&status[key])));
        }
    }
    let recovery = &status["recovery"];
    if recovery.is_object() {
        let more = format!("from {} as of {}", text(&recovery["backup"]), text(&recovery["cut_at"]));
        let payments = format!("{} payments asked about, {} given back", recovery["asked"], recovery["returned"]);
        lines.push(format!("restored   {more}, {}: {payments}", text(&recovery["state"])));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_people_read() {
        let status = json!({
            "enabled": true, "every_hours": 24, "keep": 7, "ship_seconds": 60, "target": "/var/backups", "encrypted": false,
            "on_own_disk": true, "failed": null, "running": null, "asked": null, "failure": null, "next_at": "2026-11-27T10:00:00Z",
            "shipped_until": null,
            "last": {"id": "bck_1", "ended_at": "2026-11-26T10:00:00Z", "until": "2026-11-26T09:59:59Z", "bytes": 9, "failure": null},
            "recovery": {"backup": "bck_0", "cut_at": "2026-11-25T10:00:00Z", "state": "open", "asked": 3, "returned": 1},
        });
        let expected = [
            "schedule   on: full every 24 h, 7 kept, log every 60 s",
            "target     /var/backups (not encrypted)",
            "warning    that is the node's own disk: name another one as backup.dir, or a bucket as [backup.s3]",
            "last good  bck_1 ended_at 2026-11-26T10:00:00Z, until 2026-11-26T09:59:59Z, bytes 9",
            "next       2026-11-27T10:00:00Z",
            "restored   from bck_0 as of 2026-11-25T10:00:00Z, open: 3 payments asked about, 1 given back",
        ];
        assert_eq!(lines(&status), expected);
    }
}
