//! Golden bytes of promo codes and allocations, and damage that is noticed.

use super::*;
use crate::promos::{AllocationIndex, Applied, Discount, PromoAction, PromoReason, PromoTerms};
use crate::seats::promos::kept_for;

fn promo(number: u128, action: PromoAction) -> SeatCommand {
    SeatCommand::Promo { request: request(number), event: EVENT, action }
}

/// Every kind of code and what becomes of holds with them, on an event that is open.
fn promo_life() -> Vec<SeatCommand> {
    let (event, order) = (EVENT, order_id(1));
    let create = |code: &str, terms| PromoAction::Create { code: code.to_string(), terms, currency: Currency::parse("EUR") };
    let full = PromoTerms {
        discount: Discount::Percent(1000),
        allocation: Some("Fans".to_string()),
        uses_max: Some(300),
        per_user_max: Some(2),
        budget: Some(90_000),
        from: Some(Timestamp(1)),
        until: Some(Timestamp(1_790_000_000_000_000)),
    };
    let fixed = PromoTerms { discount: Discount::Fixed(300), ..PromoTerms::default() };
    let opens = PromoTerms { allocation: Some("Fans".to_string()), ..PromoTerms::default() };
    let aside = |put_back, seats: &[u32]| PromoAction::Allocate {
        name: "Fans".to_string(),
        put_back,
        seats: seats.iter().copied().map(SeatIndex).collect(),
        areas: vec![(AreaIndex(0), 1)],
    };
    let with = |command: SeatCommand, code: &str| match command {
        SeatCommand::Hold { request, event, hold, user, choice, expect_total, .. } => {
            SeatCommand::Hold { request, event, hold, user, choice, expect_total, promo: Some(code.to_string()) }
        }
        other => other,
    };
    vec![
        promo(300, aside(false, &[0, 1])),
        promo(301, aside(false, &[2])),
        promo(302, aside(true, &[2])),
        promo(303, create("FANS-10", full)),
        promo(304, create("FIVE", fixed)),
        promo(305, create("KEY", opens)),
        promo(306, PromoAction::Switch { code: "KEY".to_string(), active: false }),
        with(hold(1, &[0, 1], &[(0, 1)]), "FANS-10"),
        pay(1),
        SeatCommand::Confirm { event, order, attempt: attempt_id(1), authorized: 4500, reference: String::new() },
        with(hold(2, &[2], &[]), "FIVE"),
    ]
}

fn promo_lived() -> SeatLedger {
    let mut ledger = SeatLedger::default();
    let opened = life().into_iter().take(3);
    for (number, command) in (10_u64..).zip(opened.chain(promo_life())) {
        let answer = ledger.apply(Timestamp(number * 1_000_000), &command, &mut Vec::new());
        assert!(!matches!(answer.outcome, SeatOutcome::Rejected(_)), "{command:?}: {answer:?}");
        assert_eq!(ledger.check_invariants(), Ok(()), "after {command:?}");
    }
    ledger
}

#[test]
fn golden_bytes_of_codes_stay_as_they_are() {
    for (number, command) in promo_life().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("seat-promo-command-{number:02}"), &SeatLedger::encode_command(command));
        assert_eq!(SeatLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let ledger = promo_lived();
    let refusal = Rejection::PromoRefused { reason: PromoReason::UsedUp };
    let outcomes = [SeatOutcome::Hold(ledger.hold(EVENT, hold_id(2)).unwrap()), SeatOutcome::Rejected(refusal)];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let answer = Answer { outcome, replayed: false };
        let bytes = golden::check(&alloc::format!("seat-promo-answer-{number:02}"), &SeatLedger::encode_answer(&answer));
        assert_eq!(SeatLedger::decode_answer(&bytes), Ok(answer));
    }
    let snapshot = golden::check("seat-promo-snapshot", &golden::join(&frames(&ledger)));
    let restored = read(golden::split(&snapshot)).unwrap();
    assert_eq!((restored.digest(), restored.check_invariants()), (ledger.digest(), Ok(())));
}

#[test]
fn a_damaged_snapshot_of_codes_is_refused() {
    let whole = frames(&promo_lived());
    for place in 0..whole.len() {
        for byte in 0..whole[place].len() {
            let mut flipped = whole.clone();
            flipped[place][byte] ^= 0x11;
            if let Ok(ledger) = read(flipped) {
                let same = frames(&ledger) == whole;
                assert!(same || ledger.requests.limit() != promo_lived().requests.limit(), "frame {place}, byte {byte}");
            }
        }
    }
}

#[test]
fn damage_to_codes_in_memory_is_noticed() {
    let wound = |hurt: fn(&mut crate::seats::EventSale)| {
        let mut ledger = promo_lived();
        hurt(alloc::sync::Arc::make_mut(ledger.events.get_mut(&EVENT).unwrap()));
        ledger.check_invariants().unwrap_err()
    };
    let applied = Some(alloc::sync::Arc::new(Applied { code: "NONE".into(), discount: 300, allocation: None }));
    let found = [
        wound(|sale| sale.promos.tallies[0].used += 1),
        wound(|sale| sale.promos.tallies[1].reserved += 1),
        wound(|sale| assert!(sale.promos.users.remove(&(0, USER)).is_some())),
        wound(|sale| assert!(sale.promos.members.remove(&0).is_some())),
        wound(|sale| assert!(sale.promos.members.insert(4, AllocationIndex(0)).is_none())),
        wound(|sale| assert!(sale.cells.set(4, kept_for(AllocationIndex(0))).is_some())),
        wound(|sale| alloc::sync::Arc::make_mut(&mut sale.promos.codes)[0].active = false),
        wound(|sale| alloc::sync::Arc::make_mut(&mut sale.promos.codes)[0].terms.budget = Some(1)),
        wound(|sale| alloc::sync::Arc::make_mut(&mut sale.promos.allocations)[0].areas.push((AreaIndex(0), 99))),
        wound(|sale| sale.holds.get_mut(&hold_id(2)).unwrap().promo = None),
    ];
    assert!(found.iter().all(|what| !what.is_empty()), "{found:?}");
    let mut ledger = promo_lived();
    let sale = alloc::sync::Arc::make_mut(ledger.events.get_mut(&EVENT).unwrap());
    sale.holds.get_mut(&hold_id(2)).unwrap().promo = applied;
    assert!(ledger.check_invariants().unwrap_err().contains("NONE"));
}
