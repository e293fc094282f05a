//! Makes ids at the edge: the one place of the product where ids meet the clock and the random source.

use std::time::{SystemTime, UNIX_EPOCH};

use boxoffice_ledger::ids::Slot;
use boxoffice_ledger::time::Timestamp;

/// Milliseconds since the Unix epoch by this machine's clock; only for ids, which sort by it, never for decisions.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// The same as the ledger writes it.
pub fn now() -> Timestamp {
    Timestamp(now_ms().saturating_mul(1000))
}

/// 128 random bits from the operating system, or from a per-thread generator seeded by it.
pub fn entropy() -> u128 {
    use std::cell::RefCell;
    thread_local!(static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 512], left: 0 }) });
    POOL.with(|pool| pool.borrow_mut().take())
}

/// Random bytes fetched in bulk: a system call for each id would cost more than the id.
struct Pool {
    bytes: [u8; 512],
    left: usize,
}

impl Pool {
    fn take(&mut self) -> u128 {
        if self.left < 16 {
            getrandom::fill(&mut self.bytes).expect("the operating system has a random source");
            self.left = self.bytes.len();
        }
        self.left -= 16;
        let mut chunk = [0; 16];
        chunk.copy_from_slice(&self.bytes[self.left..self.left + 16]);
        u128::from_le_bytes(chunk)
    }
}

/// A random slot, for a new event.
pub fn random_slot() -> Slot {
    Slot::new((entropy() & 0xfff) as u16)
}

/// The slot of an account: a hash of its normalised e-mail, so that an e-mail is unique within one group.
pub fn slot_of_email(email: &str) -> Slot {
    let hash = blake3::hash(email.as_bytes());
    Slot::new(u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_does_not_repeat() {
        let drawn: std::collections::BTreeSet<u128> = (0..1000).map(|_| entropy()).collect();
        assert_eq!(drawn.len(), 1000);
    }

    #[test]
    fn an_email_has_one_slot() {
        assert_eq!(slot_of_email("ada@example.com"), slot_of_email("ada@example.com"));
        assert_ne!(slot_of_email("ada@example.com"), slot_of_email("bob@example.com"));
    }
}
