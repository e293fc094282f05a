//! `boxoffice dev`: a whole cluster on this machine. Three real node processes with ports and data directories of their own, a
//! sandbox provider that takes the payments, two events on sale, and a line for each thing to try.

mod certificates;
mod provider;

use std::io::IsTerminal;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_cluster_config::backup::Backup;
use boxoffice_cluster_config::changes::{Changes, Webhooks};
use boxoffice_cluster_config::file::{Config, Limits, Mail, Member, RaftTuning, Threads, TicketKeys};
use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use boxoffice_cluster_config::media::Media;
use boxoffice_cluster_config::tls::Tls;
use boxoffice_ledger::command::Role;
use clap::Args;

use super::demo::{self, DemoEvent};
use super::token;
use crate::payment::sandbox::methods::METHODS;
use provider::Provider;

const NODES: u16 = 3;

/// How long the first start may take; writing the first log segments is the slow part on a slow disk.
const START_MAX: Duration = Duration::from_secs(180);

/// Arguments.
#[derive(Args)]
#[command(after_help = "Examples:\n  boxoffice dev\n  boxoffice dev --fresh --data demo-data | head -1    (one JSON line when ready)")]
pub struct DevArgs {
    /// Where the cluster keeps its data. Kept between starts.
    #[arg(long, default_value = "boxoffice-data", value_name = "DIR")]
    data: PathBuf,
    /// Throw the data of an earlier start away first.
    #[arg(long)]
    fresh: bool,
    /// The first of seven ports (three for HTTP, three between nodes, the sandbox provider's). When one is taken, the next free block is
    /// used. 0 = any.
    #[arg(long, default_value_t = 7480)]
    port: u16,
    /// No demo events: an empty cluster.
    #[arg(long)]
    empty: bool,
    /// Let the nodes talk in the clear, to see what TLS between them costs.
    #[arg(long)]
    insecure_peers: bool,
}

/// Starts the cluster and stays until it is told to stop.
///
/// # Errors
/// When a node does not come up.
pub fn run(args: DevArgs) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    if args.fresh && args.data.exists() {
        if !args.data.join("secret").exists() {
            bail!("{} does not look like a data directory of this command: not throwing it away", args.data.display());
        }
        std::fs::remove_dir_all(&args.data).with_context(|| format!("remove {}", args.data.display()))?;
    }
    std::fs::create_dir_all(&args.data).with_context(|| format!("create {}", args.data.display()))?;
    let data = args.data.canonicalize().with_context(|| format!("find {}", args.data.display()))?;
    crate::secret::create(&data.join("secret"))?;
    let ports = free_ports(args.port)?;
    let provider = Provider::prepare(&data, ports[usize::from(2 * NODES)])?;
    let tls = certificates::prepare(&data, args.insecure_peers)?;
    let configs = write_configs(&data, &ports, &provider, &tls)?;
    let mut nodes = Nodes::start(&data, &configs, &provider)?;
    let runtime = super::runtime(1)?;
    let outcome = runtime.block_on(async {
        let urls: Vec<String> = configs.iter().map(|config| format!("http://{}", config.http)).collect();
        wait_until_ready(&urls, &mut nodes).await?;
        let coordinator = token::sign(&configs[0], Role::Coordinator, None, Duration::from_secs(30 * 24 * 3600))?;
        let operator = token::sign(&configs[0], Role::Operator, None, Duration::from_secs(30 * 24 * 3600))?;
        let events = if args.empty { Vec::new() } else { demo::seed(&data, &urls, &coordinator).await? };
        let claim = claim_link(&configs[0], &urls).await?;
        let (coordinator, operator, claim) = (&coordinator, &operator, claim.as_deref());
        let ready = Ready { urls: &urls, nodes: &nodes, provider: &provider, data: &data, events: &events, coordinator, operator, claim };
        ready.print(begun.elapsed());
        nodes.watch().await
    });
    nodes.stop();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Writes a configuration for each node.
fn write_configs(data: &Path, ports: &[u16], provider: &Provider, tls: &[Tls]) -> anyhow::Result<Vec<Config>> {
    let member = |number: u16| Member {
        node: NodeId(u64::from(number)),
        peer: format!("127.0.0.1:{}", ports[usize::from(NODES + number - 1)]),
        http: format!("http://127.0.0.1:{}", ports[usize::from(number - 1)]),
    };
    let members: Vec<Member> = (1..=NODES).map(member).collect();
    let mut configs = Vec::new();
    for ((number, member), tls) in (1..=NODES).zip(&members).zip(tls) {
        let config = Config {
            cluster: ClusterId("dev".into()),
            node: member.node,
            data_dir: data.join(format!("n{number}")),
            http: format!("127.0.0.1:{}", ports[usize::from(number - 1)]),
            peer: member.peer.clone(),
            secret_file: data.join("secret"),
            members: members.clone(),
            groups: GroupCounts::default(),
            // Everybody here is on this machine, load generators too: no limit per address, and one per account that `bench` fits in.
            limits: Limits { trusted_networks: vec!["127.0.0.0/8".into()], user_per_minute: 120_000, ..Limits::default() },
            raft: RaftTuning::default(),
            threads: share_of_machine(),
            payment: provider.payment(format!("{}/", members[0].http)),
            mail: Mail { dir: Some(data.join("mail")), ..Mail::default() },
            allowed_origins: Vec::new(),
            media: Media::default(),
            tickets: TicketKeys::default(),
            changes: Changes::default(),
            // Programs that are being written run on this machine, too.
            webhooks: Webhooks { allow_private: true },
            backup: Backup::default(),
            tls: tls.clone(),
        };
        let path = data.join(format!("n{number}.toml"));
        std::fs::write(&path, toml::to_string(&config)?).with_context(|| format!("write {}", path.display()))?;
        configs.push(config);
    }
    Ok(configs)
}

/// The nodes share this machine: each gets its part of the cores, and at least one thread for each purpose.
fn share_of_machine() -> Threads {
    let cores = super::cores() / usize::from(NODES);
    Threads { http: cores.max(1), consensus: (cores / 2).max(1) }
}

/// Seven ports that are free now: the block that begins at `first`, or the next one; any seven for 0.
fn free_ports(first: u16) -> anyhow::Result<Vec<u16>> {
    let count = 2 * NODES + 1;
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port)).ok();
    if first == 0 {
        let held: Vec<TcpListener> = (0..count).filter_map(|_| bind(0)).collect();
        return held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect();
    }
    for block in 0..50_u16 {
        let Some(base) = first.checked_add(block * 10).filter(|base| *base < u16::MAX - count) else { break };
        let held: Vec<TcpListener> = (base..base + count).filter_map(bind).collect();
        if held.len() == usize::from(count) {
            if block > 0 {
                eprintln!("ports {first}..{} are taken: using {base}..{}", first + count - 1, base + count - 1);
            }
            return Ok((base..base + count).collect());
        }
    }
    bail!("no seven free ports from {first} on: choose another start with --port")
}

/// The processes of the cluster. Each one stops when its standard input closes, so none outlives this process, however it ends.
struct Nodes {
    children: Vec<(NodeId, Child)>,
    provider: Child,
}

impl Nodes {
    fn start(data: &Path, configs: &[Config], provider: &Provider) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("find this program's file")?;
        let log = |name: &str| {
            let path = data.join(format!("{name}.log"));
            let log = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            log.with_context(|| format!("open {}", path.display()))
        };
        let urls: Vec<String> = configs.iter().map(|config| format!("http://{}", config.http)).collect();
        let provider = provider.start(&binary, log("provider")?, &urls)?;
        let mut children = Vec::new();
        for config in configs {
            let log = log(&format!("n{}", config.node.0))?;
            let child = Command::new(&binary)
                .arg("serve")
                .arg("--config")
                .arg(data.join(format!("n{}.toml", config.node.0)))
                .arg("--until-stdin-closes")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .context("start a node")?;
            children.push((config.node, child));
        }
        Ok(Self { children, provider })
    }

    /// The first node that has ended, if any.
    fn ended(&mut self) -> Option<(NodeId, std::process::ExitStatus)> {
        self.children.iter_mut().find_map(|(node, child)| child.try_wait().ok().flatten().map(|status| (*node, status)))
    }

    /// Waits for Ctrl-C or SIGTERM; says so when a node ends by itself, and goes on with the others.
    async fn watch(&mut self) -> anyhow::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let mut has_provider = true;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = tick.tick() => {
                    if let Some(status) = self.provider.try_wait().ok().flatten().filter(|_| has_provider) {
                        has_provider = false;
                        eprintln!("the sandbox provider ended ({status}): payments stay pending. Its log is in the data directory.");
                    }
                    if let Some((node, status)) = self.ended() {
                        eprintln!("node {} ended ({status}); the others go on. Its log is in the data directory.", node.0);
                        self.children.retain(|(id, _)| *id != node);
                        if self.children.is_empty() {
                            bail!("all nodes have ended");
                        }
                    }
                }
            }
        }
    }

    fn stop(&mut self) {
        let mut all: Vec<&mut Child> = self.children.iter_mut().map(|(_, child)| child).chain([&mut self.provider]).collect();
        all.iter_mut().for_each(|child| drop(child.stdin.take()));
        for child in all {
            let _ = child.wait();
        }
    }
}

async fn wait_until_ready(urls: &[String], nodes: &mut Nodes) -> anyhow::Result<()> {
    let begun = Instant::now();
    for url in urls {
        while !boxoffice_api::client::Client::new(vec![url.clone()], None)?.is_ready().await {
            if let Some((node, status)) = nodes.ended() {
                bail!("node {} did not start ({status}); its log is n{}.log in the data directory", node.0, node.0);
            }
            if begun.elapsed() > START_MAX {
                bail!("the cluster was not ready after {} s; the logs are in the data directory", START_MAX.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    Ok(())
}

/// What is said when everything is up.
struct Ready<'a> {
    urls: &'a [String],
    nodes: &'a Nodes,
    provider: &'a Provider,
    data: &'a Path,
    events: &'a [DemoEvent],
    coordinator: &'a str,
    operator: &'a str,
    /// The link that makes the first admin, while there is none.
    claim: Option<&'a str>,
}

/// The link that makes the first admin, if there is none yet.
async fn claim_link(config: &Config, urls: &[String]) -> anyhow::Result<Option<String>> {
    let claim = boxoffice_api::client::Client::new(urls.to_vec(), None)?.get("/admin/claim").await?;
    let secret = crate::secret::read(&config.secret_file)?;
    let link = || format!("{}/#/claim/{}", urls[0], crate::credentials::first_admin_token(&secret));
    Ok((claim["claimed"] == false).then(link))
}

impl Ready<'_> {
    fn print(&self, took: Duration) {
        if std::io::stdout().is_terminal() {
            self.print_for_people(took);
        } else {
            println!("{}", self.json());
        }
    }

    fn json(&self) -> String {
        use boxoffice_api::client::json_text as text;
        let nodes: Vec<String> = self
            .nodes
            .children
            .iter()
            .zip(self.urls)
            .map(|((node, child), url)| {
                let dir = text(&self.data.join(format!("n{}", node.0)).to_string_lossy());
                format!(r#"{{"id":{},"url":{},"pid":{},"data_dir":{dir}}}"#, node.0, text(url), child.id())
            })
            .collect();
        let event = |event: &DemoEvent| format!(r#"{{"id":{},"name":{},"seats":{}}}"#, text(&event.id), text(&event.name), event.seats);
        let events: Vec<String> = self.events.iter().map(event).collect();
        let provider = format!(
            r#"{{"url":{},"pid":{},"key_file":{}}}"#,
            text(&self.provider.url()),
            self.nodes.provider.id(),
            text(&self.provider.key_file().to_string_lossy()),
        );
        let tokens = format!(r#"{{"coordinator":{},"operator":{}}}"#, text(self.coordinator), text(self.operator));
        let claim = self.claim.map_or("null".into(), text);
        format!(
            r#"{{"ready":true,"web":{},"nodes":[{}],"provider":{provider},"events":[{}],"tokens":{tokens},"claim":{claim}}}"#,
            text(&format!("{}/", self.urls[0])),
            nodes.join(","),
            events.join(","),
        )
    }

    fn print_for_people(&self, took: Duration) {
        let (first, data) = (&self.urls[0], self.data.display());
        println!(
            "boxoffice {}  development cluster: 3 nodes, 13 raft groups, data in {data} (kept; --fresh to wipe)\n",
            env!("CARGO_PKG_VERSION")
        );
        println!("  Web    {first}/    open me: pick seats on the live map");
        for url in self.urls {
            println!("  Node   {url}");
        }
        if let Some(link) = self.claim {
            println!("  Admin  {link}\n         become the first admin: open it, or POST /admin/claim; works once");
        }
        println!("  Mail   {data}/mail    letters lie there as files");
        println!();
        for event in self.events {
            println!("  On sale: {}  \"{}\", {} seats", event.id, event.name, event.seats);
        }
        if !self.events.is_empty() {
            println!("  {}", demo::DATES_NOTE);
        }
        println!("\n  Try:  curl -s {first}/event");
        println!("        curl -s {first}/event/search/final");
        println!("        curl -s {first}/problem/seat_unavailable");
        println!("  Payments go to the sandbox provider at {} and move no money. Payment methods:", self.provider.url());
        for method in METHODS.iter().filter(|method| method.token.starts_with("pm_test_")) {
            println!("        {:<29} {}", method.token, method.note);
        }
        println!("  Its books:  curl -s -H \"Authorization: Bearer $(cat {data}/provider/key)\" {}/sandbox/ledger", self.provider.url());
        println!("  Create events: curl -H 'Authorization: Bearer TOKEN' ... with TOKEN from");
        println!("        boxoffice token --config {data}/n1.toml --role coordinator");
        println!("\nready in {:.1} s, Ctrl-C stops everything. Logs: {data}/n1.log, n2.log, n3.log, provider.log", took.as_secs_f64());
    }
}
