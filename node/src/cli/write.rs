//! What commands that write have in common: the key that makes a retry safe, and asking before something is destroyed.

use std::io::{IsTerminal as _, Write as _};

use anyhow::bail;
use boxoffice_api::client::ClientError;
use clap::Args;

use crate::mint;

/// The key of a write.
#[derive(Args, Clone, Debug)]
pub struct Attempt {
    /// Names this attempt: with the key of an earlier one it is the same write, which happens once. Default: a new key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl Attempt {
    /// The key to write under.
    #[must_use]
    pub fn key(&self) -> String {
        self.key.clone().unwrap_or_else(|| format!("cli-{:032x}", mint::entropy()))
    }
}

/// Says how to go on when it is not known whether a write happened.
///
/// # Errors
/// The error of the write.
pub fn settled<T>(key: &str, written: Result<T, ClientError>) -> anyhow::Result<T> {
    if matches!(written, Err(ClientError::Unknown)) {
        eprintln!("hint: the same command with --key {key} is the same attempt, and happens once");
    }
    Ok(written?)
}

/// What commands take that destroy something.
#[derive(Args, Clone, Copy, Debug)]
pub struct Consent {
    /// Do it without asking.
    #[arg(long)]
    yes: bool,
    /// Only say what would be done.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

impl Consent {
    /// Whether to go ahead with what `what` says, such as "cancel evt_1".
    ///
    /// # Errors
    /// When nobody can be asked and nobody said yes.
    pub fn given(self, what: &str) -> anyhow::Result<bool> {
        if self.dry_run {
            eprintln!("would {what}; nothing was done");
            return Ok(false);
        }
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            bail!("to {what} without being asked needs --yes");
        }
        eprint!("{what}? [y/N] ");
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        let agreed = matches!(answer.trim(), "y" | "Y" | "yes");
        if !agreed {
            eprintln!("nothing was done");
        }
        Ok(agreed)
    }
}
