//! Tests of the encoding of plans.

use super::*;
use crate::plan::tests::small;
use crate::plan::{Seat, SeatKind};
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

/// A bowl: tiers of sections around a pitch, seats on arcs.
fn bowl(sections: u32, rows: u32, seats: u32) -> Plan {
    let seat = |section: u32, row: u32, seat: u32| {
        let along = (section * seats + seat) as i32;
        let (across, radius) = (along % 2000 - 1000, 5000 + row as i32 * 80);
        let at = Point { x: across * 50, y: radius - across * across / (2 * radius) };
        Seat { name: (seat + 1).to_string(), level: LevelIndex((section % 4) as u16), at, kind: SeatKind::Standard }
    };
    let row = |section, number: u32| Row { name: (number + 1).to_string(), seats: (0..seats).map(|s| seat(section, number, s)).collect() };
    let level = |number: u32| Level { name: format!("Category {number}"), color: number };
    Plan {
        name: "Bowl".to_string(),
        levels: (0..4).map(level).collect(),
        sections: (0..sections)
            .map(|number| Section { name: (100 + number).to_string(), rows: (0..rows).map(|r| row(number, r)).collect() })
            .collect(),
        areas: vec![],
        focal: Point { x: 0, y: 0 },
    }
}

#[test]
fn a_small_plan_and_an_empty_one_survive() {
    for plan in [small(), Plan::default()] {
        assert_eq!(decode_plan(&encode_plan(&plan)), Ok(plan));
    }
}

#[test]
fn a_bowl_of_82500_seats_is_small() {
    let plan = bowl(110, 30, 25);
    let bytes = encode_plan(&plan);
    assert_eq!(plan.seat_count(), 82_500);
    assert!(bytes.len() < 250_000, "{} bytes", bytes.len());
    assert_eq!(decode_plan(&bytes), Ok(plan));
}

fn seats() -> impl Strategy<Value = Vec<Seat>> {
    let kinds = [SeatKind::Standard, SeatKind::Accessible, SeatKind::Companion, SeatKind::Restricted];
    let seat = ("[A-C]{0,1}[0-9]{0,11}", 0_u16..3, any::<i32>(), any::<i32>(), proptest::sample::select(kinds.to_vec()));
    let odd = proptest::collection::vec(
        seat.prop_map(|(name, level, x, y, kind)| Seat { name, level: LevelIndex(level), at: Point { x, y }, kind }),
        0..6,
    );
    let counting = ("[A-Z]{0,2}", any::<u32>(), -3_i64..4, 0_u32..30).prop_map(|(prefix, first, step, count)| {
        let name = |seat: u32| format!("{prefix}{}", (i64::from(first) + step * i64::from(seat)).unsigned_abs());
        let at = |seat: u32| Point { x: seat as i32 * 50, y: 7 };
        let seat = |seat| Seat { name: name(seat), level: LevelIndex(0), at: at(seat), kind: SeatKind::Standard };
        (0..count).map(seat).collect::<Vec<_>>()
    });
    prop_oneof![odd, counting]
}

proptest! {
    #[test]
    fn any_row_survives(rows in proptest::collection::vec(("[A-Z]{0,3}", seats()), 0..6)) {
        let rows: Vec<Row> = rows.into_iter().map(|(name, seats)| Row { name, seats }).collect();
        let plan = Plan { sections: vec![Section { name: "S".to_string(), rows }, Section::default()], ..small() };
        let bytes = encode_plan(&plan);
        prop_assert_eq!(decode_plan(&bytes).unwrap(), plan);
    }

    #[test]
    fn damage_never_panics(position in 0_usize..400, value: u8, cut in 0_usize..400) {
        let mut bytes = encode_plan(&small());
        let length = bytes.len();
        bytes[position % length] = value;
        bytes.truncate(length - cut % length);
        if let Ok(plan) = decode_plan(&bytes) {
            let _ = plan.validate();
        }
    }
}

fn row(change: impl FnOnce(&mut wire::PlanRow)) -> Vec<u8> {
    let mut row = super::row::encode(&small().sections[0].rows[0]);
    change(&mut row);
    let section = wire::PlanSection { name: "S".to_string(), rows: vec![row] };
    wire::Plan { version: 1, sections: vec![section], ..Default::default() }.encode_to_vec()
}

#[test]
fn hostile_plans_are_refused_cheaply() {
    let repeated = |tag: u8, content: &[u8], count: usize| {
        let field = [&[tag, content.len() as u8], content].concat();
        [vec![8, 1], field.repeat(count)].concat()
    };
    let many_rows = wire::PlanSection { name: String::new(), rows: vec![wire::PlanRow::default(); 200_001] };
    let cases = [
        ("sections", repeated(0x22, &[], 4_001)),
        ("levels", repeated(0x1a, &[], 1_001)),
        ("areas", repeated(0x2a, &[], 4_001)),
        ("rows", wire::Plan { version: 1, sections: vec![many_rows], ..Default::default() }.encode_to_vec()),
        ("seats", row(|row| row.seats = u32::MAX)),
        ("names", row(|row| row.names = vec!["1".to_string()])),
        ("numbers", row(|row| (row.first, row.step) = (1, -1))),
        ("long prefix", row(|row| row.prefix = "x".repeat(120))),
        ("long name", row(|row| row.name = "x".repeat(121))),
        ("levels short", row(|row| row.levels = vec![0, 2])),
        ("levels long", row(|row| row.levels = vec![0, u32::MAX])),
        ("levels odd", row(|row| row.levels = vec![0, 3, 1])),
        ("level", row(|row| row.levels = vec![70_000, 3])),
        ("coordinates", row(|row| row.xs = vec![1, 2])),
    ];
    for (what, bytes) in cases {
        assert!(matches!(decode_plan(&bytes), Err(CodecError::Broken(_))), "{what}");
    }
    let unknown = [[vec![8, 1], vec![0x7a, 0]].concat(), vec![8, 2], row(|row| row.kinds = vec![9, 3])];
    assert!(unknown.iter().all(|bytes| matches!(decode_plan(bytes), Err(CodecError::Unknown(_)))));
}

#[test]
fn the_encoding_is_the_same_for_ever() {
    let golden = super::super::golden::check("plan-small", &encode_plan(&small()));
    assert_eq!(decode_plan(&golden), Ok(small()));
}
