//! `boxoffice cluster init`: a folder a node with all that it needs to start, and one with the CA that no node gets.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::tls::peer_name;
use boxoffice_tls::issue::{CA_DAYS, Existing, Folder, NODE_DAYS, Validity};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::output::{Output, table};
use crate::secret;

/// Arguments.
#[derive(Args)]
pub struct InitArgs {
    /// The folder to write; must be empty or missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The cluster's name: a-z, 0-9 and -.
    #[arg(long, value_name = "ID")]
    cluster: String,
    /// Where the other nodes and clients reach a node; once a node, an odd number of them.
    #[arg(long, value_name = "HOST:PORT,URL", required = true)]
    node: Vec<String>,
    /// Where a node's files will lie on its machine; default: where they are written.
    #[arg(long, value_name = "DIR")]
    at: Option<PathBuf>,
    /// Where a node keeps its data; default: `data` beside its configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Without certificates between the nodes: only where the network between them is closed by other means.
    #[arg(long)]
    insecure_peers: bool,
    /// Only say what would be written.
    #[arg(long)]
    dry_run: bool,
    /// How to print what was made.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// A node to be.
struct Node {
    number: u64,
    peer: String,
    http: String,
}

/// Writes the folders.
///
/// # Errors
/// When something is there already, the addresses are not right, or files cannot be written.
pub fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    ensure!(ClusterId(args.cluster.clone()).is_legal(), "--cluster {:?}: use 1 to 64 of a-z, 0-9 and -", args.cluster);
    let nodes = nodes(&args.node)?;
    if fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty, and nothing is overwritten", args.dir.display());
    }
    // What is wrong with a configuration is found before anything is written.
    let configs: Vec<String> = nodes.iter().map(|node| config(args, &nodes, node)).collect::<anyhow::Result<_>>()?;
    if args.dry_run {
        eprintln!("would write {} for {} nodes; nothing was done", args.dir.display(), nodes.len());
        return Ok(ExitCode::SUCCESS);
    }
    let secret = secret::fresh()?;
    let folders: Vec<PathBuf> = nodes.iter().map(|node| folder(args, node)).collect();
    for (folder, config) in folders.iter().zip(&configs) {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        write(&folder.join("node.toml"), config, 0o644)?;
        write(&folder.join("secret"), &secret, 0o600)?;
    }
    if !args.insecure_peers {
        certify(args, &nodes)?;
    }
    print(args, &nodes, &folders);
    Ok(ExitCode::SUCCESS)
}

fn nodes(given: &[String]) -> anyhow::Result<Vec<Node>> {
    let node = |(number, text): (u64, &String)| {
        let (peer, http) = text.split_once(',').with_context(|| format!("--node {text:?}: write HOST:PORT,URL"))?;
        Ok(Node { number, peer: peer.to_owned(), http: http.trim_end_matches('/').to_owned() })
    };
    (1..).zip(given).map(node).collect()
}

fn folder(args: &InitArgs, node: &Node) -> PathBuf {
    args.dir.join(format!("n{}", node.number))
}

/// The text of a node's configuration, checked.
fn config(args: &InitArgs, nodes: &[Node], node: &Node) -> anyhow::Result<String> {
    let at = match &args.at {
        Some(at) => at.clone(),
        None => std::path::absolute(folder(args, node))?,
    };
    let data = args.data.clone().unwrap_or_else(|| at.join("data"));
    let listen = |address: &str| listen(address).with_context(|| format!("{address:?}: write host:port"));
    let quoted = |path: &Path| toml::Value::from(path.display().to_string()).to_string();
    let mut text = format!("# Node {} of {}.\ncluster = \"{}\"\n", node.number, args.cluster, args.cluster);
    writeln!(text, "node = {}\ndata_dir = {}\nhttp = \"{}\"", node.number, quoted(&data), listen(authority(&node.http))?)?;
    writeln!(text, "peer = \"{}\"\nsecret_file = {}", listen(&node.peer)?, quoted(&at.join("secret")))?;
    for member in nodes {
        let [peer, http] = [&member.peer, &member.http].map(|text| toml::Value::from(text.as_str()).to_string());
        writeln!(text, "\n[[members]]\nnode = {}\npeer = {peer}\nhttp = {http}", member.number)?;
    }
    if args.insecure_peers {
        writeln!(text, "\n[tls]\ninsecure_peers = true")?;
    } else {
        let file = |name: String| quoted(&at.join(name));
        let (certificate, key) = (file(format!("n{}.pem", node.number)), file(format!("n{}.key", node.number)));
        writeln!(text, "\n[tls.peers]\nca = {}\ncertificate = {certificate}\nkey = {key}", file("ca.pem".to_owned()))?;
    }
    Config::parse(&text)?;
    Ok(text)
}

/// The part of a URL that says where.
fn authority(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest)
}

/// Where to listen so that an address reaches it: on this machine alone if that is what the address says.
fn listen(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let near = match ip {
        Ok(ip) if ip.is_loopback() => host,
        _ if host == "localhost" => "127.0.0.1",
        _ => "0.0.0.0",
    };
    Some(format!("{near}:{port}"))
}

/// A CA beside the nodes, and a certificate in each node's folder.
fn certify(args: &InitArgs, nodes: &[Node]) -> anyhow::Result<()> {
    let dir = args.dir.join("certificates");
    let made = Folder::at(&dir, &args.cluster);
    made.make_ca(Validity::days(CA_DAYS), Existing::Keep).context("make a CA")?;
    for node in nodes {
        let host = node.peer.rsplit_once(':').map_or("", |(host, _)| host).trim_matches(['[', ']']);
        let own = peer_name(&ClusterId(args.cluster.clone()), NodeId(node.number));
        let names = [own, host.to_owned()];
        made.make_node(node.number, &names, Validity::days(NODE_DAYS), Existing::Keep).context("make the nodes' certificates")?;
        let files = made.node(node.number);
        let to = folder(args, node);
        for from in [&files.ca, &files.own.certificate, &files.own.key] {
            let name = from.file_name().context("a file has a name")?;
            fs::copy(from, to.join(name)).with_context(|| format!("copy {}", from.display()))?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("write {}", path.display()))
}

fn print(args: &InitArgs, nodes: &[Node], folders: &[PathBuf]) {
    let config = |folder: &PathBuf| folder.join("node.toml").display().to_string();
    match args.output {
        Output::Table => {
            let row =
                |(node, folder): (&Node, &PathBuf)| vec![node.number.to_string(), node.peer.clone(), node.http.clone(), config(folder)];
            let rows: Vec<Vec<String>> = nodes.iter().zip(folders).map(row).collect();
            print!("{}", table(&["node", "peer", "http", "config"], &rows));
        }
        output => {
            let lines = nodes.iter().zip(folders).map(|(node, folder)| {
                let config = config(folder);
                json!({"node": node.number, "peer": node.peer, "http": node.http, "config": config})
            });
            output.print_json(&Value::from(lines.collect::<Vec<_>>()));
        }
    }
    if let Some(at) = &args.at {
        eprintln!("next: bring each folder nN to {} on its machine, and there", at.display());
    }
    for folder in folders {
        let at = args.at.as_ref().unwrap_or(folder);
        eprintln!("  boxoffice serve --config {}", at.join("node.toml").display());
    }
    if !args.insecure_peers {
        eprintln!("keep {} where no node is: it makes certificates for nodes that join later", args.dir.join("certificates").display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_listen_where_they_are_reached() {
        let cases =
            [("box1:7580", "0.0.0.0:7580"), ("127.0.0.1:1", "127.0.0.1:1"), ("localhost:2", "127.0.0.1:2"), ("10.0.0.1:3", "0.0.0.0:3")];
        for (address, expected) in cases {
            assert_eq!(listen(address).as_deref(), Some(expected));
        }
        assert_eq!(listen("box1"), None);
        assert_eq!(authority("https://box1:7480"), "box1:7480");
    }
}
