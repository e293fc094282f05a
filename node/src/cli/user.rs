//! `boxoffice user`: accounts. Passwords come from files or standard input, never from the command line.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::Connection;
use super::list::{percent, print_object};
use super::output::{Output, cell};
use super::write::{Attempt, settled};

/// Works with accounts.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Open an account.
    #[command(after_help = "Example:\n  boxoffice user create --email ada@example.org --name Ada --password-file - < password")]
    Create(CreateArgs),
    /// Log in, and print an access token.
    #[command(after_help = "Example:\n  export BOXOFFICE_TOKEN=$(boxoffice user login --email ada@example.org --password-file password)")]
    Login(LoginArgs),
    /// Show the account that the token is of.
    #[command(after_help = "Example:\n  boxoffice user get -o json")]
    Get(GetArgs),
    /// Change what an account may do. Needs an admin's token.
    #[command(after_help = "Example:\n  boxoffice user role usr_01k8... coordinator")]
    Role(RoleArgs),
}

#[derive(Args)]
struct Common {
    #[command(flatten)]
    connection: Connection,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Who somebody says they are.
#[derive(Args)]
struct Person {
    /// The e-mail.
    #[arg(long)]
    email: String,
    /// A file with the password on its one line; `-` = standard input.
    #[arg(long, value_name = "FILE")]
    password_file: String,
}

/// Arguments of `user create`.
#[derive(Args)]
pub struct CreateArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    #[command(flatten)]
    person: Person,
    /// The name.
    #[arg(long)]
    name: String,
}

/// Arguments of `user login`.
#[derive(Args)]
pub struct LoginArgs {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    person: Person,
}

/// Arguments of `user get`.
#[derive(Args)]
pub struct GetArgs {
    #[command(flatten)]
    common: Common,
}

/// Arguments of `user role`.
#[derive(Args)]
pub struct RoleArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    attempt: Attempt,
    /// The account's id.
    user: String,
    /// What it may do.
    #[arg(value_parser = ["customer", "gate", "coordinator", "operator", "admin"])]
    role: String,
}

/// Runs a command.
///
/// # Errors
/// When the cluster refuses or cannot be reached.
pub fn run(command: UserCommand) -> anyhow::Result<ExitCode> {
    super::runtime(1)?.block_on(async {
        match command {
            UserCommand::Create(args) => {
                let password = super::input::secret(&args.person.password_file)?;
                let body = json!({"email": args.person.email, "name": args.name, "password": password});
                let key = args.attempt.key();
                let made = settled(&key, args.common.connection.client()?.post("/user", &body, &key).await)?;
                print_object(args.common.output, &made);
                eprintln!("next: boxoffice user login --email {} --password-file FILE", args.person.email);
            }
            UserCommand::Login(args) => {
                let password = super::input::secret(&args.person.password_file)?;
                let session = args.connection.client()?.log_in(&args.person.email, &password).await?;
                println!("{}", session.access_token);
                eprintln!("good for {} s, as {} ({})", session.expires_in, session.user.id, session.user.role);
            }
            UserCommand::Get(args) => print_object(args.common.output, &args.common.connection.client()?.get("/user").await?),
            UserCommand::Role(args) => {
                let key = args.attempt.key();
                let path = format!("/user/{}/role", percent(&args.user));
                let done = settled(&key, args.common.connection.client()?.post(&path, &json!({"role": args.role}), &key).await)?;
                print_object(args.common.output, &done);
                eprintln!("{} is {} now; tokens of before do not write any more", args.user, cell(&done["role"]));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
