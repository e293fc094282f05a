//! Which moves of an attempt are legal.

use super::*;

use AttemptState::{Authorized, Cancelling, CaptureFailed, Captured, Created, Failed, RequiresAction, Unknown, Voided};

const STATES: [AttemptState; 9] = [Created, Unknown, RequiresAction, Cancelling, Authorized, Captured, Voided, CaptureFailed, Failed];

fn attempt(state: AttemptState) -> Attempt {
    Attempt {
        id: AttemptId(1),
        state,
        begun_at: Timestamp(0),
        method: "tok".into(),
        code: "".into(),
        reference: "".into(),
        deadline: Timestamp(7),
        action: None,
        decided_at: Timestamp(0),
    }
}

#[test]
fn an_attempt_moves_only_along_its_arrows() {
    let arrows = [
        (Created, Unknown),
        (Created, RequiresAction),
        (Created, Cancelling),
        (Created, Authorized),
        (Created, Failed),
        (Unknown, RequiresAction),
        (Unknown, Cancelling),
        (Unknown, Authorized),
        (Unknown, Failed),
        (RequiresAction, Cancelling),
        (RequiresAction, Authorized),
        (RequiresAction, Failed),
        (Cancelling, Failed),
        (Authorized, Captured),
        (Authorized, Voided),
        (Authorized, CaptureFailed),
    ];
    let moves: Vec<_> = STATES
        .iter()
        .flat_map(|&from| STATES.iter().map(move |&to| (from, to)))
        .filter(|&(from, to)| attempt(from).step(to) == Move::Moves)
        .collect();
    assert_eq!(moves.len(), arrows.len(), "{moves:?}");
    assert!(arrows.iter().all(|arrow| moves.contains(arrow)), "{moves:?}");
}

#[test]
fn a_late_failure_cannot_undo_money_and_money_cannot_undo_a_failure() {
    let refused = [
        (Captured, Failed),
        (Authorized, Failed),
        (Failed, Authorized),
        (Created, Captured),
        (Cancelling, Authorized),
        (Voided, Captured),
        (Captured, Voided),
        (Captured, CaptureFailed),
        (CaptureFailed, Captured),
        (Authorized, Cancelling),
    ];
    for (from, to) in refused {
        assert_eq!(attempt(from).step(to), Move::Refused, "{from:?} to {to:?}");
    }
}

#[test]
fn every_repeat_is_harmless() {
    for state in STATES {
        assert_eq!(attempt(state).step(state), Move::Repeat, "{state:?}");
    }
}

#[test]
fn only_what_may_still_be_authorized_is_given_up() {
    for state in STATES {
        let due = attempt(state).gives_up_at();
        assert_eq!(due.is_some(), matches!(state, Created | Unknown | RequiresAction), "{state:?}");
    }
    assert_eq!(Attempt { deadline: Timestamp(0), ..attempt(Created) }.gives_up_at(), None);
}

#[test]
fn a_ticket_names_its_order() {
    let order = OrderId::for_tickets(9, crate::ids::Slot::new(5), u128::MAX);
    assert_eq!(order_of(TicketId::of_order(order, 41)), (order, 41));
}
