//! How long seats were pinned, attempt by attempt, from the entry that pinned them to the one that sold or freed them: the times
//! that the ledger itself has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

/// Times in milliseconds, ascending.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    /// Attempts that wait for the provider only.
    pub provider: Vec<u64>,
    /// Attempts whose buyer was sent to their bank.
    pub bank: Vec<u64>,
}

impl Pins {
    /// Reads all orders' attempts; `lines` are the provider's, which tell who was sent to their bank.
    pub(super) fn measure(
        orders: &BTreeMap<String, Value>,
        lines: &[Value],
        provider_max: Duration,
        bank_max: Duration,
        wrong: &mut Vec<String>,
    ) -> Self {
        let at_bank = lines.iter().filter(|line| line["method"] == "pm_test_3ds");
        let at_bank: BTreeSet<&str> = at_bank.filter_map(|line| line["attempt"].as_str()).collect();
        let mut pins = Self::default();
        for (order, value) in orders {
            for attempt in value["attempts"].as_array().into_iter().flatten() {
                let id = attempt["id"].as_str().unwrap_or_default();
                let Some(pinned) = attempt["pinned_ms"].as_u64() else {
                    wrong.push(format!("{order}: {id} is {} and its seats are pinned still", attempt["state"]));
                    continue;
                };
                let (times, max) = if at_bank.contains(id) { (&mut pins.bank, bank_max) } else { (&mut pins.provider, provider_max) };
                times.push(pinned);
                if u128::from(pinned) > max.as_millis() {
                    wrong.push(format!("{order}: seats were pinned for {pinned} ms for {id}, {} are allowed", max.as_millis()));
                }
            }
        }
        pins.provider.sort_unstable();
        pins.bank.sort_unstable();
        pins
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let one = |times: &[u64]| {
            let at = |per_thousand: usize| times.get(times.len() * per_thousand / 1000).or(times.last());
            json!({"count": times.len(), "p50": at(500), "p99": at(990), "max": times.last()})
        };
        json!({"provider": one(&self.provider), "bank": one(&self.bank)})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hung_too_long_or_hangs_is_named() {
        let order = json!({"attempts": [
            {"id": "a", "pinned_ms": 5}, {"id": "b", "pinned_ms": 70_000},
            {"id": "c", "pinned_ms": 70_000}, {"id": "d", "state": "unknown"},
        ]});
        let lines = [json!({"attempt": "c", "method": "pm_test_3ds"}), json!({"attempt": "b", "method": "pm_test_ok"})];
        let (orders, mut wrong) = (BTreeMap::from([("o".to_owned(), order)]), Vec::new());
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let pins = Pins::measure(&orders, &lines, minute, hour, &mut wrong);
        assert_eq!((pins.provider.as_slice(), pins.bank.as_slice()), (&[5, 70_000][..], &[70_000][..]));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert_eq!(pins.json()["provider"], json!({"count": 2, "p50": 70_000, "p99": 70_000, "max": 70_000}));
    }
}
