//! What shells and readers of manuals get from the description of the command line: completions and pages.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Arguments of `completions`.
#[derive(Args)]
#[command(after_help = "Examples:\n  boxoffice completions bash > /etc/bash_completion.d/boxoffice\n  \
                  boxoffice completions zsh > ~/.zfunc/_boxoffice")]
pub struct CompletionsArgs {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints completions.
///
/// # Errors
/// Never.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut super::Cli::command(), "boxoffice", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}

/// Arguments of `man`.
#[derive(Args)]
#[command(after_help = "Examples:\n  boxoffice man | man -l -\n  boxoffice man hold create | man -l -")]
pub struct ManArgs {
    /// The command whose page is printed; none = the first page.
    command: Vec<String>,
}

/// Prints a page of the manual.
///
/// # Errors
/// When there is no such command.
pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut page = super::Cli::command();
    page.build();
    let mut name = "boxoffice".to_owned();
    for word in &args.command {
        let found = page.find_subcommand(word).cloned();
        page = found.ok_or_else(|| anyhow::anyhow!("there is no command {name} {word}"))?;
        name = format!("{name}-{word}");
    }
    clap_mangen::Man::new(page.name(name)).render(&mut std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
