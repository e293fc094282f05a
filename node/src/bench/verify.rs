//! Looks at the rows after a run: every node must show as sold what was acknowledged, and nothing else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::client::Client;
use super::load::Tally;

/// How long a node may take to catch up with what was acknowledged.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is wrong, in words; nothing if all is well.
///
/// # Errors
/// When a node does not answer.
pub async fn check(nodes: &mut [Client], event: &str, seats: usize, tally: &Tally) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    let mut sold = BTreeSet::new();
    for sale in &tally.sales {
        if !sold.insert(sale.seat) {
            violations.push(format!("seat number {} was acknowledged twice", sale.seat));
        }
    }
    let unknown: BTreeSet<u32> = tally.unknown.iter().copied().collect();
    for (node, client) in nodes.iter_mut().enumerate() {
        let since = Instant::now();
        let found = loop {
            let map = client.get(&format!("/event/{event}/seat")).await?;
            let states = states(&map, seats)?;
            let found = differences(&states, &sold, &unknown);
            if found.is_empty() || since.elapsed() > PATIENCE {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        violations.extend(found.into_iter().map(|what| format!("node {}: {what}", node + 1)));
    }
    Ok(violations)
}

/// Two bits a seat of a seat map: 0 free, 1 held, 2 sold, 3 not for sale.
///
/// # Errors
/// When the map has another form.
pub fn states(map: &Value, seats: usize) -> anyhow::Result<Vec<u8>> {
    let text = map["states"].as_str().context("the seat map has no states")?;
    let bytes = base64(text).context("the seat map's states are not base64")?;
    (0..seats)
        .map(|seat| bytes.get(seat / 4).map(|byte| byte >> (seat % 4 * 2) & 3).context("the seat map's states are too short"))
        .collect()
}

fn differences(states: &[u8], sold: &BTreeSet<u32>, unknown: &BTreeSet<u32>) -> Vec<String> {
    let mut missing = 0;
    let mut phantom = 0;
    for (seat, state) in states.iter().enumerate() {
        let seat = seat as u32;
        match (sold.contains(&seat), *state == 2) {
            (true, false) => missing += 1,
            (false, true) if !unknown.contains(&seat) => phantom += 1,
            _ => {}
        }
    }
    let mut found = Vec::new();
    if missing > 0 {
        found.push(format!("{missing} acknowledged sales are not sold"));
    }
    if phantom > 0 {
        found.push(format!("{phantom} seats are sold that nobody was told of"));
    }
    found
}

/// The bytes of Base64; `None` when it is none.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_unpacked_lowest_bits_first() {
        let map = serde_json::json!({"states": "4wI="}); // 0b11_10_00_11, 0b10
        assert_eq!(states(&map, 5).unwrap(), [3, 0, 2, 3, 2]);
        assert!(states(&map, 9).is_err());
    }

    #[test]
    fn a_lost_sale_and_a_phantom_are_told_apart() {
        let set = |seats: &[u32]| seats.iter().copied().collect::<BTreeSet<u32>>();
        assert!(differences(&[2, 0, 2], &set(&[0]), &set(&[2])).is_empty());
        assert_eq!(differences(&[0, 2], &set(&[0]), &set(&[])).len(), 2);
    }
}
