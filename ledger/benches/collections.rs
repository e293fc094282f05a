//! Measures the collections under the ledger: `cargo bench -p boxoffice-ledger --bench collections`.
//! Each line says what is done, how often, and what one costs; a plain standard map is measured beside it.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

use boxoffice_ledger::cow::{CowKey, CowMap};
use boxoffice_ledger::digest::RecordHasher;
use boxoffice_ledger::ids::{Request, RequestId};
use boxoffice_ledger::requests::{Requests, Seen};
use boxoffice_ledger::time::Timestamp;

const COUNT: u64 = 1_000_000;

/// As ids are: ascending in the high bits, drawn in the low ones.
fn id(number: u64) -> u128 {
    (u128::from(number / 4) << 80) | u128::from(number.hash64())
}

fn measure(what: &str, count: u64, mut work: impl FnMut()) {
    let start = cpu_nanos();
    work();
    let spent = cpu_nanos() - start;
    println!("{what:<58} {count:>9} times {:>9.1} ns each", spent as f64 / count as f64);
}

/// CPU time of this thread where the system tells it (Linux), so that a busy machine does not show; else the time of day.
fn cpu_nanos() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let told = times.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    static START: OnceLock<Instant> = OnceLock::new();
    told.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_nanos() as u64)
}

fn main() {
    let mut plain: HashMap<u128, [u64; 4]> = HashMap::new();
    measure("HashMap: insert", COUNT, || (0..COUNT).for_each(|n| _ = plain.insert(id(n), [n; 4])));
    measure("HashMap: get", COUNT, || (0..COUNT).for_each(|n| _ = black_box(plain.get(&id(n * 7 % COUNT)))));

    let mut map: CowMap<u128, [u64; 4]> = CowMap::new();
    measure("CowMap: insert", COUNT, || (0..COUNT).for_each(|n| _ = map.insert(id(n), [n; 4])));
    measure("CowMap: get", COUNT, || (0..COUNT).for_each(|n| _ = black_box(map.get(&id(n * 7 % COUNT)))));
    measure("CowMap: get_mut", COUNT, || (0..COUNT).for_each(|n| map.get_mut(&id(n * 7 % COUNT)).expect("it was inserted")[0] += 1));
    let mut frozen = map.clone();
    measure("CowMap: clone of a million entries", 1, || frozen = map.clone());
    measure("CowMap: get_mut while a clone is kept", COUNT, || {
        (0..COUNT).for_each(|n| map.get_mut(&id(n * 7 % COUNT)).expect("it was inserted")[0] += 1);
    });
    measure("CowMap: sorted", COUNT, || assert_eq!(frozen.sorted().len() as u64, COUNT));
    measure("CowMap: remove", COUNT, || (0..COUNT).for_each(|n| _ = map.remove(&id(n))));

    let mut requests = Requests::default();
    let answer = [7_u8; 80];
    measure("Requests: check and remember 80 bytes", COUNT, || {
        for number in 0..COUNT {
            let request = Request { id: RequestId(id(number)), fingerprint: number };
            assert_eq!(requests.check(request), Seen::New);
            requests.remember(request, Timestamp(number), |bytes| bytes.extend_from_slice(&answer));
        }
    });
    let mut sum = 0;
    measure("RecordHasher: a record of 12 words", COUNT, || {
        for number in 0..COUNT {
            sum ^= (0..12).fold(RecordHasher::new(1), |hasher, word| hasher.u64(number + word)).finish();
        }
    });
    black_box(sum);
}
