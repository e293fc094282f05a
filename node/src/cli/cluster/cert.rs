//! `boxoffice cluster cert`: a CA for a cluster, and certificates for its nodes.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_tls::certificate::Certificate;
use boxoffice_tls::files::KeyFiles;
use boxoffice_tls::issue::{CA_DAYS, Existing, Folder, NODE_DAYS, Validity};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::output::Output;

/// Makes certificates.
#[derive(Subcommand)]
pub enum CertCommand {
    /// Make a CA: ca.pem, which every node gets, and ca.key, which no node gets.
    #[command(after_help = "Example:\n  boxoffice cluster cert ca --dir certificates --cluster arena")]
    Ca(CaArgs),
    /// Make a node's certificate and its key, signed by the CA in the same folder.
    #[command(
        after_help = "Examples:\n  boxoffice cluster cert node --dir certificates --cluster arena --node 1 --host box1.example.net\n  \
                      boxoffice cluster cert node --dir certificates --cluster arena --node 2 --host 10.0.0.2 --days 90 -o json"
    )]
    Node(NodeArgs),
    /// Make a node's certificate anew, for the same names, with a new key. A running node takes it up once it is in its place.
    #[command(after_help = "Example:\n  boxoffice cluster cert renew --dir certificates --cluster arena --node 1")]
    Renew(RenewArgs),
}

#[derive(Args)]
struct Place {
    /// The folder with the CA and the certificates.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The cluster's name, as in its configuration.
    #[arg(long, value_name = "ID")]
    cluster: String,
    /// How to print what was made.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `cluster cert ca`.
#[derive(Args)]
pub struct CaArgs {
    #[command(flatten)]
    place: Place,
    /// How long it is good for.
    #[arg(long, default_value_t = CA_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Put it in the place of the one that is there: certificates of that one are no good with this one.
    #[arg(long)]
    replace: bool,
}

/// Arguments of `cluster cert node`.
#[derive(Args)]
pub struct NodeArgs {
    #[command(flatten)]
    place: Place,
    /// The node's number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    node: u64,
    /// A name or an address where clients reach the node, for HTTPS. Can be given several times.
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// How long it is good for; never longer than the CA.
    #[arg(long, default_value_t = NODE_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Put it in the place of the one that is there.
    #[arg(long)]
    replace: bool,
}

/// Arguments of `cluster cert renew`.
#[derive(Args)]
pub struct RenewArgs {
    #[command(flatten)]
    place: Place,
    /// The node's number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    node: u64,
    /// How long it is good for; never longer than the CA.
    #[arg(long, default_value_t = NODE_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// Runs a command.
///
/// # Errors
/// When something is there that is to be kept, is missing, or cannot be written.
pub fn run(command: CertCommand) -> anyhow::Result<ExitCode> {
    match command {
        CertCommand::Ca(args) => make_ca(&args),
        CertCommand::Node(args) => {
            let names = names(&args.place, args.node, &args.host)?;
            make_node(&args.place, args.node, &names, args.days, existing(args.replace))
        }
        CertCommand::Renew(args) => renew(&args),
    }
}

fn make_ca(args: &CaArgs) -> anyhow::Result<ExitCode> {
    let folder = folder(&args.place)?;
    folder.make_ca(Validity::days(args.days), existing(args.replace)).context(REPLACE_HINT)?;
    print(&args.place, None, &folder.ca(), &folder.read_ca()?);
    eprintln!("next: boxoffice cluster cert node --dir {} --cluster {} --node 1", args.place.dir.display(), args.place.cluster);
    eprintln!("keep {} where no node is; whoever has it can act as any node", folder.ca().key.display());
    Ok(ExitCode::SUCCESS)
}

fn make_node(place: &Place, node: u64, names: &[String], days: u32, existing: Existing) -> anyhow::Result<ExitCode> {
    let folder = folder(place)?;
    folder.make_node(node, names, Validity::days(days), existing).context(REPLACE_HINT)?;
    print(place, Some(node), &folder.node(node).own, &folder.read_node(node)?);
    let files = folder.node(node);
    eprintln!(
        "next: bring {}, {} and {} to node {node}, and name them under [tls.peers] in its configuration as ca, certificate and key",
        files.ca.display(),
        files.own.certificate.display(),
        files.own.key.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn renew(args: &RenewArgs) -> anyhow::Result<ExitCode> {
    let known = folder(&args.place)?.read_node(args.node).context("there is none to renew; make one with `boxoffice cluster cert node`")?;
    let own = peer_name(&ClusterId(args.place.cluster.clone()), NodeId(args.node));
    ensure!(known.has_name(&own), "the certificate that is there is that of {}, not of {own}", known.names.join(", "));
    let addresses = known.addresses.iter().map(ToString::to_string);
    let names: Vec<String> = known.names.iter().cloned().chain(addresses).collect();
    make_node(&args.place, args.node, &names, args.days, Existing::Replace)
}

/// What is said when something is there already, among other mistakes.
const REPLACE_HINT: &str = "nothing was made; --replace puts new files in the place of those that are there";

fn existing(replace: bool) -> Existing {
    if replace { Existing::Replace } else { Existing::Keep }
}

fn folder(place: &Place) -> anyhow::Result<Folder> {
    if !ClusterId(place.cluster.clone()).is_legal() {
        bail!("--cluster {:?}: use 1 to 64 of a-z, 0-9 and -", place.cluster);
    }
    Ok(Folder::at(&place.dir, &place.cluster))
}

fn names(place: &Place, node: u64, hosts: &[String]) -> anyhow::Result<Vec<String>> {
    folder(place)?;
    Ok([peer_name(&ClusterId(place.cluster.clone()), NodeId(node))].into_iter().chain(hosts.iter().cloned()).collect())
}

fn print(place: &Place, node: Option<u64>, files: &KeyFiles, made: &Certificate) {
    match place.output {
        output @ (Output::Json | Output::Jsonl) => output.print_json(&to_json(place, node, files, made)),
        Output::Table => {
            let addresses = made.addresses.iter().map(ToString::to_string);
            let names: Vec<String> = made.names.iter().cloned().chain(addresses).collect();
            println!("certificate  {}", files.certificate.display());
            println!("key          {}", files.key.display());
            if !names.is_empty() {
                println!("names        {}", names.join(", "));
            }
            println!("good until   {}", time(made.not_after_s));
        }
    }
}

fn to_json(place: &Place, node: Option<u64>, files: &KeyFiles, made: &Certificate) -> Value {
    json!({
        "object": "certificate",
        "cluster": place.cluster,
        "node": node,
        "is_ca": node.is_none(),
        "certificate": files.certificate.display().to_string(),
        "key": files.key.display().to_string(),
        "names": made.names,
        "addresses": made.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "not_before": time(made.not_before_s),
        "not_after": time(made.not_after_s),
    })
}

/// A time as RFC 3339.
fn time(seconds: u64) -> String {
    let stamp = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    stamp.map_or_else(|| "the end of time".to_owned(), |stamp| stamp.to_string())
}
