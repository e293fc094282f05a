//! Random sales with promo codes and allocations: caps and budgets hold after each command, shares add up to the cent, and every way
//! to a state ends in it.

use boxoffice_ledger::change::Change;
use boxoffice_ledger::command::{Actor, BlockAction, Choice, MoneyCommand, SaleAction, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{Request, RequestId, TicketId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::outcome::{SeatOutcome, SeatState};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::promos::{Discount, PromoAction, PromoTerms};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Millis;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::house::{self, event};
use crate::money::{cart_id, refund_id};
use crate::script::{attempt_id, hold_id, order_id, user_id};

const HOUSE: &str = "S A=6 B=..ac. | T/1 A=5 | Floor*12/1";
const SEATS: u32 = 16;
const CODES: [&str; 5] = ["TENTH", "FIVE", "FANS", "ALL", "ODD"];
const NAMES: [&str; 2] = ["Fans", "Sponsor"];

/// The terms of the code with this number; some are refused until their allocation is made.
fn terms_of(number: usize) -> PromoTerms {
    let none = PromoTerms::default();
    match number {
        0 => PromoTerms { discount: Discount::Percent(1000), uses_max: Some(3), ..none },
        1 => PromoTerms { discount: Discount::Fixed(700), budget: Some(2000), ..none },
        2 => PromoTerms { allocation: Some(NAMES[0].into()), per_user_max: Some(1), ..none },
        3 => PromoTerms { discount: Discount::Percent(10_000), per_user_max: Some(2), uses_max: Some(4), ..none },
        _ => PromoTerms { discount: Discount::Percent(3333), allocation: Some(NAMES[1].into()), budget: Some(30_000), ..none },
    }
}

fn action(kind: u8, number: usize, seats: &[u32], places: u32, flag: bool) -> PromoAction {
    let code = String::from(CODES[number]);
    match kind {
        0 => PromoAction::Create { code, terms: terms_of(number), currency: None },
        1 => PromoAction::Switch { code, active: flag || places > 1 },
        _ => PromoAction::Allocate {
            name: NAMES[number % 2].into(),
            put_back: kind == 2 && flag,
            seats: seats.iter().copied().map(SeatIndex).collect(),
            areas: if places == 0 { vec![] } else { vec![(AreaIndex(0), places)] },
        },
    }
}

fn command() -> impl Strategy<Value = SeatCommand> {
    let small = (0_u64..7, 0_u64..4, 0_usize..5, prop::collection::btree_set(0..SEATS, 1..4), 0_u32..4, any::<bool>());
    let request = (0_u128..400).prop_map(|id| Request { id: RequestId(id), fingerprint: 0 });
    (0_u8..40, small, request).prop_map(|(kind, (hold, user, number, seats, places, flag), request)| {
        let (event, id, order) = (event(), hold_id(&format!("h{hold}")), order_id(&format!("o{hold}")));
        let (attempt, owner) = (attempt_id(&format!("p{hold}")), user_id(user));
        let seats: Vec<u32> = seats.into_iter().collect();
        let promo = (number < 4 || flag).then(|| CODES[number].to_string());
        let chosen = |seats: &[u32], areas| Choice::Chosen { seats: seats.iter().copied().map(SeatIndex).collect(), areas };
        let of_areas = if places == 0 { vec![] } else { vec![(AreaIndex(0), places)] };
        let hold_of =
            |choice| SeatCommand::Hold { request, event, hold: id, user: owner, choice, expect_total: None, promo: promo.clone() };
        match kind {
            0..=4 => SeatCommand::Promo { request, event, action: action(kind, number, &seats, places, flag) },
            5..=9 => hold_of(chosen(&seats, of_areas)),
            10..=12 => hold_of(chosen(&seats[..1], vec![])),
            13 => hold_of(chosen(&[], vec![(AreaIndex(0), places + 1)])),
            14 | 15 => hold_of(Choice::Best { quantity: places + 1, section: None, max_price: None, split: flag, accessible: false }),
            16 | 17 => SeatCommand::Release { request, event, hold: id, actor: Actor::System },
            18..=23 => SeatCommand::PayBegin { request, event, hold: id, user: owner, order, attempt, method: "tok".into() },
            // What is authorized is known only to the runner: see `Run::step`.
            24..=29 => SeatCommand::Confirm { event, order, attempt, authorized: 0, reference: "ref".into() },
            30 => SeatCommand::PayFail { event, order, attempt, code: "no".into() },
            31 => SeatCommand::Money(MoneyCommand::CaptureFailed { event, order, attempt, code: "no".into() }),
            32 | 33 => SeatCommand::Captured { event, order, attempt },
            34 | 35 => SeatCommand::Money(MoneyCommand::Refund {
                request,
                event,
                order,
                refund: refund_id(&format!("r{}", request.id.0)),
                tickets: if flag { vec![TicketId::of_order(order, places as u16)] } else { vec![] },
                amount: None,
                actor: Actor::Staff(owner),
                reason: String::new(),
                block: places == 3,
            }),
            36 => SeatCommand::Money(MoneyCommand::Pin { request, event, hold: id, user: owner, order, cart: cart_id("c1") }),
            37 if flag => SeatCommand::Money(MoneyCommand::CartRelease { event, order, cart: cart_id("c1") }),
            37 => SeatCommand::Money(MoneyCommand::CartConfirm { event, order, cart: cart_id("c1"), attempt, reference: "ref".into() }),
            38 if number == 0 && places == 3 => SeatCommand::SetSale { request, event, action: SaleAction::Cancel },
            38 => SeatCommand::Pulse,
            _ => {
                let action = [BlockAction::Block, BlockAction::Unblock, BlockAction::Unblock, BlockAction::Kill][places as usize];
                SeatCommand::Block { request, event, seats: vec![SeatIndex(seats[0])], action, reason: String::new() }
            }
        }
    })
}

fn entries(count: usize) -> impl Strategy<Value = Vec<(u64, SeatCommand)>> {
    let pause = prop_oneof![8 => 0_u64..5, 1 => 5_u64..130, 1 => Just(40_000_u64)];
    prop::collection::vec((pause, command()), 1..count)
}

fn terms() -> SaleTerms {
    SaleTerms { prices: vec![3333, 1000], hold_ttl: Millis::from_mins(2), per_user_limit: 9, ..house::terms() }
}

struct Run(SeatLedger);

impl Run {
    fn new() -> Self {
        Self(house::on_sale(&house::plan(HOUSE), &terms()))
    }

    /// Applies a command; whoever confirms authorized what the order says.
    fn step(&mut self, (pause, command): &(u64, SeatCommand)) -> (boxoffice_ledger::outcome::Answer<SeatOutcome>, Vec<Change>) {
        let mut command = command.clone();
        if let SeatCommand::Confirm { event, order, authorized, .. } = &mut command {
            *authorized = self.0.order(*event, *order).map_or(0, |view| view.order.total);
        }
        let mut at = self.0.at().plus(Millis::from_secs(*pause));
        at.0 += 1;
        let mut changes = Vec::new();
        let answer = self.0.apply(at, &command, &mut changes);
        (answer, changes)
    }

    /// Discounts and refunds, from the orders alone.
    fn check_money(&self) -> Result<(), TestCaseError> {
        let sale = self.0.event(event()).unwrap();
        let (mut uses, mut spent) = ([0_u32; CODES.len()], [0_u64; CODES.len()]);
        for number in 0..7 {
            let Some(view) = sale.order(order_id(&format!("o{number}"))) else { continue };
            let order = view.order;
            let paid: u64 = order.tickets.iter().map(|ticket| ticket.price).sum();
            prop_assert!(!order.is_confirmed() || paid == order.total, "{:?}", order);
            prop_assert!(order.refunded <= order.total, "{:?}", order);
            let left: u64 = order.tickets.iter().filter(|ticket| !ticket.void).map(|ticket| ticket.price).sum();
            prop_assert!(
                !order.is_confirmed() || order.total - order.refunded == left,
                "whole refunds give back what was paid: {:?}",
                order
            );
            if let Some(applied) = order.promo.as_ref().filter(|_| order.is_confirmed()) {
                let code = CODES.iter().position(|code| *code == &*applied.code).unwrap();
                uses[code] += 1;
                spent[code] += applied.discount;
            }
        }
        for (promo, tally) in sale.promos() {
            let code = CODES.iter().position(|code| *code == &*promo.code).unwrap();
            prop_assert_eq!((tally.used, tally.spent), (uses[code], spent[code]), "{}", promo.code);
            prop_assert!(promo.terms.uses_max.is_none_or(|most| tally.held + tally.used <= most));
            prop_assert!(promo.terms.budget.is_none_or(|budget| tally.reserved + tally.spent <= budget));
        }
        Ok(())
    }
}

fn through_snapshot(ledger: &SeatLedger) -> SeatLedger {
    let mut frames = Vec::new();
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    SeatLedger::read_snapshot(&mut frames.into_iter()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(21), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn codes_stay_within_their_caps_whatever_happens(entries in entries(200), cut in 0.0..1.0_f64) {
        let cut = (entries.len() as f64 * cut) as usize;
        let mut live = Run::new();
        let mut other = None;
        let mut map = vec![SeatState::Available; SEATS as usize];
        for (number, entry) in entries.iter().enumerate() {
            if number == cut {
                other = Some(Run(through_snapshot(&live.0)));
            }
            let answer = live.step(entry);
            if let Err(what) = live.0.check_invariants() {
                prop_assert!(false, "after {:?}: {}", entry, what);
            }
            live.check_money()?;
            if let Some(other) = &mut other {
                prop_assert_eq!(&other.step(entry), &answer, "restored from a snapshot at {}, entry {}", cut, number);
            }
            for change in answer.1 {
                if let Change::Seats { seats, state, .. } = change {
                    seats.into_iter().for_each(|seat| map[seat.0 as usize] = state);
                }
            }
            let sale = live.0.event(event()).unwrap();
            prop_assert!((0..SEATS).all(|seat| sale.seat_state(SeatIndex(seat)) == Some(map[seat as usize])), "after {:?}", entry);
        }
        let mut again = Run::new();
        entries.iter().for_each(|entry| drop(again.step(entry)));
        prop_assert_eq!(again.0.digest(), live.0.digest());
        if let Some(other) = other {
            prop_assert_eq!(other.0.digest(), live.0.digest());
        }
        prop_assert_eq!(through_snapshot(&live.0).digest(), live.0.digest());
    }

    #[test]
    fn nothing_about_codes_makes_it_panic(
        text in prop_oneof![Just("FIVE".to_string()), "[a-zA-Z0-9 ]{0,50}", Just("\0\u{202e}".repeat(30))],
        numbers in (any::<u64>(), any::<u32>(), any::<u32>()),
        seats in prop::collection::vec(any::<u32>(), 0..20),
        kind in 0_u8..5,
        flag in any::<bool>(),
    ) {
        let (a, b, c) = numbers;
        let mut ledger = house::on_sale(&house::plan(HOUSE), &terms());
        let discount = [Discount::None, Discount::Fixed(a), Discount::Percent(b)][usize::from(kind % 3)];
        let terms = PromoTerms {
            discount, allocation: flag.then(|| text.clone()),
            uses_max: Some(b), per_user_max: flag.then_some(c), budget: Some(a), from: None,
            until: None,
        };
        let seats = seats.into_iter().map(SeatIndex).collect();
        let areas = vec![(AreaIndex(b as u16), c)];
        let action = match kind {
            0..=2 => PromoAction::Create { code: text, terms, currency: None },
            3 => PromoAction::Switch { code: text, active: flag },
            _ => PromoAction::Allocate { name: text, put_back: flag, seats, areas },
        };
        let command = SeatCommand::Promo { request: Request { id: RequestId(1), fingerprint: 1 }, event: event(), action };
        prop_assert_eq!(&SeatLedger::decode_command(&SeatLedger::encode_command(&command)).unwrap(), &command);
        ledger.apply(house::START, &command, &mut Vec::new());
        prop_assert!(ledger.check_invariants().is_ok(), "{:?}", ledger.check_invariants());
        prop_assert_eq!(through_snapshot(&ledger).digest(), ledger.digest());
    }
}
