//! A cluster of real `boxoffice serve` processes, each with its own port, data folder and log file.

mod crash;
mod growth;
mod letters;

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use boxoffice::bench::{load::Buyer, setup};
use boxoffice_cluster_config::backup::Backup;
use boxoffice_cluster_config::changes::{Changes, Webhooks};
use boxoffice_cluster_config::file::{Config, Limits, Mail, Member, RaftTuning, Threads, TicketKeys};
use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::media::Media;
use boxoffice_cluster_config::payment::Payment;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{EventId, UserId};
use boxoffice_tls::issue::Folder;

use crate::certificates::{self, url};
use crate::http::Client;
use crate::ports::ports_of;
use crate::process::{self, Signal};
use crate::provider::Provider;
pub use crate::requirements::{has_program, is_required, skip};
use crate::{binary, faketime, readiness, shop};

/// How long a node may take until it is ready, on a busy machine with an unoptimised build.
const READY_PATIENCE: Duration = Duration::from_secs(120);

/// What kind of cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many nodes.
    pub nodes: u64,
    /// How many groups.
    pub groups: GroupCounts,
    /// Limits on callers.
    pub limits: Limits,
    /// Raft's timers and sizes.
    pub raft: RaftTuning,
    /// How much of what happened each node keeps.
    pub changes: Changes,
    /// Whether the nodes know the sandbox provider; it runs in any case.
    pub takes_payments: bool,
    /// How long buyers may take at their bank, in seconds; `None` = the usual time.
    pub bank_time_s: Option<u64>,
    /// Where images are kept and served.
    pub media: Media,
    /// Backups; by default none is made unless it is asked for.
    pub backup: Backup,
    /// Whether clients are served over HTTPS.
    pub https: bool,
    /// Whether [`Cluster::arm`] works: nodes then look for an armed point at each one that they pass.
    pub can_be_armed: bool,
    /// How wrong each node's clock is, such as `+1h`; needs [`crate::faketime`]. Nodes beyond the list, or with nothing there, are right.
    pub clocks: Vec<String>,
    /// What the nodes log, as in `BOXOFFICE_LOG`; empty = the usual.
    pub log: &'static str,
    /// Where each node's data lies; nodes beyond the list use the cluster's own folder.
    pub data: Vec<PathBuf>,
    /// A folder that stays: a cluster that was there before goes on with its data. `None` = one of its own, removed at the end.
    pub folder: Option<PathBuf>,
}

impl Default for Options {
    /// Three nodes that talk over TLS, few groups, small segments, and no limits for this machine's addresses.
    fn default() -> Self {
        Self {
            nodes: 3,
            groups: GroupCounts { events: 2, users: 2 },
            limits: Limits { trusted_networks: vec!["127.0.0.0/8".into()], user_per_minute: 1_000_000, ..Limits::default() },
            // Slower than the defaults: three unoptimised nodes and a compiler may share two cores.
            raft: RaftTuning { segment_mib: 8, heartbeat_ms: 150, election_min_ms: 600, election_max_ms: 1200, ..RaftTuning::default() },
            changes: Changes::default(),
            takes_payments: true,
            bank_time_s: None,
            media: Media::default(),
            backup: Backup { enabled: false, ..Backup::default() },
            https: false,
            can_be_armed: false,
            clocks: Vec::new(),
            log: "",
            data: Vec::new(),
            folder: None,
        }
    }
}

/// The name of every cluster.
const NAME: &str = "test";

/// One node.
struct Node {
    folder: PathBuf,
    http: u16,
    peer: u16,
    child: Mutex<Option<Child>>,
}

/// A running cluster. Dropping it ends its processes, and removes its files unless a test is failing.
pub struct Cluster {
    folder: PathBuf,
    nodes: Vec<Node>,
    options: Options,
    rights: setup::Cluster,
    provider: Provider,
}

impl Cluster {
    /// Starts a cluster and waits until every node is ready.
    ///
    /// # Errors
    /// When a node does not get ready; its log says why.
    pub fn start(options: Options) -> anyhow::Result<Self> {
        match Self::start_once(options.clone()) {
            // Somebody else may take a port after it was found free.
            Err(error) if options.folder.is_none() && format!("{error:#}").contains("in use") => Self::start_once(options),
            started => started,
        }
    }

    fn start_once(options: Options) -> anyhow::Result<Self> {
        let cluster = Self::prepare(options)?;
        cluster.provider.spawn()?;
        for node in 1..=cluster.options.nodes {
            cluster.spawn(node)?;
        }
        cluster.wait_ready()?;
        Ok(cluster)
    }

    /// Writes the configurations and starts nothing.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn prepare(options: Options) -> anyhow::Result<Self> {
        let folder = match &options.folder {
            Some(folder) => folder.clone(),
            None => tempfile::Builder::new().prefix("cluster-").tempdir_in(binary::scratch())?.keep(),
        };
        fs::create_dir_all(&folder)?;
        let (secret_file, ports) = (folder.join("secret"), ports_of(&folder, 2 * options.nodes as usize + 1)?);
        if !secret_file.exists() {
            let mut entropy = [0_u8; 32];
            File::open("/dev/urandom")?.read_exact(&mut entropy)?;
            fs::write(&secret_file, entropy.iter().map(|byte| format!("{byte:02x}")).collect::<String>())?;
        }
        let address = |place: u64| format!("127.0.0.1:{}", ports[place as usize]);
        let members: Vec<Member> = (1..=options.nodes)
            .map(|node| Member { node: NodeId(node), peer: address(2 * node - 1), http: url(options.https, &address(2 * node - 2)) })
            .collect();
        let hooks = members.iter().map(|member| format!("{}/payment/webhook", member.http)).collect();
        let provider = Provider::prepare(&folder.join("provider"), &address(2 * options.nodes), hooks)?;
        let mut nodes = Vec::new();
        for node in 1..=options.nodes {
            let (own, http, peer) = (folder.join(format!("n{node}")), ports[2 * node as usize - 2], ports[2 * node as usize - 1]);
            fs::create_dir_all(&own)?;
            let config = Config {
                cluster: ClusterId(NAME.into()),
                node: NodeId(node),
                data_dir: options.data.get(node as usize - 1).cloned().unwrap_or_else(|| own.join("data")),
                http: address(2 * node - 2),
                peer: address(2 * node - 1),
                secret_file: secret_file.clone(),
                members: members.clone(),
                groups: options.groups,
                limits: options.limits.clone(),
                raft: options.raft.clone(),
                // Several nodes share the machine.
                threads: Threads { http: 1, consensus: 1 },
                payment: match options.takes_payments {
                    true => Payment { bank_time_s: options.bank_time_s, ..provider.payment() },
                    false => Payment::default(),
                },
                mail: Mail { dir: Some(folder.join("mail")), ..Mail::default() },
                allowed_origins: Vec::new(),
                media: options.media.clone(),
                backup: options.backup.clone(),
                tickets: TicketKeys::default(),
                changes: options.changes,
                webhooks: Webhooks { allow_private: true },
                tls: certificates::of_node(&folder.join("certificates"), NAME, node, options.https)?,
            };
            fs::write(own.join("config.toml"), toml::to_string(&config)?)?;
            nodes.push(Node { folder: own, http, peer, child: Mutex::new(None) });
        }
        let rights = setup::Cluster::open(&nodes[0].folder.join("config.toml"), &[format!("http://{}", address(0))])?;
        Ok(Self { folder, nodes, options, rights, provider })
    }

    /// How many nodes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.options.nodes
    }

    /// Its numbers of groups.
    #[must_use]
    pub fn groups(&self) -> GroupCounts {
        self.options.groups
    }

    /// The sandbox provider that takes its payments.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Where a node serves HTTP. Nodes count from 1.
    #[must_use]
    pub fn url(&self, node: u64) -> String {
        url(self.options.https, &self.address(node))
    }

    /// `host:port` where a node is reached by other nodes.
    #[must_use]
    pub fn peer_address(&self, node: u64) -> String {
        format!("127.0.0.1:{}", self.node(node).peer)
    }

    /// The folder with its CA and the nodes' certificates.
    #[must_use]
    pub fn certificates(&self) -> Folder {
        Folder::at(self.folder.join("certificates"), NAME)
    }

    /// A caller without a name, at a node, who trusts the cluster's CA.
    #[must_use]
    pub fn anyone(&self, node: u64) -> Client {
        if !self.options.https {
            return Client::at(&self.url(node));
        }
        Client::trusting(&self.url(node), &self.certificates().ca().certificate)
    }

    /// `host:port` of a node's HTTP.
    #[must_use]
    pub fn address(&self, node: u64) -> String {
        format!("127.0.0.1:{}", self.node(node).http)
    }

    /// A node's configuration file.
    #[must_use]
    pub fn config(&self, node: u64) -> PathBuf {
        self.node(node).folder.join("config.toml")
    }

    /// What a node has logged so far.
    #[must_use]
    pub fn log(&self, node: u64) -> String {
        fs::read_to_string(self.node(node).folder.join("log")).unwrap_or_default()
    }

    /// Someone who may do what this role may do. Their account does not exist; booking does not need it to.
    ///
    /// # Panics
    /// When no token can be made.
    #[must_use]
    pub fn someone(&self, role: Role) -> Buyer {
        self.rights.buyer(role).expect("a token can be made")
    }

    /// A token of somebody who was here before.
    ///
    /// # Panics
    /// When it is no user's id, or no token can be made.
    #[must_use]
    pub fn token_of(&self, user: &str, role: Role) -> String {
        self.rights.token(UserId::parse(user).expect("a user's id"), role).expect("a token can be made")
    }

    /// A client of a node, on behalf of someone new with this role.
    #[must_use]
    pub fn client(&self, node: u64, role: Role) -> Client {
        self.anyone(node).with_token(&self.someone(role).token)
    }

    /// The group of an event, by its id.
    ///
    /// # Panics
    /// When it is not an event's id.
    #[must_use]
    pub fn group_of_event(&self, event: &str) -> u32 {
        let event = EventId::parse(event).expect("an event's id");
        self.options.groups.of_event_slot(event.slot().number()).0
    }

    /// The group of a user, by its id.
    ///
    /// # Panics
    /// When it is not a user's id.
    #[must_use]
    pub fn group_of_user(&self, user: &str) -> u32 {
        let user = UserId::parse(user).expect("a user's id");
        self.options.groups.of_user_slot(user.slot().number()).0
    }

    /// Kills a node where it stands.
    pub fn kill(&self, node: u64) {
        if let Some(mut child) = self.take(node) {
            process::signal(&child, Signal::Kill);
            let _ = child.wait();
        }
    }

    /// Asks a node to stop and waits until it has.
    ///
    /// # Errors
    /// When it does not stop in time, or not with success.
    pub fn stop(&self, node: u64) -> anyhow::Result<()> {
        let Some(mut child) = self.take(node) else { return Ok(()) };
        process::signal(&child, Signal::Terminate);
        let since = Instant::now();
        while since.elapsed() < READY_PATIENCE {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "node {node} ended with {status}");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        process::signal(&child, Signal::Kill);
        bail!("node {node} does not stop");
    }

    /// Pauses a node or lets it go on.
    pub fn signal(&self, node: u64, signal: Signal) {
        if let Some(child) = lock(&self.node(node).child).as_ref() {
            process::signal(child, signal);
        }
    }

    /// The process id of a running node.
    #[must_use]
    pub fn pid(&self, node: u64) -> Option<u32> {
        lock(&self.node(node).child).as_ref().map(Child::id)
    }

    /// Whether a node died by itself since it was started; then it counts as not running.
    #[must_use]
    pub fn has_died(&self, node: u64) -> bool {
        let mut child = lock(&self.node(node).child);
        let died = child.as_mut().is_some_and(|running| matches!(running.try_wait(), Ok(Some(_))));
        if died {
            *child = None;
        }
        died
    }

    /// Starts a node that does not run.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn spawn(&self, node: u64) -> anyhow::Result<()> {
        self.spawn_to_crash(node, None)
    }

    /// As [`Cluster::spawn`], with a crash point armed: `name` or `name:n` for its n-th hit.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn spawn_to_crash(&self, node: u64, point: Option<&str>) -> anyhow::Result<()> {
        let folder = &self.node(node).folder;
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = Command::new(binary::boxoffice());
        command.arg("serve").arg("--config").arg(folder.join("config.toml"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).env("NO_COLOR", "1");
        if !self.options.log.is_empty() {
            command.env("BOXOFFICE_LOG", self.options.log);
        }
        if let Some(point) = point {
            command.env("BOXOFFICE_CRASH", point);
        } else if self.options.can_be_armed {
            command.env("BOXOFFICE_CRASH", format!("@{}", folder.join("crash").display()));
        }
        if let Some(offset) = self.options.clocks.get(node as usize - 1).filter(|offset| !offset.is_empty()) {
            faketime::lie(&mut command, offset);
        }
        *lock(&self.node(node).child) = Some(process::spawn(command).context("start a node")?);
        Ok(())
    }

    /// Waits until every running node is ready.
    ///
    /// # Errors
    /// When one ended or takes too long.
    pub fn wait_ready(&self) -> anyhow::Result<()> {
        let since = Instant::now();
        for node in 1..=self.options.nodes {
            while self.is_running(node)? && !self.is_ready(node) {
                ensure!(since.elapsed() < READY_PATIENCE, "node {node} is not ready:\n{}", tail(&self.log(node)));
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }

    /// Whether a node says that it is ready.
    #[must_use]
    pub fn is_ready(&self, node: u64) -> bool {
        if self.options.https { readiness::over_tls(self.anyone(node)) } else { readiness::at(self.node(node).http) }
    }

    /// The node that leads a group, as the nodes that run see it; waits until one does.
    ///
    /// # Errors
    /// When nobody leads for too long.
    pub async fn leader(&self, group: u32) -> anyhow::Result<u64> {
        let since = Instant::now();
        loop {
            for node in 1..=self.options.nodes {
                if self.pid(node).is_some()
                    && let Ok(status) = self.client(node, Role::Operator).try_get("/status").await
                    && status.status == 200
                    && shop::leads(&status.body, group)
                {
                    return Ok(node);
                }
            }
            ensure!(since.elapsed() < READY_PATIENCE, "group {group} has no leader");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Keeps the files until the test run ends, then removes them if nothing failed. For clusters that are never dropped.
    pub fn remove_at_exit(&self) {
        process::remove_at_exit(self.folder.clone());
    }

    fn is_running(&self, node: u64) -> anyhow::Result<bool> {
        match lock(&self.node(node).child).as_mut() {
            None => Ok(false),
            Some(child) => match child.try_wait()? {
                None => Ok(true),
                Some(status) => bail!("node {node} ended with {status}:\n{}", tail(&self.log(node))),
            },
        }
    }

    fn node(&self, node: u64) -> &Node {
        &self.nodes[node as usize - 1]
    }

    fn take(&self, node: u64) -> Option<Child> {
        lock(&self.node(node).child).take()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 1..=self.options.nodes {
            self.kill(node);
        }
        self.provider.kill();
        let panicked = (1..=self.options.nodes).filter(|&node| self.log(node).contains("panicked at")).collect::<Vec<_>>();
        if std::thread::panicking() {
            eprintln!("the nodes' files stay in {}", self.folder.display());
        } else {
            assert!(panicked.is_empty(), "nodes {panicked:?} panicked: see their logs in {}", self.folder.display());
            if self.options.folder.is_none() {
                let _ = fs::remove_dir_all(&self.folder);
            }
        }
    }
}

/// The end of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
