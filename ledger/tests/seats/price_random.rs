//! Random sales at prices that move: a price never leaves its bounds, each change follows from its inputs, a hold keeps its quote, and
//! every way to a state ends in it.

use boxoffice_ledger::change::Change;
use boxoffice_ledger::command::{Actor, BlockAction, Choice, MoneyCommand, SaleAction, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{Request, RequestId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::outcome::{Answer, Rejection, SeatOutcome};
use boxoffice_ledger::plan::{AreaIndex, LevelIndex, SeatIndex};
use boxoffice_ledger::pricing::{Demand, Policy, PriceChange, Tier, Trail};
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::time::Millis;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::house::{self, event};
use crate::money::refund_id;
use crate::price;
use crate::script::{attempt_id, hold_id, order_id, user_id};

const HOUSE: &str = "S A=6 B=6 | T/1 A=5 | Floor*12/1";
const SEATS: u32 = 17;

/// Policies that fit a level of 5,000; some do not fit the bounds of others.
fn policy(number: u8) -> Policy {
    let tiers = |tiers: &[(u32, u64)]| Policy::Tiers(tiers.iter().map(|&(places, price)| Tier { places, price }).collect());
    match number {
        0 => Policy::Fixed,
        1 => tiers(&[(2, 5000), (3, 5500), (0, 6000)]),
        2 => tiers(&[(4, 5000), (0, 4500)]),
        3 => Policy::Demand(price::demand()),
        4 => Policy::Demand(Demand { floor: 4900, ceiling: 5100, gain_bps: 100_000, interval: Millis::from_secs(1), ..price::demand() }),
        _ => Policy::Demand(Demand { floor: 1, ceiling: 9000, step_max: 9000, gain_bps: 100_000, band_bps: 10_000, ..price::demand() }),
    }
}

fn command() -> impl Strategy<Value = SeatCommand> {
    let small = (0_u64..8, 0_u64..3, 0_u8..7, prop::collection::btree_set(0..SEATS, 1..4), 0_u32..4, any::<bool>());
    let request = (0_u128..400).prop_map(|id| Request { id: RequestId(id), fingerprint: 0 });
    (0_u8..40, small, request).prop_map(|(kind, (hold, user, number, seats, places, flag), request)| {
        let (event, id, order) = (event(), hold_id(&format!("h{hold}")), order_id(&format!("o{hold}")));
        let (attempt, owner) = (attempt_id(&format!("p{hold}")), user_id(user));
        let level = LevelIndex(u16::from(number % 2));
        let of_areas = if places == 0 { vec![] } else { vec![(AreaIndex(0), places)] };
        let expect_total = flag.then_some(5000 * seats.len() as u64);
        let hold_of = |choice| SeatCommand::Hold { request, event, hold: id, user: owner, choice, expect_total, promo: None };
        let seats: Vec<SeatIndex> = seats.into_iter().map(SeatIndex).collect();
        match kind {
            0..=12 => hold_of(Choice::Chosen { seats, areas: of_areas }),
            13 => hold_of(Choice::Best { quantity: places + 1, section: None, max_price: Some(5500), split: flag, accessible: false }),
            14..=16 => SeatCommand::Release { request, event, hold: id, actor: Actor::System },
            17..=20 => SeatCommand::PayBegin { request, event, hold: id, user: owner, order, attempt, method: "tok".into() },
            // What is authorized, and from what a step begins, is known only to the runner: see `Run::step`.
            21..=24 => SeatCommand::Confirm { event, order, attempt, authorized: 0, reference: "ref".into() },
            25 => SeatCommand::PayFail { event, order, attempt, code: "no".into() },
            26 => SeatCommand::Captured { event, order, attempt },
            27 => SeatCommand::Money(MoneyCommand::Refund {
                request,
                event,
                order,
                refund: refund_id(&format!("r{}", request.id.0)),
                tickets: vec![],
                amount: None,
                actor: Actor::Staff(owner),
                reason: String::new(),
                block: flag,
            }),
            28..=34 => SeatCommand::Reprice { event, level, version: u32::from(number == 6), from: 0 },
            35 | 36 => SeatCommand::SetPolicy { request, event, level, policy: policy(number), reason: "why".into() },
            37 if number == 6 => {
                SeatCommand::SetSale { request, event, action: [SaleAction::Pause, SaleAction::Resume][usize::from(flag)] }
            }
            37 => SeatCommand::SetSale { request, event, action: SaleAction::Open },
            38 => SeatCommand::Pulse,
            _ => {
                let action = [BlockAction::Block, BlockAction::Unblock, BlockAction::Unblock, BlockAction::Kill][places as usize];
                SeatCommand::Block { request, event, seats, action, reason: String::new() }
            }
        }
    })
}

fn entries(count: usize) -> impl Strategy<Value = Vec<(u64, SeatCommand)>> {
    let pause = prop_oneof![6 => 0_u64..5, 3 => 5_u64..130, 1 => Just(40_000_u64)];
    prop::collection::vec((pause, command()), 1..count)
}

struct Run {
    ledger: SeatLedger,
    /// Followed from the first day by the Changes alone, by level.
    trails: Vec<Trail>,
}

impl Run {
    fn new(first: u8, second: u8) -> Self {
        let pricing = vec![policy(first), policy(second)];
        let terms = SaleTerms { prices: vec![5000, 5000], hold_ttl: Millis::from_mins(2), pricing: pricing.clone(), ..house::terms() };
        let trails = pricing.into_iter().map(|policy| Trail { version: 0, price: 5000, policy }).collect();
        Self { ledger: house::published(&house::plan(HOUSE), &terms), trails }
    }

    fn restored(&self) -> Self {
        Self { ledger: through_snapshot(&self.ledger), trails: self.trails.clone() }
    }

    /// Applies a command; who confirms authorized what the order says, and a step begins at the price that is (most of the time).
    fn step(&mut self, (pause, command): &(u64, SeatCommand)) -> Result<(Answer<SeatOutcome>, Vec<Change>), TestCaseError> {
        let mut command = command.clone();
        match &mut command {
            SeatCommand::Confirm { event, order, authorized, .. } => {
                *authorized = self.ledger.order(*event, *order).map_or(0, |view| view.order.total);
            }
            SeatCommand::Reprice { level, version, from, .. } => {
                let view = self.ledger.event(event()).unwrap().price_view(*level).unwrap();
                (*version, *from) = (view.version + *version, view.price);
            }
            _ => (),
        }
        let before: Vec<u64> = self.ledger.event(event()).unwrap().prices();
        let mut at = self.ledger.at().plus(Millis::from_secs(*pause));
        at.0 += 1;
        let mut changes = Vec::new();
        let answer = self.ledger.apply(at, &command, &mut changes);
        self.follow(&changes)?;
        self.check_quote(&command, &answer, &before)?;
        Ok((answer, changes))
    }

    /// Every change follows from its inputs, and the prices are what the changes say.
    fn follow(&mut self, changes: &[Change]) -> Result<(), TestCaseError> {
        for change in changes {
            if let Change::Price { level, change, .. } = change {
                let checked = self.trails[usize::from(level.0)].check(change);
                prop_assert!(checked.is_ok(), "{:?}: {:?}", checked, change);
            }
        }
        let sale = self.ledger.event(event()).unwrap();
        for (level, trail) in (0_u16..).zip(&self.trails) {
            let view = sale.price_view(LevelIndex(level)).unwrap();
            prop_assert_eq!((view.version, view.price, &view.policy), (trail.version, trail.price, &trail.policy));
            prop_assert!(view.bounds.0 <= view.price && view.price <= view.bounds.1, "{:?}", view);
        }
        Ok(())
    }

    /// A hold costs what its seats cost before it, and never more than what its owner expected.
    fn check_quote(&self, command: &SeatCommand, answer: &Answer<SeatOutcome>, prices: &[u64]) -> Result<(), TestCaseError> {
        let SeatCommand::Hold { expect_total, .. } = command else { return Ok(()) };
        match &answer.outcome {
            SeatOutcome::Hold(hold) if !answer.replayed => {
                let seat = |seat: &SeatIndex| prices[usize::from(seat.0 >= 12)];
                let areas: u64 = hold.areas.iter().map(|&(_, count)| u64::from(count) * prices[1]).sum();
                prop_assert_eq!(hold.total, hold.seats.iter().map(seat).sum::<u64>() + areas);
                prop_assert!(expect_total.is_none_or(|most| hold.total <= most));
            }
            SeatOutcome::Rejected(Rejection::PriceChanged { total, .. }) if !answer.replayed => {
                prop_assert!(expect_total.is_some_and(|most| *total > most));
            }
            _ => (),
        }
        Ok(())
    }

    /// What is paid is what was quoted, whatever happened to the price since.
    fn check_orders(&self) -> Result<(), TestCaseError> {
        let sale = self.ledger.event(event()).unwrap();
        for number in 0..8 {
            let (hold, order) = (sale.hold(hold_id(&format!("h{number}"))), sale.order(order_id(&format!("o{number}"))));
            let Some((hold, view)) = hold.zip(order) else { continue };
            if hold.order == Some(view.order.id) {
                prop_assert_eq!(hold.total, view.order.total);
            }
        }
        Ok(())
    }
}

fn through_snapshot(ledger: &SeatLedger) -> SeatLedger {
    let mut frames = Vec::new();
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    SeatLedger::read_snapshot(&mut frames.into_iter()).unwrap()
}

/// The history of a level, worked out again from where it begins.
fn explained(ledger: &SeatLedger) -> Result<(), String> {
    let sale = ledger.event(event()).unwrap();
    for level in [LevelIndex(0), LevelIndex(1)] {
        let view = sale.price_view(level).unwrap();
        let changes: Vec<PriceChange> = sale.price_changes(level, 0, usize::MAX);
        let mut trail = view.root.clone();
        changes.iter().try_for_each(|change| trail.check(change))?;
        if trail.price != view.price {
            return Err(format!("level {} costs {}, its history says {}", level.0, view.price, trail.price));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(31), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prices_stay_within_their_bounds_whatever_happens(
        entries in entries(200), cut in 0.0..1.0_f64, first in 0_u8..6, second in 0_u8..6,
    ) {
        let cut = (entries.len() as f64 * cut) as usize;
        let mut live = Run::new(first, second);
        let mut other = None;
        for (number, entry) in entries.iter().enumerate() {
            if number == cut {
                other = Some(live.restored());
            }
            let said = live.step(entry)?;
            if let Err(what) = live.ledger.check_invariants() {
                prop_assert!(false, "after {:?}: {}", entry, what);
            }
            live.check_orders()?;
            if let Some(other) = &mut other {
                prop_assert_eq!(&other.step(entry)?, &said, "restored from a snapshot at {}, entry {}", cut, number);
            }
        }
        prop_assert_eq!(explained(&live.ledger), Ok(()));
        let mut again = Run::new(first, second);
        for entry in &entries {
            again.step(entry)?;
        }
        prop_assert_eq!(again.ledger.digest(), live.ledger.digest());
        if let Some(other) = other {
            prop_assert_eq!(other.ledger.digest(), live.ledger.digest());
        }
        prop_assert_eq!(through_snapshot(&live.ledger).digest(), live.ledger.digest());
    }

    #[test]
    fn nothing_about_prices_makes_it_panic(
        numbers in any::<(u64, u64, u64, u64)>(), small in any::<(u32, u32, u16, u32)>(), kind in 0_u8..4, reason in "[a-z]{0,300}",
    ) {
        let ((a, b, c, d), (e, f, level, version)) = (numbers, small);
        let mut ledger = house::on_sale(&house::plan(HOUSE), &house::terms());
        let demand = Demand { floor: a, ceiling: b, step_max: c, interval: Millis(d), gain_bps: e, band_bps: f, ..price::demand() };
        let policy = match kind {
            0 => Policy::Demand(demand),
            1 => Policy::Tiers(vec![Tier { places: e, price: a }, Tier { places: f, price: b }]),
            _ => policy(kind),
        };
        let level = LevelIndex(level % 3);
        let request = Request { id: RequestId(1), fingerprint: 1 };
        let commands = [
            SeatCommand::SetPolicy { request, event: event(), level, policy, reason },
            SeatCommand::Reprice { event: event(), level, version, from: c },
            SeatCommand::Reprice { event: event(), level, version: 1, from: 5000 },
        ];
        for command in commands {
            prop_assert_eq!(&SeatLedger::decode_command(&SeatLedger::encode_command(&command)).unwrap(), &command);
            ledger.apply(house::START, &command, &mut Vec::new());
            prop_assert!(ledger.check_invariants().is_ok(), "{:?}", ledger.check_invariants());
        }
        prop_assert_eq!(through_snapshot(&ledger).digest(), ledger.digest());
    }
}

/// Row 31 of the list of abuses: somebody opens as many holds as they can, and lets them go. With and without them the price is the
/// same to within what one account weighs.
#[test]
fn one_account_cannot_push_a_price_with_holds() {
    let sold_at = |gamed: bool| {
        let mut run = Run::new(5, 0);
        let mut request = 1_000_u128;
        let mut next = || {
            request += 1;
            Request { id: RequestId(request), fingerprint: 0 }
        };
        let (event, level) = (event(), LevelIndex(0));
        run.step(&(0, SeatCommand::SetSale { request: next(), event, action: SaleAction::Open })).unwrap();
        let mut prices = Vec::new();
        for round in 0_u32..6 {
            let hold = |request, id: u32, user, seats: &[u32]| SeatCommand::Hold {
                request,
                event,
                hold: hold_id(&format!("h{id}")),
                user: user_id(user),
                choice: Choice::Chosen { seats: seats.iter().copied().map(SeatIndex).collect(), areas: vec![] },
                expect_total: None,
                promo: None,
            };
            if gamed {
                run.step(&(1, hold(next(), 100 + round, 9, &[6, 7, 8, 9, 10, 11]))).unwrap();
            }
            // One ticket a round is sold to somebody else.
            let (order, attempt) = (order_id(&format!("o{round}")), attempt_id("p1"));
            run.step(&(1, hold(next(), round, 1, &[round]))).unwrap();
            let (id, user) = (hold_id(&format!("h{round}")), user_id(1));
            run.step(&(1, SeatCommand::PayBegin { request: next(), event, hold: id, user, order, attempt, method: "tok".into() })).unwrap();
            run.step(&(1, SeatCommand::Confirm { event, order, attempt, authorized: 0, reference: String::new() })).unwrap();
            run.step(&(10, SeatCommand::Reprice { event, level, version: 0, from: 0 })).unwrap();
            if gamed {
                let (hold, actor) = (hold_id(&format!("h{}", 100 + round)), Actor::User(user_id(9)));
                run.step(&(1, SeatCommand::Release { request: next(), event, hold, actor })).unwrap();
            }
            prices.push(run.ledger.event(event).unwrap().prices()[0]);
        }
        prices
    };
    let (quiet, gamed) = (sold_at(false), sold_at(true));
    assert_eq!(quiet.len(), gamed.len());
    assert!(quiet.iter().any(|&price| price != 5000), "{quiet:?}");
    // The six seats of one account count as two of twelve, smoothed: at most a sixth of the band, whatever the gain makes of it.
    let policy = policy(5);
    let Policy::Demand(demand) = &policy else { unreachable!() };
    for (quiet, gamed) in quiet.iter().zip(&gamed) {
        let most = 9000_u64 * u64::from(demand.gain_bps) / 10_000 * 2 / 12;
        assert!(gamed.abs_diff(*quiet) <= most.min(9000), "{quiet} without, {gamed} with");
    }
}
