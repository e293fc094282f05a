//! What a run is made of. Everything is drawn from the seed, so that seeds differ in more than the moments of their faults.

use super::rng::Rng;

/// One run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// Simulated seconds with faults; those without them come on top.
    pub secs: u64,
    /// Nodes: 3 or 5.
    pub nodes: u64,
    /// Groups of events.
    pub event_groups: u32,
    /// Groups of users.
    pub user_groups: u32,
    /// Clients.
    pub clients: u64,
    /// Events on sale.
    pub events: u64,
    /// Seats of each.
    pub seats: u32,
    /// Price of a seat in cents; 0 = free, nobody is charged.
    pub price: u64,
    /// A client's pause between two calls, at most, in milliseconds.
    pub think_ms: u64,
    /// Of 1000 messages, how many are lost.
    pub loss: u64,
    /// Of 1000 messages, how many arrive twice.
    pub repeat: u64,
    /// A message's way takes so long, in microseconds.
    pub delay_us: (u64, u64),
    /// The disk takes at most so long for what it is asked, in microseconds.
    pub disk_us: u64,
    /// Between two faults, on average, in milliseconds.
    pub fault_ms: u64,
    /// Wall clocks are wrong, drift and jump.
    pub clocks: bool,
    /// Syncs and writes fail, disks are full, power goes in the middle of a write.
    pub disks: bool,
    /// One bit of one node's files is flipped while the node is down.
    pub flip: bool,
    /// A snapshot is taken after so many entries.
    pub snapshot_every: u64,
    /// Entries that stay in the log behind the last one.
    pub keep_entries: u64,
    /// Bytes of a segment of the log.
    pub segment_bytes: u64,
    /// Between heartbeats, shortest and longest election, in milliseconds.
    pub timers: (u64, u64, u64),
    /// Of 1000 calls of the payment provider, how many are not answered, done or not.
    pub unanswered: u64,
    /// Of 1000 payments, how many are declined.
    pub declined: u64,
    /// Print what happens.
    pub verbose: bool,
}

impl Options {
    /// The run of a seed.
    #[must_use]
    pub fn draw(seed: u64, secs: u64) -> Self {
        let rng = Rng::new(seed, "options");
        // Holds live for two minutes at least: some runs are long and slow enough to see them end.
        let is_long = rng.per_mille(200);
        let of = |all: &[u64]| rng.pick(all).unwrap_or_default();
        Self {
            seed,
            secs: if is_long { secs * 4 } else { secs },
            nodes: of(&[3, 3, 3, 3, 5]),
            event_groups: of(&[1, 1, 2]) as u32,
            user_groups: 1,
            clients: if is_long { rng.range(1, 3) } else { rng.range(2, 5) },
            events: rng.range(1, 2),
            seats: rng.range(4, 60) as u32,
            price: of(&[0, 1500, 1500]),
            think_ms: if is_long { 4000 } else { of(&[200, 500, 1000]) },
            loss: of(&[0, 0, 5, 20, 50]),
            repeat: of(&[0, 0, 10, 50]),
            delay_us: (of(&[50, 200]), of(&[1_000, 3_000, 20_000])),
            disk_us: of(&[500, 3_000, 20_000, 100_000]),
            fault_ms: of(&[700, 1_500, 4_000]),
            clocks: rng.per_mille(500),
            disks: rng.per_mille(600),
            flip: rng.per_mille(250),
            snapshot_every: of(&[15, 40, 150, 1000]),
            keep_entries: of(&[5, 30, 200]),
            segment_bytes: of(&[64 << 10, 256 << 10]),
            timers: rng.pick(&[(100, 400, 800), (150, 600, 1200), (300, 1000, 2000)]).unwrap_or((150, 600, 1200)),
            unanswered: of(&[0, 50, 200]),
            declined: of(&[0, 100]),
            verbose: false,
        }
    }
}
