//! Best available and the orphan rule against plain searches over tiny houses that share no code with the ledger.

use boxoffice_ledger::command::{BlockAction, Choice, SaleTerms, SeatCommand};
use boxoffice_ledger::ids::{Request, RequestId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::outcome::{Rejection, SeatOutcome, SeatState};
use boxoffice_ledger::plan::{Plan, Seat, SeatIndex, SeatKind};
use boxoffice_ledger::seats::{EventSale, SeatLedger};
use proptest::prelude::*;

use crate::house::{self, event};
use crate::script::{hold_id, user_id};

/// A row of the house: its section, the number of its first seat, its seats, and which are free.
struct Row<'a> {
    section: usize,
    first: u32,
    seats: &'a [Seat],
    free: Vec<bool>,
}

fn rows<'a>(plan: &'a Plan, sale: &EventSale) -> Vec<Row<'a>> {
    let mut first = 0;
    let mut rows = Vec::new();
    for (section, part) in plan.sections.iter().enumerate() {
        for row in &part.rows {
            let numbers = first..first + row.seats.len() as u32;
            let free = numbers.map(|seat| sale.seat_state(SeatIndex(seat)) == Some(SeatState::Available)).collect();
            rows.push(Row { section, first, seats: &row.seats, free });
            first += row.seats.len() as u32;
        }
    }
    rows
}

fn ordinary(seat: &Seat) -> bool {
    matches!(seat.kind, SeatKind::Standard | SeatKind::Restricted)
}

impl Row<'_> {
    fn open(&self, place: usize) -> bool {
        self.seats.get(place).is_some_and(ordinary) && self.free[place]
    }

    fn cost(&self, plan: &Plan, from: usize, size: usize) -> u64 {
        let one = |seat: &Seat| {
            let (x, y) = (i64::from(seat.at.x - plan.focal.x), i64::from(seat.at.y - plan.focal.y));
            let distance = ((x * x + y * y) as f64).sqrt().floor() as u64;
            distance + if seat.kind == SeatKind::Restricted { 1 << 40 } else { 0 }
        };
        self.seats[from..from + size].iter().map(one).sum()
    }

    /// Places where `size` people fit side by side.
    fn fits(&self, size: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.seats.len()).filter(move |&from| (from..from + size).all(|place| self.open(place)))
    }

    /// Whether the free seat at `place` has no free neighbour when `taken` are gone.
    fn alone(&self, place: usize, taken: &dyn Fn(usize) -> bool) -> bool {
        let left = |place: usize| self.open(place) && !taken(place);
        left(place) && !left(place + 1) && !place.checked_sub(1).is_some_and(left)
    }

    /// Whether taking the block leaves a seat alone right beside it.
    fn leaves_single(&self, from: usize, size: usize) -> bool {
        let taken = |place: usize| (from..from + size).contains(&place);
        self.alone(from + size, &taken) || from.checked_sub(1).is_some_and(|before| self.alone(before, &taken))
    }
}

fn best(plan: &Plan, rows: &[Row<'_>], size: usize) -> Option<Vec<u32>> {
    let mut blocks = Vec::new();
    for row in rows {
        for from in row.fits(size) {
            blocks.push((row.leaves_single(from, size), row.cost(plan, from, size), row.first + from as u32));
        }
    }
    blocks.sort_unstable();
    blocks.first().map(|&(_, _, first)| (first..first + size as u32).collect())
}

/// Two halves in neighbouring rows, in line.
fn halves(plan: &Plan, rows: &[Row<'_>], size: usize) -> Option<Vec<u32>> {
    let (large, small) = (size.div_ceil(2), size / 2);
    let mut found: Vec<(u64, Vec<u32>)> = Vec::new();
    for pair in rows.windows(2).filter(|pair| pair[0].section == pair[1].section) {
        for (front, back) in [(large, small), (small, large)] {
            for a in pair[0].fits(front) {
                for b in pair[1].fits(back) {
                    let middle = |row: &Row<'_>, place: usize| 2 * place as i64 - row.seats.len() as i64;
                    let overlap = middle(&pair[0], a) < middle(&pair[1], b + back) && middle(&pair[1], b) < middle(&pair[0], a + front);
                    if !overlap {
                        continue;
                    }
                    let (one, two) = (pair[0].first + a as u32, pair[1].first + b as u32);
                    let seats = (one..one + front as u32).chain(two..two + back as u32).collect();
                    let cost = pair[0].cost(plan, a, front) + pair[1].cost(plan, b, back);
                    found.push((cost, seats));
                }
            }
        }
    }
    found.into_iter().min().map(|(_, seats)| seats)
}

fn accessible(plan: &Plan, rows: &[Row<'_>], size: usize) -> Option<Vec<u32>> {
    let mut blocks = Vec::new();
    for row in rows {
        let pool = |place: usize| row.seats.get(place).is_some_and(|seat| !ordinary(seat)) && row.free[place];
        for from in (0..row.seats.len()).filter(|&from| (from..from + size).all(pool)) {
            let spent = row.seats[from..from + size].iter().filter(|seat| seat.kind == SeatKind::Accessible).count();
            if spent > 0 {
                blocks.push((spent, row.cost(plan, from, size), row.first + from as u32));
            }
        }
    }
    blocks.sort_unstable();
    blocks.first().map(|&(_, _, first)| (first..first + size as u32).collect())
}

/// The orphan rule as it is written in `rules.rs`, by trying every other choice of the same size in the run.
fn orphans(rows: &[Row<'_>], chosen: &[u32]) -> Vec<u32> {
    let mut left = Vec::new();
    for row in rows {
        let taken = |place: usize| chosen.contains(&(row.first + place as u32));
        let mut begin = 0;
        while begin < row.seats.len() {
            let end = (begin..).find(|&place| !row.open(place)).unwrap();
            let here: Vec<usize> = (begin..end).filter(|&place| taken(place)).collect();
            let alone = |taken: &dyn Fn(usize) -> bool| (begin..end).filter(|&place| row.alone(place, taken)).collect::<Vec<_>>();
            let another =
                (begin..=end.saturating_sub(here.len())).any(|from| alone(&|place| (from..from + here.len()).contains(&place)).is_empty());
            if !here.is_empty() && another {
                left.extend(alone(&taken).into_iter().map(|place| row.first + place as u32));
            }
            begin = end + 1;
        }
    }
    left
}

fn houses() -> impl Strategy<Value = String> {
    let row = prop::collection::vec(prop::sample::select(vec!['.', '.', '.', '.', 'r', 'a', 'c']), 1..13)
        .prop_map(|seats| seats.into_iter().collect::<String>());
    let section = prop::collection::vec(row, 1..5);
    prop::collection::vec(section, 1..3).prop_map(|sections| {
        let text = |(number, rows): (usize, Vec<String>)| {
            let rows: Vec<String> = rows.iter().enumerate().map(|(row, seats)| format!("{}={seats}", ["A", "B", "C", "D"][row])).collect();
            format!("S{number} {}", rows.join(" "))
        };
        sections.into_iter().enumerate().map(text).collect::<Vec<_>>().join(" | ")
    })
}

/// A house with some seats off sale.
fn sold_in_part(plan: &Plan, terms: &SaleTerms, taken: &[bool]) -> SeatLedger {
    let mut ledger = house::on_sale(plan, terms);
    let count = ledger.event(event()).unwrap().plan_index().seat_count();
    let seats: Vec<SeatIndex> = (0..count).filter(|&seat| taken[seat as usize % taken.len()]).map(SeatIndex).collect();
    if !seats.is_empty() {
        let request = Request { id: RequestId(1), fingerprint: 0 };
        let block = SeatCommand::Block { request, event: event(), seats, action: BlockAction::Block, reason: String::new() };
        ledger.apply(house::START, &block, &mut Vec::new());
    }
    ledger
}

fn hold(ledger: &mut SeatLedger, choice: Choice) -> SeatOutcome {
    let request = Request { id: RequestId(2), fingerprint: 0 };
    let hold =
        SeatCommand::Hold { request, event: event(), hold: hold_id("h1"), user: user_id(1), choice, expect_total: None, promo: None };
    ledger.apply(house::START, &hold, &mut Vec::new()).outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn best_available_is_what_a_plain_search_finds(
        text in houses(),
        taken in prop::collection::vec(prop::bool::weighted(0.35), 1..60),
        quantity in 1_u32..9,
        wheelchair in prop::bool::weighted(0.25),
    ) {
        let plan = house::plan(&text);
        let mut ledger = sold_in_part(&plan, &house::terms(), &taken);
        let expected = {
            let rows = rows(&plan, ledger.event(event()).unwrap());
            let size = quantity as usize;
            match wheelchair {
                true => accessible(&plan, &rows, size),
                false => best(&plan, &rows, size).or_else(|| if size >= 4 { halves(&plan, &rows, size) } else { None }),
            }
        };
        let choice = Choice::Best { quantity, section: None, max_price: None, split: false, accessible: wheelchair };
        match (hold(&mut ledger, choice), expected) {
            (SeatOutcome::Hold(info), Some(expected)) => {
                prop_assert_eq!(info.seats.iter().map(|seat| seat.0).collect::<Vec<_>>(), expected, "in {}", text);
            }
            (SeatOutcome::Rejected(Rejection::NothingFits), None) => (),
            (outcome, expected) => prop_assert!(false, "{:?}, a plain search finds {:?} in {}", outcome, expected, text),
        }
    }

    #[test]
    fn best_available_keeps_the_rules_that_buyers_keep(
        text in houses(),
        taken in prop::collection::vec(prop::bool::weighted(0.3), 1..60),
        quantity in 1_u32..9,
        split in any::<bool>(),
    ) {
        let plan = house::plan(&text);
        let terms = SaleTerms { orphan_rule: true, ..house::terms() };
        let mut ledger = sold_in_part(&plan, &terms, &taken);
        let mut other = ledger.clone();
        let choice = Choice::Best { quantity, section: None, max_price: None, split, accessible: false };
        if let SeatOutcome::Hold(info) = hold(&mut ledger, choice) {
            prop_assert_eq!(info.seats.len() as u32, quantity);
            // In one block, what best available gives could have been chosen by hand.
            if info.seats.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1) {
                let again = hold(&mut other, Choice::Chosen { seats: info.seats.clone(), areas: vec![] });
                prop_assert!(matches!(again, SeatOutcome::Hold(_)), "{:?} of {:?} in {}", again, info.seats, text);
            }
        }
        prop_assert!(ledger.check_invariants().is_ok());
    }

    #[test]
    fn the_orphan_rule_is_what_a_plain_search_finds(
        text in houses(),
        taken in prop::collection::vec(prop::bool::weighted(0.3), 1..60),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let plan = house::plan(&text.replace(['a', 'c'], "."));
        let terms = SaleTerms { orphan_rule: true, ..house::terms() };
        let mut ledger = sold_in_part(&plan, &terms, &taken);
        let (mut chosen, expected) = {
            let rows = rows(&plan, ledger.event(event()).unwrap());
            let free: Vec<u32> = rows.iter().flat_map(|row| row.fits(1).map(|place| row.first + place as u32)).collect();
            if free.is_empty() {
                return Ok(());
            }
            let chosen: Vec<u32> = picks.iter().map(|pick| free[pick.index(free.len())]).collect();
            let expected = orphans(&rows, &chosen);
            (chosen, expected)
        };
        chosen.sort_unstable();
        chosen.dedup();
        match hold(&mut ledger, Choice::Chosen { seats: chosen.iter().copied().map(SeatIndex).collect(), areas: vec![] }) {
            SeatOutcome::Hold(_) => prop_assert!(expected.is_empty(), "{:?} leaves {:?} in {}", chosen, expected, text),
            SeatOutcome::Rejected(Rejection::Orphans { seats }) => {
                prop_assert_eq!(seats.iter().map(|seat| seat.0).collect::<Vec<_>>(), expected, "by {:?} in {}", chosen, text);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
