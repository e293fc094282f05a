//! Codes that are forged or altered fail; what is drawn can be read back.

use std::collections::BTreeSet;

use boxoffice_cluster_config::file::TicketKeys;
use boxoffice_ledger::command::{Event, EventStatus, SaleTerms, Venue};
use boxoffice_ledger::ids::{EventId, OrderId, PlanHash, Slot, TicketId, UserId, VenueId};
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::plan::{Area, AreaIndex, Level, LevelIndex, Plan, Point, Row, Seat, SeatIndex, SeatKind, Section};
use boxoffice_ledger::tickets::{EntryTerms, TicketRecord};
use boxoffice_ledger::time::{Millis, Timestamp};

use super::keys::Keyring;
use super::pass::Pass;
use super::qr::Symbol;
use super::{Printed, base45, pdf, svg};

const STARTS: Timestamp = Timestamp(1_814_470_200_000_000);

fn ticket() -> TicketRecord {
    let order = OrderId::for_tickets(1_790_000_000_000, Slot::new(9), 7 << 16);
    TicketRecord {
        id: TicketId::of_order(order, 3),
        epoch: 2,
        user: UserId(1),
        event: EventId::new(1_790_000_000_000, Slot::new(9), 1),
        order,
        seat: Some(SeatIndex(431)),
        area: None,
        section: "Parkett \u{201e}links\u{201c} & <Mitte>".into(),
        row: "12".into(),
        seat_name: "7".into(),
        level: LevelIndex(0),
        price: 12_550,
        currency: Currency::parse("EUR").unwrap(),
        void: false,
        issued_at: Timestamp(5),
        moved: false,
        offer: None,
    }
}

fn pass() -> Pass {
    Pass::of(&ticket(), EntryTerms::default().doors(STARTS))
}

fn keyring(signing_epoch: u32, oldest_epoch: u32) -> Keyring {
    Keyring::new(&[42; 32], &TicketKeys { signing_epoch, oldest_epoch }).unwrap()
}

fn event() -> Event {
    Event {
        id: ticket().event,
        name: "Ein Abend mit Dvo\u{159}\u{e1}k, Jan\u{e1}\u{10d}ek und der Tschechischen Philharmonie (\u{97f3}\u{697d})".into(),
        description: String::new(),
        category: "concert".into(),
        venue: VenueId(1),
        performers: vec![],
        starts_at: STARTS,
        previous_start: None,
        plan: PlanHash([0; 32]),
        terms: SaleTerms {
            currency: Currency::parse("EUR").unwrap(),
            prices: vec![12_550],
            per_user_limit: 0,
            lapses_max: 0,
            hold_ttl: Millis::from_mins(8),
            orphan_rule: false,
            opens_at: None,
            refunds: boxoffice_ledger::command::RefundPolicy::default(),
            entry: EntryTerms::default(),
            pricing: Vec::new(),
        },
        owner: UserId(2),
        status: EventStatus::Published,
        provisioned: true,
        version: 1,
        images: vec![],
    }
}

fn venue() -> Venue {
    Venue {
        id: VenueId(1),
        name: "Elbphilharmonie, Gro\u{df}er Saal".into(),
        city: "Hamburg".into(),
        country: "DE".into(),
        time_zone: "Europe/Berlin".into(),
        plan: None,
        capacity: 900,
        version: 1,
    }
}

/// Thirty curved rows of thirty seats.
fn plan() -> Plan {
    let seat = |row: i32, seat: i32| Seat {
        name: seat.to_string(),
        level: LevelIndex(0),
        at: Point { x: 50 * seat, y: 90 * row + (seat - 15) * (seat - 15) / 4 },
        kind: SeatKind::Standard,
    };
    let rows = (0..30).map(|row| Row { name: row.to_string(), seats: (0..30).map(|number| seat(row, number)).collect() });
    Plan {
        name: "Hall".into(),
        levels: vec![Level { name: "One".into(), color: 0 }],
        sections: vec![Section { name: "Parkett".into(), rows: rows.collect() }],
        areas: vec![Area { name: "Floor".into(), capacity: 10, level: LevelIndex(0), at: Point { x: 700, y: -200 } }],
        focal: Point { x: 750, y: -600 },
    }
}

#[test]
fn a_code_says_what_was_signed_and_fits_a_small_symbol() {
    let (keys, pass) = (keyring(1, 1), pass());
    let code = keys.sign(&pass);
    assert_eq!(keys.verify(&code), Some(pass));
    assert_eq!((code.len(), Symbol::of(&code).unwrap().width), (176, 45));
    assert_eq!((pass.not_before, pass.not_after), (Timestamp(STARTS.0 - 21_600_000_000), Timestamp(STARTS.0 + 43_200_000_000)));
    let standing = TicketRecord { seat: None, area: Some(AreaIndex(3)), ..ticket() };
    assert_eq!(Pass::of(&standing, (STARTS, STARTS)).place, 1 << 31 | 3);
}

#[test]
fn a_code_with_any_bit_changed_is_no_code() {
    let keys = keyring(1, 1);
    let bytes = base45::decode(&keys.sign(&pass())).unwrap();
    assert_eq!(bytes.len(), 117);
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(keys.verify(&base45::encode(&altered)), None, "bit {bit}");
    }
    for length in [0, 1, 52, 53, 116] {
        assert_eq!(keys.verify(&base45::encode(&bytes[..length])), None);
    }
    let longer = [&bytes[..], &[0, 0]].concat();
    assert_eq!(keys.verify(&base45::encode(&longer)), None);
    for nonsense in ["", "A", "tkt_00000000000000000000000000", &"0".repeat(176), &"A".repeat(100_000), "\u{1f3ab}"] {
        assert_eq!(keys.verify(nonsense), None);
    }
}

#[test]
fn a_code_made_by_hand_with_another_key_is_no_code() {
    let own = keyring(1, 1);
    let stranger = Keyring::new(&[43; 32], &TicketKeys::default()).unwrap();
    assert_eq!(own.verify(&stranger.sign(&pass())), None);
    // Under the number of our key, signed by the stranger's.
    let (ours, theirs) = (base45::decode(&own.sign(&pass())).unwrap(), base45::decode(&stranger.sign(&pass())).unwrap());
    let mixed = [&ours[..53], &theirs[53..]].concat();
    assert_eq!(own.verify(&base45::encode(&mixed)), None);
}

#[test]
fn keys_change_by_epoch() {
    let (first, second, third) = (keyring(1, 1), keyring(2, 1), keyring(3, 3));
    assert_eq!(first.verify(&second.sign(&pass())), Some(pass()), "the next epoch is known before it begins");
    assert_eq!(second.verify(&first.sign(&pass())), Some(pass()), "old codes stay good");
    assert_eq!(third.verify(&second.sign(&pass())), None, "until their epoch is given up");
    let ids: BTreeSet<String> = second.public().map(|(id, _)| id).collect();
    assert_eq!((ids.len(), first.public().count(), third.public().count()), (3, 2, 2));
}

/// The dark squares that a drawing's path fills.
fn squares(svg: &str) -> (usize, BTreeSet<(usize, usize)>) {
    let side: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let path = svg.rsplit(" d=\"").next().unwrap().split('"').next().unwrap();
    let mut dark = BTreeSet::new();
    for run in path.split('M').skip(1) {
        let (x, rest) = run.split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let length = rest.split_once('v').unwrap().0;
        let (x, y, length): (usize, usize, usize) = (x.parse().unwrap(), y.parse().unwrap(), length.parse().unwrap());
        dark.extend((x..x + length).map(|x| (x, y)));
    }
    (side, dark)
}

#[test]
fn a_reader_that_is_not_ours_reads_the_drawing() {
    let (ticket, event, venue, plan) = (ticket(), event(), venue(), plan());
    let code = keyring(1, 1).sign(&pass());
    let printed = Printed { ticket: &ticket, event: &event, venue: &venue, plan: &plan, code: &code };
    let svg = svg::draw(&printed).unwrap();
    assert!(svg.contains("Parkett \u{201e}links\u{201c} &amp; &lt;Mitte&gt;, row 12, seat 7") && !svg.contains("<Mitte>"), "{svg}");
    assert!(svg.contains("role=\"img\" aria-labelledby=\"t\"") && svg.contains("1 July 2027, 21:30 CEST"), "{svg}");
    let (side, dark) = squares(&svg);
    const SCALE: usize = 4;
    let shade = |x: usize, y: usize| if dark.contains(&(x / SCALE, y / SCALE)) { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, shade);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    assert_eq!(grids[0].decode().unwrap().1, code);
}

#[test]
fn a_page_is_whole_and_says_what_it_cannot_print() {
    let (mut ticket, event, venue, plan) = (ticket(), event(), venue(), plan());
    let code = keyring(1, 1).sign(&pass());
    let page = |ticket: &TicketRecord, event: &Event| {
        let page = pdf::draw(&Printed { ticket, event, venue: &venue, plan: &plan, code: &code }).unwrap();
        assert!(page.starts_with(b"%PDF-1.7") && page.ends_with(b"%%EOF"));
        if let Some(folder) = std::env::var_os("BOXOFFICE_DRAWINGS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("ticket-{}.pdf", ticket.epoch)), &page).unwrap();
        }
        String::from_utf8_lossy(&page).into_owned()
    };
    let foreign = page(&ticket, &event);
    assert!(foreign.contains("Some letters of this ticket"), "{foreign}");
    ticket.epoch = 3;
    (ticket.seat, ticket.area, ticket.section) = (None, Some(AreaIndex(0)), "Floor".into());
    let plain = page(&ticket, &Event { name: "The Final (all of it)".into(), ..event.clone() });
    assert!(plain.contains("Area") && !plain.contains("Some letters"), "{plain}");
    ticket.area = Some(AreaIndex(9));
    ticket.epoch = 4;
    page(&ticket, &Event { name: "W".repeat(200), ..event });
}
