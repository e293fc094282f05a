//! Commands, answers, snapshots, rows of the journal and plans: what logs, peers and backups hold.

use std::sync::OnceLock;

use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::codec::change::{decode_row, encode_row};
use boxoffice_ledger::codec::plan::{decode_plan, encode_plan};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Timestamp;

/// After everything that happened in the ledgers of the golden files.
const LATE_US: u64 = 4_000_000_000_000_000;

/// A command: read, written again, and applied to an empty ledger and to one that has lived.
fn command<M: Machine>(bytes: &[u8], lived: &M) -> bool {
    let Ok(command) = M::decode_command(bytes) else { return false };
    let written = M::encode_command(&command);
    let again = M::decode_command(&written).expect("what is written can be read");
    assert_eq!(M::encode_command(&again), written);
    for (mut machine, at) in [(M::default(), Timestamp(1)), (lived.clone(), Timestamp(LATE_US))] {
        let mut changes = Vec::new();
        let answer = M::encode_answer(&machine.apply(at, &command, &mut changes));
        M::decode_answer(&answer).expect("an answer can be read");
        machine.check_invariants().expect("no command breaks an invariant");
    }
    true
}

fn answer<M: Machine>(bytes: &[u8]) -> bool {
    let Ok(answer) = M::decode_answer(bytes) else { return false };
    let written = M::encode_answer(&answer);
    let again = M::decode_answer(&written).expect("what is written can be read");
    assert_eq!(M::encode_answer(&again), written);
    true
}

/// Frames, each after its length in four bytes.
fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at((u32::from_be_bytes(*length) as usize).min(rest.len()));
        frames.push(frame.to_vec());
        bytes = rest;
    }
    frames
}

fn machine<M: Machine>(bytes: &[u8]) -> Option<M> {
    M::read_snapshot(&mut frames(bytes).into_iter()).ok()
}

fn snapshot<M: Machine>(bytes: &[u8]) -> bool {
    let Some(machine) = machine::<M>(bytes) else { return false };
    let mut written = Vec::new();
    machine.write_snapshot(&mut |frame| written.push(frame.to_vec()));
    let again = M::read_snapshot(&mut written.into_iter()).expect("what is written can be read");
    assert_eq!(again.digest(), machine.digest());
    machine.check_invariants().expect("a snapshot that is accepted breaks no invariant");
    true
}

/// See [`command`].
pub fn catalog_command(bytes: &[u8]) -> bool {
    static LIVED: OnceLock<CatalogLedger> = OnceLock::new();
    let golden = include_bytes!("../../../ledger/tests/golden/catalog-snapshot.bin");
    command(bytes, LIVED.get_or_init(|| machine(golden).expect("the golden file can be read")))
}

/// See [`command`].
pub fn seat_command(bytes: &[u8]) -> bool {
    static LIVED: OnceLock<SeatLedger> = OnceLock::new();
    let golden = include_bytes!("../../../ledger/tests/golden/seat-snapshot-decided.bin");
    command(bytes, LIVED.get_or_init(|| machine(golden).expect("the golden file can be read")))
}

/// See [`command`].
pub fn account_command(bytes: &[u8]) -> bool {
    static LIVED: OnceLock<AccountLedger> = OnceLock::new();
    let golden = include_bytes!("../../../ledger/tests/golden/account-snapshot.bin");
    command(bytes, LIVED.get_or_init(|| machine(golden).expect("the golden file can be read")))
}

/// An answer of the catalog.
pub fn catalog_answer(bytes: &[u8]) -> bool {
    answer::<CatalogLedger>(bytes)
}

/// An answer of an event group.
pub fn seat_answer(bytes: &[u8]) -> bool {
    answer::<SeatLedger>(bytes)
}

/// An answer of a users' group.
pub fn account_answer(bytes: &[u8]) -> bool {
    answer::<AccountLedger>(bytes)
}

/// The frames of a catalog's snapshot.
pub fn catalog_snapshot(bytes: &[u8]) -> bool {
    snapshot::<CatalogLedger>(bytes)
}

/// The frames of an event group's snapshot.
pub fn seat_snapshot(bytes: &[u8]) -> bool {
    snapshot::<SeatLedger>(bytes)
}

/// The frames of a users' group's snapshot.
pub fn account_snapshot(bytes: &[u8]) -> bool {
    snapshot::<AccountLedger>(bytes)
}

/// A row of the change journal.
pub fn journal_row(bytes: &[u8]) -> bool {
    let Ok(row) = decode_row(bytes) else { return false };
    let written = encode_row(&row);
    let again = decode_row(&written).expect("what is written can be read");
    assert_eq!(encode_row(&again), written);
    true
}

/// A seating plan.
pub fn plan(bytes: &[u8]) -> bool {
    let Ok(plan) = decode_plan(bytes) else { return false };
    let written = encode_plan(&plan);
    let again = decode_plan(&written).expect("what is written can be read");
    assert_eq!(encode_plan(&again), written);
    true
}
