//! How fast the seat ledger applies commands on one core: `cargo bench -p boxoffice-ledger --bench apply`.
//!
//! Every figure is the median of several runs on a fresh event of 100,000 seats, one thread, commands made beforehand. All of
//! it is on: idempotency, digest, Changes, per-user limit, outbox. Nothing is written anywhere: this is the ledger alone.
//! Time is the CPU time of the applying thread where the system tells it (Linux), so that other work on the machine counts
//! little; else it is wall time. Words after `--` choose the rows whose names contain one of them.
#![allow(clippy::unwrap_used)]

#[path = "apply/workload.rs"]
mod workload;

use std::hint::black_box;
use std::time::{Duration, Instant};

use boxoffice_ledger::command::{Choice, SeatCommand};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::outcome::SeatOutcome;
use boxoffice_ledger::plan::SeatIndex;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;
use workload::{Clock, SEATS, best, hold, nearly_full, on_sale, pay, seats_in_random_order};

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of a row unless `--runs=N` says otherwise.
const RUNS: usize = 7;

/// Commands that share one entry, and so one timestamp.
const BATCH: usize = 256;

fn main() {
    println!("Seat ledger, one thread, an event of {SEATS} seats; medians of {} runs (lowest and highest in brackets).\n", runs());
    row("holds of one chosen seat", "holds/s", |_| holds());
    row("hold + pay of a free seat, as pairs", "pairs/s", |_| pairs());
    row("the same, decoded before and encoded after", "pairs/s", |_| pairs_with_codec());
    row("refusals: the seat is held", "refusals/s", |_| refusals());
    row("replays: the key was used before", "replays/s", |_| replays());
    row("holds while a snapshot is written from a clone", "holds/s", |_| holds_during_snapshot());
    row("clone of 100,000 holds", "ns", |_| clone_ns());
    best_available();
    println!(
        "\nTimed: {}, over entries of {BATCH} commands.",
        if Stopwatch::cpu_nanos().is_some() { "CPU time of the thread" } else { "wall time" }
    );
    println!("Seats are taken in random order, every user and every request id is another one, the limit per user is 4.");
    println!(
        "Best available and clone are wall time of single calls. Build: {}.",
        if cfg!(debug_assertions) { "debug" } else { "optimised" }
    );
}

/// CPU time of this thread, or wall time.
struct Stopwatch {
    wall: Instant,
    cpu: Option<u64>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), cpu: Self::cpu_nanos() }
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu, Self::cpu_nanos()) {
            (Some(begun), Some(ended)) => Duration::from_nanos(ended - begun),
            _ => self.wall.elapsed(),
        }
    }

    fn cpu_nanos() -> Option<u64> {
        std::thread::yield_now(); // The figure is brought up to date when the thread leaves the CPU.
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_whitespace().next()?.parse().ok()
    }
}

fn runs() -> usize {
    let wish = std::env::args().find_map(|word| word.strip_prefix("--runs=").and_then(|count| count.parse().ok()));
    wish.unwrap_or(RUNS).max(1)
}

fn chosen(what: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    words.peek().is_none() || words.any(|word| what.contains(&word))
}

fn row(what: &str, unit: &str, run: impl Fn(usize) -> f64) {
    if !chosen(what) {
        return;
    }
    run(0); // Warms caches and the allocator; not counted.
    let mut figures: Vec<f64> = (0..runs()).map(run).collect();
    figures.sort_by(f64::total_cmp);
    println!("{what:<48} {:>12.0} {unit:<11} [{:.0} .. {:.0}]", figures[figures.len() / 2], figures[0], figures[figures.len() - 1]);
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Applies commands in batches of one timestamp; answers the time it took.
#[inline(never)] // A profiler finds it by its name.
fn apply_all(ledger: &mut SeatLedger, clock: &mut Clock, commands: &[SeatCommand], expected: fn(&SeatOutcome) -> bool) -> Duration {
    let mut changes = Vec::new();
    let begun = Stopwatch::start();
    for batch in commands.chunks(BATCH) {
        let at = clock.tick();
        changes.clear();
        for command in batch {
            let answer = ledger.apply(at, command, &mut changes);
            assert!(expected(&answer.outcome), "{:?}", answer.outcome);
            black_box(&answer);
        }
        black_box(&changes);
    }
    begun.elapsed()
}

fn is_hold(outcome: &SeatOutcome) -> bool {
    matches!(outcome, SeatOutcome::Hold(_))
}

fn is_rejected(outcome: &SeatOutcome) -> bool {
    matches!(outcome, SeatOutcome::Rejected(_))
}

fn all_holds(first_key: u64) -> Vec<SeatCommand> {
    seats_in_random_order(first_key).into_iter().zip(first_key..).map(|(seat, key)| hold(seat, key)).collect()
}

fn holds() -> f64 {
    let commands = all_holds(1);
    let (mut ledger, mut clock) = on_sale(1000);
    per_second(commands.len(), apply_all(&mut ledger, &mut clock, &commands, is_hold))
}

fn all_pairs() -> Vec<SeatCommand> {
    let pair = |(seat, key): (SeatIndex, u64)| [hold(seat, key), pay(key)];
    seats_in_random_order(1).into_iter().zip(1..).flat_map(pair).collect()
}

fn pairs() -> f64 {
    let commands = all_pairs();
    let (mut ledger, mut clock) = on_sale(0);
    let took = apply_all(&mut ledger, &mut clock, &commands, |outcome| !is_rejected(outcome));
    per_second(commands.len() / 2, took)
}

fn pairs_with_codec() -> f64 {
    let encoded: Vec<Vec<u8>> = all_pairs().iter().map(SeatLedger::encode_command).collect();
    let (mut ledger, mut clock) = on_sale(0);
    let mut changes = Vec::new();
    let begun = Stopwatch::start();
    for batch in encoded.chunks(BATCH) {
        let at = clock.tick();
        changes.clear();
        for bytes in batch {
            let command = SeatLedger::decode_command(bytes).unwrap();
            let answer = ledger.apply(at, &command, &mut changes);
            black_box(SeatLedger::encode_answer(&answer));
        }
    }
    per_second(encoded.len() / 2, begun.elapsed())
}

fn refusals() -> f64 {
    let (mut ledger, mut clock) = on_sale(1000);
    apply_all(&mut ledger, &mut clock, &all_holds(1), is_hold);
    let commands = all_holds(1_000_000);
    per_second(commands.len(), apply_all(&mut ledger, &mut clock, &commands, is_rejected))
}

fn replays() -> f64 {
    let commands = all_holds(1);
    let (mut ledger, mut clock) = on_sale(1000);
    apply_all(&mut ledger, &mut clock, &commands, is_hold);
    per_second(commands.len(), apply_all(&mut ledger, &mut clock, &commands, is_hold))
}

/// Half of the seats are held; a clone of that is being written by another thread while the other half is held.
fn holds_during_snapshot() -> f64 {
    let commands = all_holds(1);
    let (first, second) = commands.split_at(commands.len() / 2);
    let (mut ledger, mut clock) = on_sale(1000);
    apply_all(&mut ledger, &mut clock, first, is_hold);
    let frozen = ledger.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = 0;
            frozen.write_snapshot(&mut |frame| bytes += frame.len());
            black_box(bytes);
        });
        per_second(second.len(), apply_all(&mut ledger, &mut clock, second, is_hold))
    })
}

fn clone_ns() -> f64 {
    let (mut ledger, mut clock) = on_sale(1000);
    apply_all(&mut ledger, &mut clock, &all_holds(1), is_hold);
    let begun = Instant::now();
    let frozen = black_box(ledger.clone());
    let took = begun.elapsed();
    drop(frozen);
    took.as_nanos() as f64
}

/// Times single Best commands on a house of which one seat in a hundred is free, at random.
fn best_available() {
    for quantity in [1, 2, 4, 8].into_iter().filter(|_| chosen("best available")) {
        let (mut ledger, mut clock) = nearly_full();
        let mut nanos = Vec::new();
        let mut changes = Vec::new();
        let mut held = 0;
        for key in 5_000_000..5_000_400 {
            let command = best(quantity, key);
            let SeatCommand::Hold { choice: Choice::Best { .. }, .. } = &command else { unreachable!("a Best command") };
            let at: Timestamp = clock.tick();
            changes.clear();
            let begun = Instant::now();
            let answer = ledger.apply(at, &command, &mut changes);
            nanos.push(begun.elapsed().as_nanos());
            held += usize::from(is_hold(&answer.outcome));
        }
        nanos.sort_unstable();
        let (middle, high) = (nanos[nanos.len() / 2], nanos[nanos.len() * 99 / 100]);
        println!(
            "best {quantity} of 1,000 free in {SEATS}, the whole command{:>10} p50 {middle} ns, p99 {high} ns, {held} of 400 held",
            ""
        );
    }
}
