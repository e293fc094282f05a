//! What a token's check costs: `cargo bench -p boxoffice-api --bench token`. CPU time of one thread and allocations, each for tokens
//! that come for the first time (the signature is checked) and for one that is remembered.
#![allow(unsafe_code)] // An allocator can only be given with unsafe; this one counts and hands on to the system's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boxoffice_api::auth::Tokens;
use boxoffice_api::backend::Caller;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{Slot, UserId};

const TOKENS: u32 = 20_000;
const AGAIN: u32 = 1_000_000;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// CPU time of this thread where the system tells it (Linux), so that a busy machine does not show; else the time of day.
fn cpu_nanos() -> u64 {
    std::thread::yield_now(); // The figure is brought up to date when the thread leaves the CPU.
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let told = times.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    static START: OnceLock<Instant> = OnceLock::new();
    told.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_nanos() as u64)
}

fn measure(what: &str, count: u32, work: impl FnOnce()) {
    let (since, before) = (cpu_nanos(), ALLOCATIONS.load(Ordering::Relaxed));
    work();
    let (spent, made) = (cpu_nanos() - since, ALLOCATIONS.load(Ordering::Relaxed) - before);
    let each = |total: u64| total as f64 / f64::from(count);
    println!("{what:<40} {count:>9} times {:>10.1} ns and {:>6.2} allocations each", each(spent), each(made));
}

fn main() {
    let (tokens, now_us) = (Tokens::new("bench", &[7; 32]).expect("keys can be derived"), 1_790_000_000_000_000);
    let issue = |number: u32| {
        let caller = Caller { user: UserId::new(5, Slot::new(1), number.into()), role: Role::Customer };
        tokens.issue(caller, Duration::from_secs(600), now_us).expect("a token can be signed")
    };
    let mut all = Vec::with_capacity(TOKENS as usize);
    measure("issue", TOKENS, || all.extend((0..TOKENS).map(issue)));
    measure("check, the first time", TOKENS, || all.iter().for_each(|token| assert!(tokens.check(token, now_us).is_some())));
    let known = &all[all.len() - 1];
    measure("check, remembered", AGAIN, || (0..AGAIN).for_each(|_| assert!(black_box(tokens.check(black_box(known), now_us)).is_some())));
    println!("Build: {}.", if cfg!(debug_assertions) { "debug" } else { "optimised" });
}
