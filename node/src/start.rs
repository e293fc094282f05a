//! The one place where a node is wired together. Reads top to bottom.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Weak};

use anyhow::{Context as _, ensure};
use boxoffice_api::backend::Backend;
use boxoffice_api::edge::Api;
use boxoffice_api::live::Hub;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::groups::GroupKind;
use boxoffice_ledger::members::Founder;
use boxoffice_raft::blobs::Blobs;
use boxoffice_raft::book::is_prepared;
use boxoffice_raft::disk::RealDisk;
use boxoffice_raft::env::Env;
use boxoffice_raft::machine::Machines;
use boxoffice_raft::node::RaftNode;
use boxoffice_raft::options::{Listen, RaftOptions, Tuning};

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

/// Runs a node until `stop` completes, then hands over and closes.
///
/// # Errors
/// When the node cannot start: the configuration, the disk, the log or an address is at fault, and the error says which.
pub async fn run(config: Config, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    may_start(&config)?;
    let secret = secret::read(&config.secret_file)?;
    std::fs::create_dir_all(&config.data_dir).with_context(|| format!("create the data directory {}", config.data_dir.display()))?;
    let listener = tokio::net::TcpListener::bind(&config.http).await.with_context(|| format!("listen for HTTP on {}", config.http))?;
    let certificates = Arc::new(Certificates::open(&config)?);
    let provider = payment::open(&config)?;
    let keyring = Keyring::new(&secret, &config.tickets)?;
    let mut api = edge::config(&config, secret, certificates.clients.clone())?;
    let hub = Hub::new();
    let feed = Arc::new(Feed::new(Arc::clone(&hub), journal(&config)?, config.groups.all()));

    let catalog = Replica::new();
    let events: BTreeMap<_, _> = config.groups.event_groups().map(|group| (group, Replica::new())).collect();
    let users: BTreeMap<_, _> = config.groups.user_groups().map(|group| (group, Replica::new())).collect();
    let machines = {
        let (counts, catalog, events, users, feed) = (config.groups, catalog.clone(), events.clone(), users.clone(), Arc::clone(&feed));
        move |group| match counts.kind(group) {
            Some(GroupKind::Events) => events[&group].machine(group, Arc::clone(&feed)),
            Some(GroupKind::Users) => users[&group].machine(group, Arc::clone(&feed)),
            Some(GroupKind::Catalog) | None => catalog.machine(group, Arc::clone(&feed)),
        }
    };

    let raft = start_raft(raft_options(&config, &certificates)?, Arc::new(machines)).await?;
    let groups = config.groups.all().filter_map(|group| raft.group(group).map(|handle| (group, handle))).collect();
    let media = Library::open(&config.media, &config.data_dir, raft.blob_peers(), crate::cli::cores())?;
    raft.serve_blobs(Arc::downgrade(&media) as Weak<dyn Blobs>);

    let mailer = FileMailer::new(config.mail.dir.clone().unwrap_or_else(|| config.data_dir.join("mail")), config.mail.from.clone());
    let (resets, asked) = tokio::sync::mpsc::channel(workers::letters::WAITING_MAX);

    let service = Arc::new(Service {
        node: config.node,
        cluster: config.cluster.clone(),
        counts: config.groups,
        groups,
        catalog,
        events,
        users,
        feed,
        popular: Popular::default(),
        search: Searching::new(open_search(&config).await?),
        names: parking_lot::Mutex::default(),
        media,
        provider,
        bank_time_ms: config.payment.bank_time_ms(),
        keyring,
        passwords: Passwords::new().context("start the threads that hash passwords")?,
        credentials: Credentials::new(&secret),
        mailer: Arc::new(mailer),
        links: config.links(),
        resets,
        secrets: Secrets::new(&secret),
        courier: Courier::new(config.webhooks.allow_private).context("set up the client that calls webhooks")?,
        backups: Backups::new(config.backup.clone(), config.data_dir.clone()),
        certificates,
        founders: founders(&config),
        settling: parking_lot::Mutex::default(),
        raft: Arc::clone(&raft),
    });
    workers::start(&service, asked);

    let clock = Arc::clone(&service);
    api.clock = Arc::new(move || clock.clock().0);
    let api = Api::new(service as Arc<dyn Backend>, api, hub).context("set up the edge")?;
    tracing::info!(node = %config.node, http = %config.http, peer = %config.peer, "serving");
    serve(listener, api, raft, stop).await
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
