//! `boxoffice token`: an access token for operators and coordinators, signed on the spot with the cluster's secret.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice_api::auth::Tokens;
use boxoffice_api::backend::Caller;
use boxoffice_cluster_config::file::Config;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::UserId;
use clap::{Args, ValueEnum};

use crate::mint;

/// Arguments.
#[derive(Args)]
#[command(after_help = "Example:\n  boxoffice token --config node.toml --role coordinator --hours 12")]
pub struct TokenArgs {
    /// A configuration file of the cluster.
    #[arg(long, env = "BOXOFFICE_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// What the bearer may do.
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The account to act as; without it, one that stands for the role.
    #[arg(long)]
    user: Option<UserId>,
    /// How long it is good for.
    #[arg(long, default_value_t = 1)]
    hours: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    Customer,
    Gate,
    Coordinator,
    Operator,
    Admin,
}

/// Prints a token.
///
/// # Errors
/// When the configuration or the secret cannot be read.
pub fn run(args: &TokenArgs) -> anyhow::Result<ExitCode> {
    let config = super::serve::read_config(&args.config)?;
    let role = match args.role {
        RoleArg::Customer => Role::Customer,
        RoleArg::Gate => Role::Gate,
        RoleArg::Coordinator => Role::Coordinator,
        RoleArg::Operator => Role::Operator,
        RoleArg::Admin => Role::Admin,
    };
    println!("{}", sign(&config, role, args.user, Duration::from_secs(args.hours.saturating_mul(3600)))?);
    Ok(ExitCode::SUCCESS)
}

/// A token for a role.
///
/// # Errors
/// When the secret cannot be read.
pub fn sign(config: &Config, role: Role, user: Option<UserId>, life: Duration) -> anyhow::Result<String> {
    let secret = crate::secret::read(&config.secret_file)?;
    let user = user.unwrap_or_else(|| stand_in(role));
    Ok(Tokens::new(&config.cluster.0, &secret)?.issue(Caller { user, role }, life, mint::now_ms() * 1000)?)
}

/// The account that stands for a role when nobody is named: the same one each time, so that what it made stays its own.
fn stand_in(role: Role) -> UserId {
    let name = format!("{role:?}@cluster");
    let hash = blake3::hash(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    UserId::new(0, mint::slot_of_email(&name), u128::from_le_bytes(bytes))
}
