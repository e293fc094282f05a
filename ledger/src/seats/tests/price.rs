//! Golden bytes of prices that move, and damage that is noticed.

use super::*;
use crate::plan::LevelIndex;
use crate::pricing::{CHANGES_MAX, CurvePoint, Demand, Policy, PriceCause, Tier};

fn demand() -> Demand {
    Demand {
        curve: vec![CurvePoint { at: Timestamp(1_000_000), sold_bps: 0 }, CurvePoint { at: Timestamp(900_000_000), sold_bps: 9000 }],
        floor: 2000,
        ceiling: 4000,
        step_max: 300,
        interval: Millis::from_secs(1),
        gain_bps: 30_000,
        band_bps: 2500,
    }
}

fn pricing() -> Vec<Policy> {
    vec![Policy::Demand(demand()), Policy::Tiers(vec![Tier { places: 1, price: 0 }, Tier { places: 0, price: 900 }])]
}

fn set(number: u128, level: u16, policy: Policy) -> SeatCommand {
    SeatCommand::SetPolicy { request: request(number), event: EVENT, level: LevelIndex(level), policy, reason: "slow".to_string() }
}

fn reprice(level: u16, version: u32, from: u64) -> SeatCommand {
    SeatCommand::Reprice { event: EVENT, level: LevelIndex(level), version, from }
}

/// Every kind of change of a price, on an event that is open.
fn price_life() -> Vec<SeatCommand> {
    let (event, order) = (EVENT, order_id(1));
    vec![
        hold(1, &[0, 1], &[(0, 1)]),
        pay(1),
        SeatCommand::Confirm { event, order, attempt: attempt_id(1), authorized: 5000, reference: String::new() },
        reprice(0, 0, 2500),
        hold(2, &[2], &[]),
        set(301, 0, Policy::Demand(Demand { floor: 2100, ..demand() })),
        set(302, 1, Policy::Tiers(vec![Tier { places: 2, price: 0 }, Tier { places: 0, price: 900 }])),
        SeatCommand::Audited(crate::command::Audited {
            actor: USER,
            address: "192.0.2.7".to_string(),
            command: alloc::boxed::Box::new(set(303, 0, Policy::Fixed)),
        }),
    ]
}

fn priced() -> SeatLedger {
    let mut ledger = SeatLedger::default();
    let opened = life().into_iter().take(3).map(|command| match command {
        SeatCommand::CreateEvent { event, plan, terms } => {
            SeatCommand::CreateEvent { event, plan, terms: SaleTerms { pricing: pricing(), ..terms } }
        }
        other => other,
    });
    for (number, command) in (10_u64..).zip(opened.chain(price_life())) {
        let answer = ledger.apply(Timestamp(number * 1_000_000), &command, &mut Vec::new());
        assert!(!matches!(answer.outcome, SeatOutcome::Rejected(_)), "{command:?}: {answer:?}");
        assert_eq!(ledger.check_invariants(), Ok(()), "after {command:?}");
    }
    ledger
}

#[test]
fn golden_bytes_of_prices_stay_as_they_are() {
    let create = SeatCommand::CreateEvent { event: EVENT, plan: PLAN, terms: SaleTerms { pricing: pricing(), ..terms() } };
    for (number, command) in price_life().iter().chain([&create]).enumerate() {
        let bytes = golden::check(&alloc::format!("seat-price-command-{number:02}"), &SeatLedger::encode_command(command));
        assert_eq!(SeatLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let ledger = priced();
    let snapshot = golden::check("seat-price-snapshot", &golden::join(&frames(&ledger)));
    let restored = read(golden::split(&snapshot)).unwrap();
    assert_eq!((restored.digest(), restored.check_invariants()), (ledger.digest(), Ok(())));
}

#[test]
fn a_damaged_snapshot_of_prices_is_refused() {
    let whole = frames(&priced());
    for place in 0..whole.len() {
        for byte in 0..whole[place].len() {
            let mut flipped = whole.clone();
            flipped[place][byte] ^= 0x11;
            if let Ok(ledger) = read(flipped) {
                let same = frames(&ledger) == whole;
                assert!(same || ledger.requests.limit() != priced().requests.limit(), "frame {place}, byte {byte}");
            }
        }
    }
}

#[test]
fn damage_to_prices_in_memory_is_noticed() {
    let wound = |hurt: fn(&mut crate::seats::EventSale)| {
        let mut ledger = priced();
        hurt(alloc::sync::Arc::make_mut(ledger.events.get_mut(&EVENT).unwrap()));
        ledger.check_invariants().unwrap_err()
    };
    let found = [
        wound(|sale| sale.prices.levels[0].now.price += 1),
        wound(|sale| sale.prices.levels[0].bounds.1 = 2600),
        wound(|sale| sale.prices.levels[0].root.price -= 1),
        wound(|sale| sale.prices.levels[0].smooth += 1),
        wound(|sale| sale.prices.levels[1].tier = 1),
        wound(|sale| sale.prices.levels[1].changes = crate::cow::CowQueue::new()),
        wound(|sale| sale.prices.levels.truncate(1)),
        wound(|sale| sale.prices.uses[0].sold += 1),
        wound(|sale| sale.prices.uses[0].weighted += 1),
        wound(|sale| assert!(sale.prices.holders.remove(&(0, USER)).is_some())),
    ];
    assert!(found.iter().all(|what| !what.is_empty()), "{found:?}");
}

#[test]
fn the_oldest_changes_are_forgotten_and_the_rest_still_follows() {
    let mut ledger = SeatLedger::default();
    for command in life().into_iter().take(3) {
        ledger.apply(Timestamp(10_000_000), &command, &mut Vec::new());
    }
    // A fixed price of nothing may be made fixed again, as often as one likes.
    let count = CHANGES_MAX as u128 + 5;
    for number in 0..count {
        let answer = ledger.apply(Timestamp(20_000_000 + number as u64), &set(1000 + number, 1, Policy::Fixed), &mut Vec::new());
        assert_eq!(answer.outcome, SeatOutcome::Done);
    }
    assert_eq!(ledger.check_invariants(), Ok(()));
    let sale = ledger.event(EVENT).unwrap();
    let view = sale.price_view(LevelIndex(1)).unwrap();
    let changes = sale.price_changes(LevelIndex(1), 0, usize::MAX);
    assert_eq!((view.root.version, changes.len(), changes[0].version), (5, CHANGES_MAX, 6));
    assert_eq!(sale.price_changes(LevelIndex(1), 7, 2).iter().map(|change| change.version).collect::<Vec<_>>(), [8, 9]);
    assert!(changes.iter().all(|change| matches!(change.cause, PriceCause::Policy { .. })));
    let restored = read(frames(&ledger)).unwrap();
    assert_eq!(restored.digest(), ledger.digest());
    assert_eq!(restored.event(EVENT).unwrap().price_changes(LevelIndex(1), 7, 2), sale.price_changes(LevelIndex(1), 7, 2));
}
