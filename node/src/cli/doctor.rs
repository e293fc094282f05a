//! `boxoffice doctor`: looks for what will hurt later, on this machine and in the cluster, and says what to do about each.

mod cluster;
mod machine;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::connection::Connection;
use super::exit;
use super::output::{Output, table};

/// Arguments.
#[derive(Args)]
#[command(after_help = "Exit code 8 when something failed; warnings alone are 0.\n\nExamples:\n  \
                  boxoffice doctor --config /etc/boxoffice/node.toml --token \"$(boxoffice token --config node.toml --role operator)\"\n  \
                  boxoffice doctor --endpoint http://10.0.0.1:7480,http://10.0.0.2:7480 -o json")]
pub struct DoctorArgs {
    #[command(flatten)]
    connection: Connection,
    /// A node's configuration: looks at this machine too, as the node that it is for. Nothing but a small file in its data directory is
    /// written, and removed again.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// What was found of one thing.
struct Finding {
    verdict: Verdict,
    /// What was looked at.
    check: &'static str,
    /// Where: this machine, or a node.
    place: String,
    /// What it is like.
    detail: String,
    /// What to do; empty when nothing is.
    advice: &'static str,
}

impl Finding {
    fn new(verdict: Verdict, check: &'static str, place: &str, detail: impl Into<String>, advice: &'static str) -> Self {
        let advice = if verdict == Verdict::Ok { "" } else { advice };
        Self { verdict, check, place: place.to_owned(), detail: detail.into(), advice }
    }

    fn json(&self) -> Value {
        let advice = (!self.advice.is_empty()).then_some(self.advice);
        json!({"check": self.check, "place": self.place, "verdict": self.verdict.word(), "detail": self.detail, "advice": advice})
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// Worse than these bounds, or not.
    fn above(value: f64, warn: f64, fail: f64) -> Self {
        if value > fail {
            Self::Fail
        } else if value > warn {
            Self::Warn
        } else {
            Self::Ok
        }
    }
}

/// Runs it.
///
/// # Errors
/// When no client can be made; what cannot be looked at is a finding.
pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut findings = args.config.as_ref().map_or_else(Vec::new, |path| machine::look(path));
    findings.extend(super::runtime(1)?.block_on(cluster::look(&args.connection))?);
    match args.output {
        Output::Table => {
            let row = |found: &Finding| {
                let detail = if found.advice.is_empty() { found.detail.clone() } else { format!("{}: {}", found.detail, found.advice) };
                vec![found.verdict.word().to_owned(), found.check.to_owned(), found.place.clone(), detail]
            };
            print!("{}", table(&["", "check", "where", "found"], &findings.iter().map(row).collect::<Vec<_>>()));
        }
        Output::Json => {
            let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
            args.output.print_json(&json!({"object": "doctor", "findings": findings}));
        }
        Output::Jsonl => args.output.print_json(&findings.iter().map(Finding::json).collect::<Vec<_>>().into()),
    }
    let worst = findings.iter().map(|found| found.verdict).max().unwrap_or(Verdict::Ok);
    Ok(if worst == Verdict::Fail { ExitCode::from(exit::VIOLATION) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_advises_only_where_something_is_to_be_done() {
        let found = |value| Finding::new(Verdict::above(value, 2.0, 5.0), "disk", "this machine", format!("{value}"), "buy one");
        assert_eq!([1.0, 3.0, 6.0].map(|value| found(value).json()["verdict"].clone()), ["ok", "warn", "fail"]);
        assert_eq!([1.0, 3.0].map(|value| found(value).json()["advice"].clone()), [Value::Null, "buy one".into()]);
    }
}
