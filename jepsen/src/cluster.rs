//! A cluster of real `boxoffice serve` processes as a stranger would set it up: configuration files, certificates and secrets made with
//! the command line, each node in a folder of its own.

mod members;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::client::{Answer, Http, Request};
use crate::links::Links;
use crate::namespaces::{self, Namespaces};
use crate::net::{Net, Network};
pub use members::is_test_build;

/// How long a node may take until it is ready.
const READY_PATIENCE: Duration = Duration::from_secs(120);
/// The name of every cluster.
const NAME: &str = "jepsen";

/// What kind of cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program.
    pub binary: PathBuf,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// How many nodes found it: 3 or 5.
    pub nodes: u64,
    /// How many more can join while it runs.
    pub spares: u64,
    /// Where each node keeps its data, if not in its own folder.
    pub data: Vec<PathBuf>,
    /// Draws what the links do.
    pub seed: u64,
    /// Further environment of each node.
    pub environment: Vec<(String, String)>,
    /// The library that lies about the time, if clocks are to jump.
    pub faketime: Option<PathBuf>,
    /// Whether nodes look for a crash point that is armed at each one that they pass: test builds only.
    pub crashes: bool,
    /// The network between them.
    pub net: Net,
    /// After how many entries a group makes a snapshot; a quarter of them is kept.
    pub snapshot_entries: u64,
    /// Lines of the nodes' `[raft]`, such as `heartbeat_ms = 100`.
    pub raft: Vec<String>,
}

impl Options {
    /// Usual [`Self::snapshot_entries`].
    pub const SNAPSHOT_ENTRIES: u64 = 2000;
}

struct Node {
    folder: PathBuf,
    data: PathBuf,
    http: SocketAddr,
    peer: SocketAddr,
    child: Mutex<Option<Child>>,
}

/// A running cluster. Dropping it kills its processes; its files stay.
pub struct Cluster {
    options: Options,
    nodes: Vec<Node>,
    provider: Mutex<Option<Child>>,
    provider_at: SocketAddr,
    /// The network between the nodes.
    pub network: Network,
    http: Http,
    operator: String,
    admin: String,
    /// Who belongs to it now.
    members: Mutex<Vec<u64>>,
}

impl Cluster {
    /// Makes all files and starts all nodes.
    ///
    /// # Errors
    /// When a tool fails or a node does not get ready; its log says why.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let slots = options.nodes + options.spares;
        let (addresses, provider_at, namespaces) = places(&options, slots)?;
        let peers: BTreeMap<u64, SocketAddr> = (1..=options.nodes).zip(addresses.iter().map(|[_, peer]| *peer)).collect();
        let network = match namespaces {
            Some(namespaces) => Network::Namespaces(namespaces),
            None => Network::Links(Links::open(&peers, options.seed).await?),
        };
        let files = options.folder.join("cluster");
        fs::create_dir_all(&files)?;
        let cli = |arguments: &[&str]| run(Command::new(&options.binary).args(arguments));
        fs::write(files.join("secret"), cli(&["secret"])?)?;
        for (name, text) in [("provider-key", "sk_test_jepsen"), ("provider-secret", "whsec_jepsen_jepsen")] {
            fs::write(files.join(name), text)?;
        }
        let dir = files.join("certificates");
        let dir = dir.to_string_lossy();
        cli(&["cluster", "cert", "ca", "--dir", &dir, "--cluster", NAME])?;
        let mut nodes = Vec::new();
        for node in 1..=slots {
            cli(&["cluster", "cert", "node", "--dir", &dir, "--cluster", NAME, "--node", &node.to_string()])?;
            let folder = options.folder.join(format!("n{node}"));
            fs::create_dir_all(&folder)?;
            let data = options.data.get(node as usize - 1).cloned().unwrap_or_else(|| folder.join("data"));
            let [http, peer] = addresses[node as usize - 1];
            nodes.push(Node { folder, data, http, peer, child: Mutex::new(None) });
        }
        let (provider, members) = (Mutex::new(None), Mutex::new((1..=options.nodes).collect()));
        let (operator, admin) = (String::new(), String::new());
        let mut cluster = Self { options, nodes, provider, provider_at, network, http: Http::new()?, operator, admin, members };
        for node in 1..=slots {
            fs::write(cluster.config(node), cluster.configuration(node, &peers, &files))?;
        }
        cluster.operator = cluster.token("operator", None)?;
        cluster.admin = cluster.token("admin", None)?;
        cluster.start_provider()?;
        for node in 1..=cluster.size() {
            cluster.spawn(node)?;
        }
        cluster.wait_ready(&(1..=cluster.size()).collect::<Vec<_>>()).await?;
        Ok(cluster)
    }

    fn configuration(&self, node: u64, peers: &BTreeMap<u64, SocketAddr>, files: &Path) -> String {
        let own = self.node(node);
        let file = |name: &str| files.join(name).display().to_string();
        let mut text = format!(
            "cluster = \"{NAME}\"\nnode = {node}\ndata_dir = {:?}\nhttp = \"{}\"\npeer = \"{}\"\nsecret_file = {:?}\n\n",
            own.data.display().to_string(),
            own.http,
            own.peer,
            file("secret")
        );
        for other in peers.keys() {
            // Each node reaches the others through links of its own.
            let link = match &self.network {
                Network::Links(links) => links.address(node, *other),
                Network::Namespaces(_) => None,
            };
            let peer = link.unwrap_or(peers[other]);
            let _ = write!(text, "[[members]]\nnode = {other}\npeer = \"{peer}\"\nhttp = \"http://{}\"\n\n", self.node(*other).http);
        }
        let certificates = files.join("certificates");
        let pem = |name: String| certificates.join(name).display().to_string();
        let _ = write!(
            text,
            "[tls.peers]\nca = {:?}\ncertificate = {:?}\nkey = {:?}\n\n",
            pem("ca.pem".into()),
            pem(format!("n{node}.pem")),
            pem(format!("n{node}.key"))
        );
        text.push_str("[groups]\nevents = 2\nusers = 2\n\n");
        text.push_str("[limits]\ntrusted_networks = [\"127.0.0.0/8\", \"10.77.0.0/16\"]\nuser_per_minute = 1000000\n\n");
        let (entries, kept) = (self.options.snapshot_entries, self.options.snapshot_entries / 4);
        let _ = write!(text, "[raft]\nsegment_mib = 8\nsnapshot_entries = {entries}\nkeep_entries = {kept}\n");
        self.options.raft.iter().for_each(|line| text.extend([line, "\n"]));
        text.push_str("\n[threads]\nhttp = 1\nconsensus = 1\n\n");
        let _ = write!(
            text,
            "[payment]\nprovider = \"stripe\"\nbase_url = \"http://{}\"\nkey_file = {:?}\nwebhook_secret_files = [{:?}]\nreturn_url = \
             \"http://127.0.0.1/\"\n",
            self.provider_at,
            file("provider-key"),
            file("provider-secret")
        );
        text
    }

    /// How many nodes founded it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.options.nodes
    }

    /// Members that faults of the network reach: those who joined later have no links of the harness.
    #[must_use]
    pub fn linked(&self) -> Vec<u64> {
        self.nodes().into_iter().filter(|node| *node <= self.size() || self.network.reaches_everybody()).collect()
    }

    /// A node's base URL.
    #[must_use]
    pub fn url(&self, node: u64) -> String {
        format!("http://{}", self.node(node).http)
    }

    /// The base URL of the payment provider, and its key.
    #[must_use]
    pub fn provider(&self) -> (String, &'static str) {
        (format!("http://{}", self.provider_at), "sk_test_jepsen")
    }

    /// A node's configuration file.
    #[must_use]
    pub fn config(&self, node: u64) -> PathBuf {
        self.node(node).folder.join("config.toml")
    }

    /// Where a node keeps its data.
    #[must_use]
    pub fn data(&self, node: u64) -> &Path {
        &self.node(node).data
    }

    /// What a node has logged.
    #[must_use]
    pub fn log(&self, node: u64) -> String {
        fs::read_to_string(self.node(node).folder.join("log")).unwrap_or_default()
    }

    /// The file from which a node's false clock reads how much it is off.
    #[must_use]
    pub fn clock_file(&self, node: u64) -> PathBuf {
        self.node(node).folder.join("faketime")
    }

    /// Whether clocks can be made to lie.
    #[must_use]
    pub fn clocks_can_lie(&self) -> bool {
        self.options.faketime.is_some()
    }

    /// A token with this role, from the command line; for this account, or for one that stands for the role.
    ///
    /// # Errors
    /// When the command fails.
    pub fn token(&self, role: &str, user: Option<&str>) -> anyhow::Result<String> {
        let config = self.config(1);
        let mut command = Command::new(&self.options.binary);
        command.args(["token", "--role", role, "--hours", "24", "--config"]).arg(config);
        command.args(user.iter().flat_map(|user| ["--user", user]));
        Ok(run(&mut command)?.trim().to_owned())
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn spawn(&self, node: u64) -> anyhow::Result<()> {
        let folder = &self.node(node).folder;
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = match &self.network {
            Network::Links(_) => Command::new(&self.options.binary),
            Network::Namespaces(namespaces) => namespaces.command(node, &self.options.binary),
        };
        command.args(["serve", "--until-stdin-closes", "--config"]).arg(self.config(node));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).env("NO_COLOR", "1");
        command.envs(self.options.environment.iter().cloned());
        if let Some(library) = &self.options.faketime {
            let file = self.clock_file(node);
            if !file.exists() {
                fs::write(&file, "+0")?;
            }
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", file);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
        }
        if self.options.crashes {
            command.env("BOXOFFICE_CRASH", format!("@{}", self.crash_file(node).display()));
        }
        *lock(&self.node(node).child) = Some(command.spawn().context("start a node")?);
        Ok(())
    }

    /// Kills a node where it stands.
    pub fn kill(&self, node: u64) {
        if let Some(mut child) = lock(&self.node(node).child).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks a node to stop, as an operator would, and waits until it has.
    ///
    /// # Errors
    /// When it does not stop in time, or not with success.
    pub async fn stop(&self, node: u64) -> anyhow::Result<()> {
        self.signal(node, libc::SIGTERM);
        let since = Instant::now();
        while self.is_running(node) {
            ensure!(since.elapsed() < READY_PATIENCE, "node {node} does not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Sends a signal to a running node.
    #[allow(unsafe_code)] // Signals are only to be had from libc.
    pub fn signal(&self, node: u64, signal: i32) {
        if let Some(child) = lock(&self.node(node).child).as_ref() {
            // SAFETY: kill touches no memory; the child was not waited for, so its id is not anybody else's.
            unsafe { libc::kill(child.id() as i32, signal) };
        }
    }

    /// The process id of a running node.
    #[must_use]
    pub fn pid(&self, node: u64) -> Option<u32> {
        lock(&self.node(node).child).as_ref().map(Child::id)
    }

    /// Whether a node's process runs; one that ended is forgotten.
    #[must_use]
    pub fn is_running(&self, node: u64) -> bool {
        let mut child = lock(&self.node(node).child);
        let runs = child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
        if !runs {
            *child = None;
        }
        runs
    }

    /// Waits until these nodes are ready.
    ///
    /// # Errors
    /// When one ended or takes too long.
    pub async fn wait_ready(&self, nodes: &[u64]) -> anyhow::Result<()> {
        let since = Instant::now();
        for &node in nodes {
            while !self.is_ready(node).await {
                ensure!(self.is_running(node), "node {node} ended:\n{}", tail(&self.log(node)));
                ensure!(since.elapsed() < READY_PATIENCE, "node {node} is not ready:\n{}", tail(&self.log(node)));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    async fn is_ready(&self, node: u64) -> bool {
        let base = self.url(node);
        matches!(self.ask(&base, "/readyz", None).await, Answer::Definite(reply) if reply.status == 200)
    }

    async fn ask(&self, base: &str, path: &str, token: Option<&str>) -> Answer {
        self.http.send(&Request { base, path, token, ..Request::default() }).await
    }

    /// What a node tells an operator at this path, if it answers with 200.
    pub async fn operators_view(&self, node: u64, path: &str) -> Option<Value> {
        match self.ask(&self.url(node), path, Some(&self.operator)).await {
            Answer::Definite(reply) if reply.status == 200 => Some(reply.body),
            _ => None,
        }
    }

    /// The node that leads a group, if one that runs says so.
    pub async fn leader(&self, group: u64) -> Option<u64> {
        // One that was cut off may still believe that it leads: the newest term is right.
        let mut newest = None;
        for node in self.nodes() {
            let Some(status) = self.operators_view(node, "/status").await else { continue };
            let leads = |line: &&Value| line["group"].as_u64() == Some(group) && line["role"] == "leader";
            let term = status["groups"].as_array().into_iter().flatten().find(leads).map(|line| line["term"].as_u64().unwrap_or(0));
            newest = newest.max(term.map(|term| (term, node)));
        }
        newest.map(|(_, node)| node)
    }

    /// Starts the payment provider and waits until it listens.
    ///
    /// # Errors
    /// When it does not.
    pub fn start_provider(&self) -> anyhow::Result<()> {
        let folder = self.options.folder.join("provider");
        let files = self.options.folder.join("cluster");
        fs::create_dir_all(&folder)?;
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new(&self.options.binary);
        command.args(["sandbox-provider", "--listen", &self.provider_at.to_string(), "--data"]).arg(folder.join("data"));
        command.arg("--key-file").arg(files.join("provider-key")).arg("--webhook-secret-file").arg(files.join("provider-secret"));
        for node in 1..=self.size() {
            command.arg("--webhook").arg(format!("{}/payment/webhook", self.url(node)));
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().context("start the payment provider")?;
        let since = Instant::now();
        while std::net::TcpStream::connect(self.provider_at).is_err() {
            if child.try_wait()?.is_some() || since.elapsed() > READY_PATIENCE {
                bail!("the payment provider does not start: see {}", folder.join("log").display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        *lock(&self.provider) = Some(child);
        Ok(())
    }

    /// Kills the payment provider where it stands.
    pub fn kill_provider(&self) {
        if let Some(mut child) = lock(&self.provider).take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn node(&self, node: u64) -> &Node {
        &self.nodes[node as usize - 1]
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        (1..=self.nodes.len() as u64).for_each(|node| self.kill(node));
        self.kill_provider();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a tool; gives what it printed.
///
/// # Errors
/// When it cannot be started or fails; what it said is in the error.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of a log.
#[must_use]
pub fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Where each node listens, for clients and for other nodes; where the payment provider does; and the namespaces, if there are some.
fn places(options: &Options, slots: u64) -> anyhow::Result<(Vec<[SocketAddr; 2]>, SocketAddr, Option<Namespaces>)> {
    if options.net == Net::Namespaces {
        if let Some(why) = namespaces::unavailable() {
            bail!(why);
        }
        let namespaces = Namespaces::create(slots)?;
        let addresses = (1..=slots).map(|node| namespaces.addresses(node)).collect();
        return Ok((addresses, namespaces.provider(), Some(namespaces)));
    }
    let ports = free_ports(2 * slots as usize + 1)?;
    let at = |place: u64| SocketAddr::from((Ipv4Addr::LOCALHOST, ports[place as usize]));
    Ok(((0..slots).map(|node| [at(2 * node), at(2 * node + 1)]).collect(), at(2 * slots), None))
}

/// Ports that nobody listens on, below those that the kernel gives to outgoing connections.
fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let mut draw = crate::draw::Draw::of(u64::from(std::process::id()), "ports", Instant::now().elapsed().subsec_nanos().into());
    let mut kept = Vec::new();
    for _ in 0..10_000 {
        let port = 10_000 + draw.below(22_000) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            kept.push((port, listener));
        }
        if kept.len() == count {
            return Ok(kept.into_iter().map(|(port, _)| port).collect());
        }
    }
    bail!("no {count} free ports")
}
