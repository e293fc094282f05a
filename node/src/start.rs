//! The one place where a node is wired together. Reads top to bottom.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Weak};

use anyhow::{Context as _, ensure};
use boxoffice_api::backend::Backend;
use boxoffice_api::edge::Api;
use boxoffice_api::live::Hub;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::groups::{GroupCounts, GroupKind};
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::members::Founder;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::blobs::Blobs;
use boxoffice_raft::book::is_prepared;
use boxoffice_raft::disk::RealDisk;
use boxoffice_raft::env::Env;
use boxoffice_raft::machine::Machines;
use boxoffice_raft::node::RaftNode;
use boxoffice_raft::options::{Listen, RaftOptions, Tuning};
use tokio::net::TcpSocket;

use crate::certificates::Certificates;
use crate::credentials::Credentials;
use crate::feed::Feed;
use crate::journal::Journal;
use crate::mail::FileMailer;
use crate::media::Library;
use crate::passwords::Passwords;
use crate::popular::Popular;
use crate::replica::Replica;
use crate::searching::Searching;
use crate::service::{Backups, Service};
use crate::tickets::keys::Keyring;
use crate::webhooks::{Courier, Secrets};
use crate::{edge, payment, secret, workers};

/// Connections that wait for being accepted.
const WAITING_MAX: u32 = 1024;

/// Runs a node until `stop` completes, then hands over and closes.
///
/// # Errors
/// When the node cannot start: the configuration, the disk, the log or an address is at fault, and the error says which.
pub async fn run(config: Config, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    may_start(&config)?;
    let secret = secret::read(&config.secret_file)?;
    std::fs::create_dir_all(&config.data_dir).with_context(|| format!("create the data directory {}", config.data_dir.display()))?;
    let door = reserve(&config.http).await.with_context(|| format!("listen for HTTP on {}", config.http))?;
    let certificates = Arc::new(Certificates::open(&config)?);
    let provider = payment::open(&config)?;
    let keyring = Keyring::new(&secret, &config.tickets)?;
    let mut api = edge::config(&config, secret, certificates.clients.clone())?;
    let hub = Hub::new();
    let feed = Arc::new(Feed::new(Arc::clone(&hub), journal(&config)?, config.groups.all()));

    let replicas = Replicas::new(config.groups);
    let raft = start_raft(raft_options(&config, &certificates)?, replicas.machines(&feed)).await?;
    let outside = Outside {
        provider,
        keyring,
        index: open_search(&config).await?,
        passwords: Arc::new(Passwords::new().context("start the threads that hash passwords")?),
        courier: Arc::new(Courier::new(config.webhooks.allow_private).context("set up the client that calls webhooks")?),
        certificates,
    };
    let (service, asked) = assemble(&config, &secret, outside, replicas, feed, &raft)?;
    workers::start(&service, asked);

    let clock = Arc::clone(&service);
    api.clock = Arc::new(move || clock.clock().0);
    let api = Api::new(service as Arc<dyn Backend>, api, hub).context("set up the edge")?;
    let listener = door.listen(WAITING_MAX).with_context(|| format!("listen for HTTP on {}", config.http))?;
    tracing::info!(node = %config.node, http = %config.http, peer = %config.peer, "serving");
    serve(listener, api, raft, stop).await
}

/// An address that is this node's from now on, and does not answer yet: whoever connects while the ledgers are read is refused at once
/// and goes to another node, instead of waiting here.
async fn reserve(address: &str) -> std::io::Result<TcpSocket> {
    let mut last = std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is no address");
    for address in tokio::net::lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        match socket.bind(address) {
            Ok(()) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What a service needs that has threads, keys or connections of its own.
pub(crate) struct Outside {
    pub provider: Arc<dyn payment::PaymentProvider>,
    pub keyring: Keyring,
    pub index: boxoffice_search::Index,
    pub passwords: Arc<Passwords>,
    pub courier: Arc<Courier>,
    pub certificates: Arc<Certificates>,
}

/// This node's copies of all ledgers.
pub(crate) struct Replicas {
    counts: GroupCounts,
    catalog: Replica<CatalogLedger>,
    events: BTreeMap<GroupId, Replica<SeatLedger>>,
    users: BTreeMap<GroupId, Replica<AccountLedger>>,
}

impl Replicas {
    /// Empty ones.
    pub fn new(counts: GroupCounts) -> Self {
        let events = counts.event_groups().map(|group| (group, Replica::new())).collect();
        let users = counts.user_groups().map(|group| (group, Replica::new())).collect();
        Self { counts, catalog: Replica::new(), events, users }
    }

    /// What applies each group's log to its copy.
    pub fn machines(&self, feed: &Arc<Feed>) -> Machines {
        let (counts, catalog, events, users) = (self.counts, self.catalog.clone(), self.events.clone(), self.users.clone());
        let feed = Arc::clone(feed);
        Arc::new(move |group| match counts.kind(group) {
            Some(GroupKind::Events) => events[&group].machine(group, Arc::clone(&feed)),
            Some(GroupKind::Users) => users[&group].machine(group, Arc::clone(&feed)),
            Some(GroupKind::Catalog) | None => catalog.machine(group, Arc::clone(&feed)),
        })
    }
}

/// The service over a running node; with it, the addresses that ask for a link, for the worker that mails them.
///
/// # Errors
/// When images cannot be kept where the configuration says.
pub(crate) fn assemble(
    config: &Config,
    secret: &[u8; 32],
    outside: Outside,
    replicas: Replicas,
    feed: Arc<Feed>,
    raft: &Arc<RaftNode>,
) -> anyhow::Result<(Arc<Service>, tokio::sync::mpsc::Receiver<String>)> {
    let media = Library::open(&config.media, &config.data_dir, raft.blob_peers(), crate::cli::cores())?;
    raft.serve_blobs(Arc::downgrade(&media) as Weak<dyn Blobs>);
    let mailer = FileMailer::new(config.mail.dir.clone().unwrap_or_else(|| config.data_dir.join("mail")), config.mail.from.clone());
    let (resets, asked) = tokio::sync::mpsc::channel(workers::letters::WAITING_MAX);
    let service = Service {
        node: config.node,
        cluster: config.cluster.clone(),
        counts: config.groups,
        groups: config.groups.all().filter_map(|group| raft.group(group).map(|handle| (group, handle))).collect(),
        catalog: replicas.catalog,
        events: replicas.events,
        users: replicas.users,
        feed,
        popular: Popular::default(),
        search: Searching::new(outside.index),
        names: parking_lot::Mutex::default(),
        media,
        provider: outside.provider,
        bank_time_ms: config.payment.bank_time_ms(),
        keyring: outside.keyring,
        passwords: outside.passwords,
        credentials: Credentials::new(secret),
        mailer: Arc::new(mailer),
        links: config.links(),
        resets,
        secrets: Secrets::new(secret),
        courier: outside.courier,
        backups: Backups::new(config.backup.clone(), config.data_dir.clone()),
        certificates: outside.certificates,
        founders: founders(config),
        settling: parking_lot::Mutex::default(),
        raft: Arc::clone(raft),
    };
    Ok((Arc::new(service), asked))
}

/// Serves until told to stop, then leaves in order: others lead before the first connection is closed, so that no request meets a group
/// without a leader for longer than it must.
async fn serve(
    listener: tokio::net::TcpListener,
    api: Api,
    raft: Arc<RaftNode>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let leaving = {
        let raft = Arc::clone(&raft);
        async move {
            stop.await;
            raft.hand_over().await;
        }
    };
    boxoffice_api::server::serve(listener, api, leaving).await.context("serve HTTP")?;
    raft.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

fn journal(config: &Config) -> anyhow::Result<Journal> {
    Journal::open(&config.data_dir.join("changes"), config.groups.all(), config.changes.keep_bytes).context("open the change journal")
}

async fn open_search(config: &Config) -> anyhow::Result<boxoffice_search::Index> {
    let dir = config.data_dir.join("search");
    tokio::task::spawn_blocking(move || boxoffice_search::Index::open(&dir)).await?.context("open the search index")
}

async fn start_raft(options: RaftOptions, machines: Machines) -> anyhow::Result<Arc<RaftNode>> {
    let starting = tokio::task::spawn_blocking(move || RaftNode::start(options, Env::real(), machines));
    Ok(Arc::new(starting.await.context("start consensus")?.context("start consensus")?))
}

/// Who founds the cluster, for its registry: ascending by number.
fn founders(config: &Config) -> Vec<Founder> {
    let own = config.is_founder();
    let mut founders: Vec<Founder> = config
        .members
        .iter()
        .filter(|_| own)
        .map(|member| Founder { node: member.node.0, peer: member.peer.clone(), http: member.http.clone() })
        .collect();
    founders.sort_by_key(|founder| founder.node);
    founders
}

/// Whether this node may start: it is one of the founders, or `boxoffice cluster join` prepared its data directory.
///
/// # Errors
/// What to do, if not.
pub fn may_start(config: &Config) -> anyhow::Result<()> {
    ensure!(
        config.is_founder() || is_prepared(&RealDisk, &config.data_dir),
        "node {} is not one of the members, and {} was not prepared for joining them: let an admin run `boxoffice cluster add`, then run \
         `boxoffice cluster join` here",
        config.node.0,
        config.data_dir.display()
    );
    Ok(())
}

fn raft_options(config: &Config, certificates: &Certificates) -> anyhow::Result<RaftOptions> {
    let listen = config.peer.parse().with_context(|| format!("peer = {:?}: write address:port", config.peer))?;
    let tuning = Tuning {
        heartbeat_ms: config.raft.heartbeat_ms,
        election_min_ms: config.raft.election_min_ms,
        election_max_ms: config.raft.election_max_ms,
        snapshot_every_entries: config.raft.snapshot_entries,
        keep_entries: config.raft.keep_entries,
        in_flight_batches: config.raft.batches_in_flight,
        worker_threads: config.threads.on(crate::cli::cores()).consensus,
        log_segment_bytes: config.raft.segment_mib * 1024 * 1024,
        ..Tuning::default()
    };
    Ok(RaftOptions {
        cluster: config.cluster.clone(),
        node: config.node,
        data_dir: config.data_dir.clone(),
        members: config.peers(),
        listen: Listen::Address(listen),
        tls: certificates.peers.clone(),
        groups: config.groups.all().collect(),
        tuning,
    })
}
