//! A node for simulations: the real consensus, ledgers, service and workers, in the thread of the caller.
//!
//! What is not started has threads or files of its own: the HTTP edge, the change journal, the search indexer, images, letters,
//! webhooks, backups. Log-in is not called either, for it hashes on threads.

use std::sync::Arc;

use boxoffice_api::backend::Backend;
use boxoffice_api::live::Hub;
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::GroupId;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_raft::env::Env;
use boxoffice_raft::node::RaftNode;
use boxoffice_raft::options::RaftOptions;
use tokio::task::JoinSet;

use crate::certificates::Certificates;
use crate::feed::Feed;
use crate::journal::Journal;
use crate::passwords::Passwords;
use crate::payment::PaymentProvider;
use crate::replica::Replica;
use crate::service::Service;
use crate::start::{Outside, Replicas, assemble};
use crate::tickets::keys::Keyring;
use crate::webhooks::Courier;
use crate::workers;

/// The cluster's secret. Nobody outside sees anything of a simulation.
const SECRET: [u8; 32] = [7; 32];

/// What has threads of its own and is the same for all nodes of a simulation. It is never asked for anything there.
pub struct Idle {
    index: boxoffice_search::Index,
    passwords: Arc<Passwords>,
    courier: Arc<Courier>,
}

impl Idle {
    /// Makes them; the empty search index is put into `dir`.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn new(dir: &std::path::Path) -> anyhow::Result<Self> {
        let index = boxoffice_search::Index::open(&dir.join("search"))?;
        Ok(Self { index, passwords: Arc::new(Passwords::new()?), courier: Arc::new(Courier::new(true)?) })
    }
}

/// A running node. Dropping it kills it: nothing is handed over or closed.
pub struct Node {
    service: Arc<Service>,
    raft: Arc<RaftNode>,
    workers: JoinSet<()>,
}

impl Node {
    /// Starts a node in the world `env`.
    ///
    /// # Errors
    /// As [`RaftNode::open`].
    pub async fn open(
        config: &Config,
        options: RaftOptions,
        env: Env,
        idle: &Idle,
        provider: Arc<dyn PaymentProvider>,
    ) -> anyhow::Result<Self> {
        let journal = Journal::open(&config.data_dir.join("changes"), std::iter::empty(), 0)?;
        let feed = Arc::new(Feed::new(Hub::new(), journal, config.groups.all()));
        let replicas = Replicas::new(config.groups);
        let raft = Arc::new(RaftNode::open(options, env, replicas.machines(&feed)).await?);
        let outside = Outside {
            provider,
            keyring: Keyring::new(&SECRET, &config.tickets)?,
            index: idle.index.clone(),
            passwords: Arc::clone(&idle.passwords),
            courier: Arc::clone(&idle.courier),
            certificates: Arc::new(Certificates { peers: None, clients: None }),
        };
        let (service, _) = assemble(config, &SECRET, outside, replicas, feed, &raft)?;
        let workers = workers::of_ledgers(&service);
        Ok(Self { service, raft, workers })
    }

    /// The product.
    #[must_use]
    pub fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.service) as Arc<dyn Backend>
    }

    /// Consensus.
    #[must_use]
    pub fn raft(&self) -> &Arc<RaftNode> {
        &self.raft
    }

    /// Looks at the seat ledger of a group.
    pub fn seats<T>(&self, group: GroupId, look: impl FnOnce(&SeatLedger) -> T) -> Option<T> {
        self.service.events.get(&group).map(|replica| look(&replica.read()))
    }

    /// Looks at the accounts of a group.
    pub fn accounts<T>(&self, group: GroupId, look: impl FnOnce(&AccountLedger) -> T) -> Option<T> {
        self.service.users.get(&group).map(|replica| look(&replica.read()))
    }

    /// Looks at the catalog.
    pub fn catalog<T>(&self, look: impl FnOnce(&CatalogLedger) -> T) -> T {
        look(&self.service.catalog.read())
    }

    /// The first broken invariant of each ledger, in words.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let service = &self.service;
        let seats = service.events.iter().filter_map(|(group, replica)| broken(*group, replica));
        let users = service.users.iter().filter_map(|(group, replica)| broken(*group, replica));
        seats.chain(users).chain(broken(GroupId(0), &service.catalog)).collect()
    }

    /// Ends all workers, as a crash does.
    pub fn end_workers(&mut self) {
        self.workers.abort_all();
    }
}

fn broken<M: Machine>(group: GroupId, replica: &Replica<M>) -> Option<String> {
    replica.read().check_invariants().err().map(|what| format!("group {group}: {what}"))
}
