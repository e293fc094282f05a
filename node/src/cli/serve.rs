//! `boxoffice serve`: one node, until it is told to stop.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use boxoffice_cluster_config::file::Config;
use clap::Args;

/// Arguments of `serve`.
#[derive(Args)]
#[command(after_help = "Example:\n  boxoffice serve --config /etc/boxoffice/node.toml")]
pub struct ServeArgs {
    /// The node's configuration file.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE")]
    pub config: PathBuf,
    /// Stop when standard input is closed: for a parent process that must not leave nodes behind.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read or has mistakes, all of which are named.
pub fn read_config(path: &std::path::Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    Config::parse(&text).with_context(|| format!("read {}", path.display()))
}

/// Runs a node.
///
/// # Errors
/// When it cannot start or cannot go on.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    crate::telemetry::start();
    let config = read_config(&args.config)?;
    crate::backup::restore::must_be_complete(&config.data_dir)?;
    crate::scheduling::favour_throughput();
    crate::files::take_what_is_granted();
    let until_stdin_closes = args.until_stdin_closes;
    super::runtime(config.threads.on(super::cores()).http)?.block_on(crate::start::run(config, stop(until_stdin_closes)))?;
    Ok(ExitCode::SUCCESS)
}

/// Completes on Ctrl-C, on SIGTERM, and, if asked, when standard input ends. A second signal ends the process at once.
pub async fn stop(until_stdin_closes: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = tokio::sync::oneshot::channel();
    if until_stdin_closes {
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = std::io::stdin().read_to_end(&mut rest);
            let _ = sender.send(());
        });
    } else {
        std::mem::forget(sender);
    }
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        _ = receiver => {}
    }
    tracing::info!("stopping");
    tokio::spawn(async {
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
}
