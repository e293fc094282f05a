//! Checks of machines that are right, and of some that are not.

use boxoffice_ledger::command::{AccountCommand, OrderRecord};
use boxoffice_ledger::ids::Slot;
use boxoffice_ledger::money::Currency;
use boxoffice_ledger::outcome::OrderState;
use boxoffice_ledger::plan::LevelIndex;

use super::*;

const AT: Timestamp = Timestamp(1_000_000);

fn event() -> EventId {
    EventId::new(1, Slot::new(3), 1)
}

fn user() -> UserId {
    UserId::new(1, Slot::new(5), 2)
}

fn order() -> OrderId {
    OrderId::for_tickets(1, Slot::new(3), 9)
}

fn ticket() -> TicketRecord {
    TicketRecord {
        id: TicketId::of_order(order(), 0),
        epoch: 1,
        user: user(),
        event: event(),
        order: order(),
        seat: None,
        area: None,
        section: String::new(),
        row: String::new(),
        seat_name: String::new(),
        level: LevelIndex(0),
        price: 500,
        currency: Currency::parse("EUR").unwrap(),
        void: false,
        issued_at: AT,
        moved: false,
        offer: None,
    }
}

fn record() -> OrderRecord {
    OrderRecord {
        id: order(),
        revision: 1,
        user: user(),
        event: event(),
        total: 500,
        discount: 0,
        refunded: 0,
        currency: Currency::parse("EUR").unwrap(),
        receipt: 1,
        tickets: 1,
        confirmed_at: AT,
        state: OrderState::Confirmed,
    }
}

#[test]
fn a_new_cluster_is_clean() {
    let counts = GroupCounts { events: 1, users: 1 };
    let mut machines = Machines::default();
    machines.events.insert(GroupId(1), Default::default());
    machines.users.insert(GroupId(2), Default::default());
    for cut in [Cut::Whole, Cut::Ragged] {
        let found = all(&machines, counts, 4, cut);
        assert_eq!(found.iter().map(|one| (one.group, one.kind)).collect::<Vec<_>>(), [(0, "catalog"), (1, "events"), (2, "users")]);
        assert!(found.iter().flat_map(|one| &one.findings).all(|finding| finding.violated == 0));
        let names = |group: usize| found[group].findings.iter().map(|finding| finding.invariant).collect::<Vec<_>>();
        let across = cut == Cut::Whole;
        assert_eq!(names(1).contains(&"delivery"), across);
        assert_eq!(names(2).contains(&"delivery"), across);
        assert_eq!(names(0).contains(&"provisioned"), across);
    }
}

#[test]
fn what_is_shown_but_was_never_issued_is_found() {
    let mut accounts = AccountLedger::default();
    let records = vec![Delivery::Ticket(ticket()), Delivery::Order(record())];
    accounts.apply(AT, &AccountCommand::Deliver { records }, &mut Vec::new());
    assert_eq!((accounts.tickets().count(), accounts.orders().count()), (1, 1));
    let seats = SeatLedger::default();
    let finding = shown(&accounts, |asked| (asked == event()).then_some(&seats));
    assert_eq!((finding.checked, finding.violated), (2, 2));
    assert!(finding.violations[0].ends_with("never issued") && finding.violations[1].ends_with("never sold"), "{finding:?}");
    assert_eq!(shown(&accounts, |_| None).checked, 0, "a group that is not here says nothing");
}

#[test]
fn violations_are_counted_beyond_those_that_are_told() {
    let mut finding = Finding::new("x", "y");
    (0..50).for_each(|number: u32| finding.look(Some(number.to_string())));
    assert_eq!((finding.checked, finding.violated, finding.violations.len()), (50, 50, boxoffice_api::backend::VIOLATIONS_MAX));
}
