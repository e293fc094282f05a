//! `boxoffice top`: a live view of a cluster: nodes, leaders, rates, waiting times, seats, queues, lag. Without a terminal it prints one
//! frame as JSON and ends.
//!
//! It reads what everybody can read, `/status` and `/metrics` of each node, and knows nothing else: [`sample`] asks, [`frame`] works a
//! frame out of two samples, [`screen`] draws it.

mod frame;
pub mod sample;
mod screen;
mod terminal;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice_api::client::Client;
use clap::Args;

use super::connection::Connection;
use super::output::Output;
use frame::Frame;
use sample::Sample;
use screen::View;
use terminal::Terminal;

/// Arguments.
#[derive(Args)]
#[command(after_help = "Examples:\n  boxoffice top --endpoint http://10.0.0.1:7480,http://10.0.0.2:7480,http://10.0.0.3:7480\n  \
                  boxoffice top -o json | jq .sold_per_s\n\nKeys: q ends, ? explains, / picks groups by number, kind or leader.")]
pub struct TopArgs {
    #[command(flatten)]
    connection: Connection,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    /// How to print one frame and end, instead of drawing; JSON when there is no terminal.
    #[arg(short, long, value_enum)]
    output: Option<Output>,
}

/// Runs it.
///
/// # Errors
/// When no node can be asked, or the terminal cannot be used.
pub fn run(args: &TopArgs) -> anyhow::Result<ExitCode> {
    let clients = args.connection.each()?;
    super::runtime(1)?.block_on(async {
        let every = Duration::from_secs(args.every);
        if args.output.is_none() && std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return draw(&clients, every).await;
        }
        let before = look(&clients).await?;
        tokio::time::sleep(every).await;
        let frame = Frame::between(&before, &look(&clients).await?);
        match args.output {
            Some(Output::Table) => frame.lines("").iter().for_each(|line| println!("{line}")),
            output => output.unwrap_or(Output::Json).print_json(&frame.json()),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// All nodes that answer; an error when none does.
async fn look(clients: &[Client]) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let mut last = None;
    for client in clients {
        match Sample::of(client).await {
            Ok(sample) => samples.push(sample),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if samples.is_empty() => Err(error.into()),
        _ => Ok(samples),
    }
}

async fn draw(clients: &[Client], every: Duration) -> anyhow::Result<ExitCode> {
    let mut before = look(clients).await?;
    let mut terminal = Terminal::open()?;
    let mut view = View::default();
    let mut frame = Frame::between(&before, &before);
    let mut ticks = tokio::time::interval(every);
    ticks.tick().await;
    loop {
        terminal.show(&view.lines(&frame))?;
        tokio::select! {
            _ = ticks.tick() => {
                // While no node answers, the last frame stays, and says so.
                match look(clients).await {
                    Ok(now) => {
                        frame = Frame::between(&before, &now);
                        before = now;
                        view.trouble = None;
                    }
                    Err(error) => view.trouble = Some(error.to_string()),
                }
            }
            key = terminal.key() => {
                if view.press(key) {
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
    }
}
