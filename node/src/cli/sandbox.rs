//! `boxoffice sandbox-provider`: a payment provider for tests and development, speaking as Stripe does. No money moves.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::payment::sandbox::{self, Options, methods::METHODS};
use crate::secret;

/// Arguments.
#[derive(Args)]
#[command(after_help = after_help())]
pub struct SandboxArgs {
    /// Where it keeps what it did. Kept between starts.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where it listens.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7490")]
    listen: String,
    /// Where clients and buyers reach it, if that is not where it listens.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Where its events are sent. Given several times, each try goes to the next one.
    #[arg(long, value_name = "URL")]
    webhook: Vec<String>,
    /// A file with the secret that its events are signed with.
    #[arg(long, value_name = "FILE")]
    webhook_secret_file: PathBuf,
    /// A file with the key that callers authenticate with.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Stop when standard input is closed: for a parent process that must not leave it behind.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

fn after_help() -> String {
    let methods: String = METHODS.iter().map(|method| format!("  {:<42}{}\n", method.token, method.note)).collect();
    format!(
        "Payment methods:\n{methods}\n\
         Example:\n  boxoffice sandbox-provider --data provider --webhook http://127.0.0.1:7480/payment/webhook \\\n    \
         --webhook-secret-file provider/webhook-secret --key-file provider/key"
    )
}

/// Runs it until it is told to stop.
///
/// # Errors
/// When its files or its address are not to be had.
pub fn run(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    crate::telemetry::start();
    let options = Options {
        data: args.data,
        listen: args.listen,
        public_url: args.public_url,
        webhooks: args.webhook,
        webhook_secret: secret::read_text(&args.webhook_secret_file)?,
        key: secret::read_text(&args.key_file)?,
    };
    let until_stdin_closes = args.until_stdin_closes;
    super::runtime(2)?.block_on(async { sandbox::run(options, super::serve::stop(until_stdin_closes)).await })?;
    Ok(ExitCode::SUCCESS)
}
