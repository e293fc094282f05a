//! A backup from its making to its replay, without a cluster: a node of one member that counts nothing but pulses of real ledgers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::groups::GroupCounts;
use boxoffice_cluster_config::ids::{ClusterId, GroupId, NodeId};
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{CatalogCommand, Performer};
use boxoffice_ledger::ids::{BackupId, PerformerId, Request, RequestId, Slot};
use boxoffice_ledger::machine::Machine;
use boxoffice_raft::env::Env;
use boxoffice_raft::group::Group;
use boxoffice_raft::machine::Machines;
use boxoffice_raft::node::RaftNode;
use boxoffice_raft::options::{Listen, RaftOptions, Tuning};
use bytes::Bytes;

use super::chain::{self, About, Chain, Cut, Reach, Reading};
use super::format::name;
use super::reading::{Stored, list};
use super::replay::{Replay, Replayed};
use super::seal::Key;
use super::standing::Standing;
use super::target::Target;
use crate::feed::Feed;
use crate::journal::Journal;
use crate::replica::Replica;

const COUNTS: GroupCounts = GroupCounts { events: 1, users: 1 };
const CATALOG: GroupId = GroupId(0);

/// A node with real ledgers; each change of its catalog is one command.
struct Shop {
    node: RaftNode,
    catalog: Replica<CatalogLedger>,
    made: u128,
}

impl Shop {
    fn open(dir: &Path) -> Self {
        let hub = boxoffice_api::live::Hub::new();
        let journal = Journal::open(&dir.join("changes"), COUNTS.all(), 1 << 20).unwrap();
        let feed = Arc::new(Feed::new(hub, journal, COUNTS.all()));
        let catalog = Replica::new();
        let machines: Machines = {
            let catalog = catalog.clone();
            Arc::new(move |group: GroupId| match group.0 {
                0 => catalog.machine(group, Arc::clone(&feed)),
                1 => Replica::<boxoffice_ledger::seats::SeatLedger>::new().machine(group, Arc::clone(&feed)),
                _ => Replica::<boxoffice_ledger::accounts::AccountLedger>::new().machine(group, Arc::clone(&feed)),
            })
        };
        let options = RaftOptions {
            cluster: ClusterId("shop".into()),
            node: NodeId(1),
            data_dir: dir.to_owned(),
            members: [(NodeId(1), "n1:1".to_owned())].into(),
            listen: Listen::Nowhere,
            tls: None,
            groups: COUNTS.all().collect(),
            tuning: Tuning { snapshot_every_entries: 30, keep_entries: 5, log_segment_bytes: 1 << 20, ..Tuning::default() },
        };
        Self { node: RaftNode::start(options, Env::real(), machines).unwrap(), catalog, made: 0 }
    }

    fn group(&self, group: GroupId) -> Group {
        self.node.group(group).unwrap()
    }

    /// Adds performers one by one; gives the stamp and the digest after each.
    async fn add(&mut self, count: u32) -> Vec<(u64, u128)> {
        let mut stamps = Vec::new();
        for _ in 0..count {
            self.made += 1;
            let request = Request { id: RequestId(self.made), fingerprint: 1 };
            let performer = Performer { id: PerformerId(self.made), name: "The Fakes".into(), genre: "noise".into(), version: 0 };
            let command = CatalogLedger::encode_command(&CatalogCommand::PutPerformer { request, performer });
            let deadline = Instant::now() + Duration::from_secs(30);
            let committed = self.group(CATALOG).propose(Bytes::from(command), deadline.into()).await.unwrap();
            stamps.push((committed.at_us, self.catalog.read().digest().0));
        }
        stamps
    }

    async fn cut(&self) -> Cut {
        let until_us = self.group(CATALOG).now_us();
        let mut groups = BTreeMap::new();
        for id in COUNTS.all() {
            let group = self.group(id);
            group.read_barrier((Instant::now() + Duration::from_secs(30)).into()).await.unwrap();
            let end = group.applied();
            groups.insert(id, Reach { history: group.history(), end, digest: group.digest_at(end) });
        }
        Cut { until_us, groups }
    }
}

fn about() -> About {
    About { cluster: ClusterId("shop".into()), incarnation: 0, counts: COUNTS }
}

fn id(number: u64) -> BackupId {
    BackupId::new(1_790_000_000_000 + number, Slot::new(0), 7)
}

fn reading() -> Reading {
    Reading { standing: Arc::new(Standing::default()), mib_per_second: 1_000 }
}

async fn replayed(target: &Target, backup: BackupId, until_us: u64) -> anyhow::Result<Replayed> {
    let state = Replayed::build(target, &Stored::open(target, backup).await?, until_us, &mut |_| ()).await?;
    state.check()?;
    Ok(state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_and_its_log_replay_to_what_was_there_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(dir.path());
    for key in [None, Some(Key::new([3; 32]))] {
        let target = Target::in_memory(key);
        let mut stamps = shop.add(40).await;
        let mut made = chain::make(&target, &about(), id(1), &shop.cut().await, &reading()).await.unwrap();
        for _ in 0..3 {
            stamps.extend(shop.add(7).await);
            made.add(&target, &shop.cut().await).await.unwrap();
        }
        let end = replayed(&target, id(1), made.until_us()).await.unwrap();
        assert_eq!(end.catalog.digest(), stamps.last().unwrap().1);
        let begins = Stored::open(&target, id(1)).await.unwrap().begins_us();
        let later: Vec<_> = stamps.iter().filter(|(at_us, _)| *at_us >= begins).collect();
        assert!(later.len() >= 21);
        for (at_us, digest) in later.into_iter().step_by(4) {
            let state = replayed(&target, id(1), *at_us).await.unwrap();
            assert_eq!((state.catalog.digest(), state.catalog.progress().at_us), (*digest, *at_us));
        }
        // Another process goes on with it, also where only the head was not written any more.
        let old_head = target.get(&name::head(id(1))).await.unwrap().unwrap();
        stamps.extend(shop.add(3).await);
        made.add(&target, &shop.cut().await).await.unwrap();
        target.put(&name::head(id(1)), old_head).await.unwrap();
        let stored = Stored::open(&target, id(1)).await.unwrap();
        let mut resumed = Chain::resume(&target, &about(), &stored, 1_000).await.unwrap().unwrap();
        stamps.extend(shop.add(2).await);
        resumed.add(&target, &shop.cut().await).await.unwrap();
        assert_eq!(replayed(&target, id(1), u64::MAX).await.unwrap().catalog.digest(), stamps.last().unwrap().1);
        shop.add(1).await;
        assert!(made.add(&target, &shop.cut().await).await.is_err(), "two do not add to one backup");
        let other = About { incarnation: 5, ..about() };
        assert!(Chain::resume(&target, &other, &stored, 1_000).await.unwrap().is_none(), "that is another life");
    }
    shop.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_missing_or_moved_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(dir.path());
    shop.add(60).await;
    shop.group(CATALOG).snapshot_now().await.unwrap();
    for key in [None, Some(Key::new([3; 32]))] {
        let target = Target::in_memory(key);
        let mut made = chain::make(&target, &about(), id(1), &shop.cut().await, &reading()).await.unwrap();
        for _ in 0..2 {
            shop.add(5).await;
            made.add(&target, &shop.cut().await).await.unwrap();
        }
        let names = [
            name::manifest(id(1)),
            name::head(id(1)),
            name::snapshot(id(1), 0),
            name::round(id(1), 0),
            name::round(id(1), 1),
            name::round(id(1), 2),
        ];
        for name in &names {
            let good = target.get(name).await.unwrap().unwrap_or_else(|| panic!("there is no {name}"));
            for place in [0, good.len() / 2, good.len() - 1] {
                let mut bad = good.to_vec();
                bad[place] ^= 1;
                target.put(name, bad.into()).await.unwrap();
                // Without a key nothing names the bytes of these two; what they say has a checksum, but some bits say nothing.
                let may_say_nothing = target.key().is_none() && place > 0 && (name.ends_with("head") || name.ends_with("manifest"));
                let is_refused = replayed(&target, id(1), u64::MAX).await.is_err();
                assert!(is_refused || may_say_nothing, "{name} with another bit at {place}");
            }
            target.put(name, good.slice(..good.len() / 2)).await.unwrap();
            assert!(replayed(&target, id(1), u64::MAX).await.is_err(), "half of {name}");
            target.put(name, good).await.unwrap();
        }
        let second = target.get(&names[4]).await.unwrap().unwrap();
        target.put(&names[5], second).await.unwrap();
        assert!(replayed(&target, id(1), u64::MAX).await.is_err(), "a round in the place of another");
        target.remove(id(1)).await.unwrap();
        assert!(list(&target).await.unwrap().is_empty() && target.backups().await.unwrap().is_empty());
    }
    shop.node.shutdown().await;
}
