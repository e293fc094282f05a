//! What goes wrong, and when: drawn from the seed, as often as its options say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_cluster_config::ids::NodeId;
use boxoffice_raft::disk::Disk;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::rng::Rng;
use super::world::{Crash, DATA_DIR, World};

/// How often a node is started again while crashes interrupt that, before its disk is left alone.
const INTERRUPTED_MAX: u32 = 4;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    Power,
    PowerAll,
    KillLeader,
    CutLeader,
    CutHalves,
    CutOneWay,
    PowerInAWrite,
    SyncFails,
    WritesFail,
    DiskFull,
    ClockJumps,
    HandOver,
}

/// The most often first.
const NETWORK: [Fault; 11] = [
    Fault::Kill,
    Fault::Power,
    Fault::Power,
    Fault::KillLeader,
    Fault::KillLeader,
    Fault::CutLeader,
    Fault::CutLeader,
    Fault::CutHalves,
    Fault::CutOneWay,
    Fault::PowerAll,
    Fault::HandOver,
];
const DISKS: [Fault; 5] = [Fault::PowerInAWrite, Fault::PowerInAWrite, Fault::SyncFails, Fault::WritesFail, Fault::DiskFull];

/// See the module.
pub struct Nemesis {
    world: Arc<World>,
    rng: Rng,
    /// Nodes that are down, until then.
    down: BTreeMap<u64, Instant>,
    /// When the links are whole again, and the disks.
    mended_at: Option<Instant>,
    /// Whose log failed.
    failed: UnboundedReceiver<(u64, u64)>,
    /// The node that a bit was flipped on.
    flipped: Option<u64>,
    /// Nodes that refuse to start because of it, and rightly so.
    refused: Vec<u64>,
    /// What fails from now on was on its way.
    is_over: bool,
    /// How many faults there were.
    count: u64,
}

impl Nemesis {
    /// It does nothing yet.
    #[must_use]
    pub fn new(world: Arc<World>, failed: UnboundedReceiver<(u64, u64)>) -> Self {
        let rng = Rng::new(world.options.seed, "nemesis");
        Self { world, rng, down: BTreeMap::new(), mended_at: None, failed, flipped: None, refused: Vec::new(), is_over: false, count: 0 }
    }

    /// Faults so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// One fault after the other, until then.
    pub async fn rage(&mut self, until: Instant) {
        if self.world.options.clocks {
            for (node, clock) in &self.world.clocks {
                clock.set(self.ahead(*node), self.rng.range(0, 2000) as i64 - 1000);
            }
        }
        while Instant::now() < until && !self.world.trace.is_broken() {
            let fault_at = Instant::now() + Duration::from_millis(self.rng.range(1, self.world.options.fault_ms * 2));
            self.pass(fault_at.min(until)).await;
            self.strike().await;
        }
    }

    /// Waits until then, and meanwhile starts what is due.
    async fn pass(&mut self, until: Instant) {
        loop {
            let due = self.down.values().copied().chain(self.mended_at).min().map_or(until, |due| due.min(until));
            if let Ok(Some((node, life))) = timeout_at(due, self.failed.recv()).await {
                self.process_ends(node, life);
                continue;
            }
            self.mend().await;
            if Instant::now() >= until {
                return;
            }
        }
    }

    /// The log of a node failed: as in production its process ends. Where the power went at that moment, it is gone.
    fn process_ends(&mut self, node: u64, life: u64) {
        if self.world.is_in_life(node, life) {
            let how = if self.world.disks[&node].is_down() { Crash::Power(self.rng.next()) } else { Crash::Kill };
            self.bring_down(node, how);
        }
    }

    fn bring_down(&mut self, node: u64, how: Crash) {
        self.world.crash(node, how);
        let back_at = Instant::now() + Duration::from_millis(self.rng.range(5, 6000));
        self.down.insert(node, back_at);
        self.flip(node);
    }

    /// Ends what is over: links are whole, disks have room, nodes come back.
    async fn mend(&mut self) {
        let now = Instant::now();
        self.bury();
        if self.mended_at.is_some_and(|at| at <= now) {
            self.mended_at = None;
            self.world.net.heal(false);
            for disk in self.world.disks.values() {
                disk.set_capacity(None);
                disk.fail_writes(false);
            }
            self.world.trace.say(|| "links and disks are well".to_owned());
        }
        let due: Vec<u64> = self.down.iter().filter(|(_, at)| **at <= now).map(|(node, _)| *node).collect();
        for node in due {
            self.down.remove(&node);
            self.start(node).await;
        }
    }

    /// A node whose power went in the middle of a write is gone, whether or not it had to write again.
    fn bury(&mut self) {
        for node in self.world.up() {
            if self.world.disks[&node].is_down() {
                self.bring_down(node, Crash::Power(self.rng.next()));
            }
        }
    }

    async fn start(&mut self, node: u64) {
        let disk = &self.world.disks[&node];
        for interrupted in 0.. {
            disk.restart();
            disk.set_capacity(None);
            if self.world.options.disks && interrupted < INTERRUPTED_MAX && self.rng.per_mille(150) {
                disk.crash_at(self.rng.range(1, 40));
            }
            let Err(error) = self.world.start(node).await else { return };
            if disk.is_down() {
                // The power went while it started.
                self.world.crash(node, Crash::Power(self.rng.next()));
                continue;
            }
            if self.flipped == Some(node) {
                self.world.trace.say(|| format!("node {node} refuses to start on damaged files, as it should: {error:#}"));
                self.refused.push(node);
            } else {
                self.world.trace.wrong("refused_to_start", format!("node {node}: {error:#}"));
            }
            return;
        }
    }

    async fn strike(&mut self) {
        let faults: Vec<Fault> =
            NETWORK.iter().chain(self.world.options.disks.then_some(&DISKS[..]).into_iter().flatten()).copied().collect();
        let Some(fault) = (match self.world.options.clocks && self.rng.per_mille(100) {
            true => Some(Fault::ClockJumps),
            false => self.rng.pick(&faults),
        }) else {
            return;
        };
        let up = self.world.up();
        let Some(node) = self.rng.pick(&up) else { return };
        self.count += 1;
        self.world.trace.say(|| format!("{fault:?}, node {node}"));
        match fault {
            Fault::Kill => self.bring_down(node, Crash::Kill),
            Fault::Power => self.bring_down(node, Crash::Power(self.rng.next())),
            Fault::PowerAll => up.into_iter().for_each(|node| self.bring_down(node, Crash::Power(self.rng.next()))),
            Fault::KillLeader => {
                let how = if self.rng.per_mille(500) { Crash::Kill } else { Crash::Power(self.rng.next()) };
                self.bring_down(self.leader().unwrap_or(node), how);
            }
            Fault::CutLeader => self.isolate(&[self.leader().unwrap_or(node)]),
            Fault::CutHalves => {
                let side: Vec<u64> = self.all().filter(|_| self.rng.per_mille(500)).collect();
                self.isolate(&side);
            }
            Fault::CutOneWay => self.all().filter(|other| *other != node).for_each(|other| {
                let (from, to) = if self.rng.per_mille(500) { (node, other) } else { (other, node) };
                self.world.net.cut(from, to);
            }),
            Fault::HandOver => self.hand_over(node).await,
            Fault::ClockJumps => self.world.clocks[&node].set(self.ahead(node), 0),
            Fault::PowerInAWrite => self.world.disks[&node].crash_at(self.rng.range(1, 30)),
            Fault::SyncFails => self.world.disks[&node].fail_sync_at(self.rng.range(1, 5)),
            Fault::WritesFail => self.world.disks[&node].fail_writes(true),
            Fault::DiskFull => {
                let disk = &self.world.disks[&node];
                disk.set_capacity(Some(disk.used() + self.rng.below(20_000)));
            }
        }
        if !matches!(fault, Fault::Kill | Fault::Power | Fault::PowerAll | Fault::KillLeader | Fault::ClockJumps | Fault::HandOver) {
            self.mended_at.get_or_insert(Instant::now() + Duration::from_millis(self.rng.range(100, 8000)));
        }
    }

    fn all(&self) -> impl Iterator<Item = u64> + use<> {
        1..=self.world.options.nodes
    }

    fn isolate(&self, side: &[u64]) {
        for (one, other) in self.all().flat_map(|one| self.all().map(move |other| (one, other))) {
            if side.contains(&one) != side.contains(&other) {
                self.world.net.cut(one, other);
            }
        }
    }

    fn leader(&self) -> Option<u64> {
        let group = self.rng.pick(&self.world.groups().collect::<Vec<_>>())?;
        let leads =
            |node: &u64| self.world.look(*node, |live| live.raft().group(group).is_some_and(|group| group.is_leader())) == Some(true);
        self.world.up().into_iter().find(leads)
    }

    async fn hand_over(&self, to: u64) {
        let Some(from) = self.leader() else { return };
        let led = self.world.look(from, |live| live.raft().groups().into_iter().find(|group| group.is_leader())).flatten();
        if let Some(group) = led {
            tokio::spawn(async move { group.transfer_leader(NodeId(to)).await });
        }
    }

    /// Up to an hour wrong on the nodes of a minority, a little on the others.
    fn ahead(&self, node: u64) -> i64 {
        let is_wild = node <= (self.world.options.nodes - 1) / 2;
        let most = if is_wild { 3_600_000_000 } else { 1_000_000 };
        self.rng.below(2 * most) as i64 - most as i64
    }

    /// Flips one bit, once in a run, of what was synced long ago: a flip in the very last frame of a log cannot be told from a torn write.
    fn flip(&mut self, node: u64) {
        if !self.world.options.flip || self.is_over || self.flipped.is_some() || !self.rng.per_mille(400) {
            return;
        }
        let disk = self.world.disks[&node].clone();
        disk.restart();
        let files: Vec<PathBuf> = ["log", "snapshot"].iter().flat_map(|dir| files(&disk, dir)).collect();
        let place = self.rng.below(files.len() as u64) as usize;
        if let Some(path) = files.get(place) {
            let content = disk.content(path).unwrap_or_default();
            let used = content.iter().rposition(|byte| *byte != 0).unwrap_or(0) as u64;
            let offset = self.rng.below(used / 2);
            if used > 4096 && disk.flip(path, offset, 1 << self.rng.below(8)) {
                self.flipped = Some(node);
                self.world.trace.say(|| format!("a bit at {offset} of {used} in {} of node {node}", path.display()));
            }
        }
        disk.kill();
    }

    /// No more faults: everything is well, and stays so. Gives the nodes that stay away.
    pub async fn end(&mut self) -> Vec<u64> {
        self.is_over = true;
        self.bury();
        for node in self.world.up() {
            // What would have failed later does not.
            self.world.disks[&node].restart();
        }
        for node in self.down.clone().into_keys() {
            self.down.insert(node, Instant::now());
        }
        self.mended_at = Some(Instant::now());
        self.mend().await;
        self.world.net.heal(true);
        self.world.provider.heal();
        self.refused.clone()
    }

    /// Starts again whatever ends by itself, for ever: a failure that was on its way.
    pub async fn tend(&mut self) {
        loop {
            self.pass(Instant::now() + Duration::from_secs(1)).await;
            sleep_until(Instant::now()).await;
        }
    }
}

fn files(disk: &boxoffice_raft::disk::SimDisk, dir: &str) -> Vec<PathBuf> {
    let dir = PathBuf::from(DATA_DIR).join(dir);
    let names = disk.list(&dir).unwrap_or_default();
    names.into_iter().filter(|name| name.ends_with(".log") || name.ends_with(".snap")).map(|name| dir.join(name)).collect()
}
