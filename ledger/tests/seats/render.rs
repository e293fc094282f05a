//! Answers, seats and records as short text.

use boxoffice_ledger::change::{Change, TicketChange};
use boxoffice_ledger::command::Delivery;
use boxoffice_ledger::ids::{AttemptId, HoldId, OrderId, RefundId, TicketId, UserId};
use boxoffice_ledger::orders::{OpenAttempt, OpenRefund, Order, order_of};
use boxoffice_ledger::outcome::{Answer, HoldInfo, Rejection, SeatOutcome, SeatState};
use boxoffice_ledger::plan::{AreaIndex, SeatIndex};
use boxoffice_ledger::seats::{AllocationView, Counts, DeadCode, EventSale, Gate, Promo, Tally};
use boxoffice_ledger::tickets::TicketOutcome;
use boxoffice_ledger::time::Timestamp;

use crate::house::START;

const NUMBER: u128 = (1 << 68) - 1;

pub fn hold_name(hold: HoldId) -> String {
    format!("h{}", hold.0 & NUMBER)
}

pub fn order_name(order: OrderId) -> String {
    format!("o{}", (order.0 & NUMBER) >> 16)
}

pub fn ticket_name(ticket: TicketId) -> String {
    let (order, ordinal) = order_of(ticket);
    format!("{}/{ordinal}", order_name(order))
}

pub fn attempt_name(attempt: AttemptId) -> String {
    format!("p{}", attempt.0 & NUMBER)
}

pub fn user_name(user: UserId) -> String {
    format!("user{}", user.0 & NUMBER)
}

/// `A3` in the first section, `T:A3` in another.
pub fn seat_name(sale: &EventSale, seat: SeatIndex) -> String {
    let Some((section, row, seat)) = sale.plan_index().parts(seat) else { return format!("#{}", seat.0) };
    let first = sale.plan().sections[0].name == section.name;
    let section = if first { String::new() } else { format!("{}:", section.name) };
    format!("{section}{}{}", row.name, seat.name)
}

fn seats(sale: &EventSale, seats: &[SeatIndex]) -> String {
    seats.iter().map(|&seat| seat_name(sale, seat)).collect::<Vec<_>>().join(" ")
}

fn area_name(sale: &EventSale, area: AreaIndex) -> String {
    sale.plan().areas.get(usize::from(area.0)).map_or_else(|| format!("area#{}", area.0), |area| area.name.clone())
}

fn areas(sale: &EventSale, areas: &[(AreaIndex, u32)]) -> Vec<String> {
    areas.iter().map(|&(area, count)| format!("{}*{count}", area_name(sale, area))).collect()
}

pub fn time(at: Timestamp) -> String {
    format!("{}s", at.since(START).0 as f64 / 1000.0)
}

pub fn info(sale: &EventSale, info: &HoldInfo) -> String {
    let mut what: Vec<String> = info.seats.iter().map(|&seat| seat_name(sale, seat)).collect();
    what.extend(areas(sale, &info.areas));
    let order = info.order.map_or_else(String::new, |order| format!(" order={}", order_name(order)));
    let until = time(info.expires_at);
    let promo = info.promo.as_ref().map_or_else(String::new, |code| format!(" {code}=-{}", info.discount));
    format!("{:?} {} [{}] total={}{promo} until={until}{order}", info.state, hold_name(info.hold), what.join(" "), info.total)
}

pub fn counts(counts: Counts) -> String {
    format!("available={} held={} sold={} blocked={}", counts.available, counts.held, counts.sold, counts.blocked)
}

pub fn answer(sale: &EventSale, answer: &Answer<SeatOutcome>) -> String {
    let text = match &answer.outcome {
        SeatOutcome::Done => "done".to_string(),
        SeatOutcome::Sale(state) => format!("{state:?}"),
        SeatOutcome::Hold(hold) => info(sale, hold),
        SeatOutcome::Paying(hold) => info(sale, hold),
        SeatOutcome::Confirmed(done) => {
            format!("confirmed {} receipt={} tickets={} total={}", order_name(done.order), done.receipt, done.tickets, done.total)
        }
        SeatOutcome::Voided { order, refund, .. } => format!("voided {} refund={refund}", order_name(*order)),
        SeatOutcome::Blocked { revoked } => {
            format!("blocked revoked=[{}]", revoked.iter().map(|&hold| hold_name(hold)).collect::<Vec<_>>().join(" "))
        }
        SeatOutcome::Ticket(done) => ticket(done),
        SeatOutcome::Rejected(why) => format!("refused {}", rejection(sale, why)),
    };
    if answer.replayed { format!("again: {text}") } else { text }
}

fn ticket(done: &TicketOutcome) -> String {
    match done {
        TicketOutcome::Scanned(scanned) => {
            let whose = scanned.user.map_or_else(String::new, |user| format!(" {}", user_name(user)));
            let conflict = scanned.conflict.map_or_else(String::new, |reason| format!(" conflict {reason:?}"));
            let ticket = scanned.ticket.map_or_else(|| "?".into(), ticket_name);
            format!("scanned {ticket}{whose} entries={} at={}{conflict}", scanned.entries, time(scanned.at))
        }
        TicketOutcome::Moved { ticket, epoch, user, until } => {
            let until = until.map_or_else(String::new, |until| format!(" until={}", time(until)));
            format!("moved {} epoch={epoch} {}{until}", ticket_name(*ticket), user_name(*user))
        }
    }
}

pub fn gates(sale: &EventSale) -> String {
    let gate = |gate: &Gate| format!("{} in={} out={} refused={}", gate.name, gate.ins, gate.outs, gate.refused);
    let (inside, admitted) = sale.attendance();
    let gates: Vec<String> = sale.gates().iter().map(gate).collect();
    format!("inside={inside} admitted={admitted} {}", gates.join("; "))
}

pub fn conflicts(sale: &EventSale) -> String {
    let conflict = |number| {
        let conflict = sale.conflict(number).unwrap();
        let ticket = conflict.ticket.map_or_else(|| "?".into(), ticket_name);
        let gate = &sale.gates()[usize::from(conflict.gate)].name;
        format!("{ticket} {:?} {:?} {gate} at={}", conflict.direction, conflict.reason, time(conflict.at))
    };
    (0..sale.conflict_count()).map(conflict).collect::<Vec<_>>().join("; ")
}

pub fn dead(sale: &EventSale) -> String {
    let line = |dead: &DeadCode| {
        format!("{}={}", ticket_name(dead.ticket), dead.good_from.map_or_else(|| "void".into(), |epoch| epoch.to_string()))
    };
    sale.dead_codes().iter().map(line).collect::<Vec<_>>().join(" ")
}

fn rejection(sale: &EventSale, why: &Rejection) -> String {
    match why {
        Rejection::Malformed { pointer, detail } => format!("malformed {pointer}: {detail}"),
        Rejection::SeatsUnavailable { conflicts, areas: short, alternatives } => {
            let mut parts: Vec<String> = conflicts.iter().map(|&(seat, state)| format!("{}={state:?}", seat_name(sale, seat))).collect();
            parts.extend(short.iter().map(|&(area, free)| format!("{}={free} free", area_name(sale, area))));
            let instead: Vec<String> = alternatives.iter().map(|block| format!("[{}]", seats(sale, block))).collect();
            let instead = if instead.is_empty() { String::new() } else { format!("; instead {}", instead.join(" ")) };
            format!("unavailable {}{instead}", parts.join(" "))
        }
        Rejection::Orphans { seats: alone } => format!("orphans {}", seats(sale, alone)),
        Rejection::SaleNotOn { state, opens_at } => {
            format!("not on sale: {state:?}{}", opens_at.map_or_else(String::new, |at| format!(", opens at {}", time(at))))
        }
        Rejection::TooSoon { retry_at } => format!("too soon{}", retry_at.map_or_else(String::new, |at| format!(" until {}", time(at)))),
        Rejection::LimitReached { limit, have } => format!("limit {limit}, have {have}"),
        Rejection::PriceChanged { total, .. } => format!("price is {total}"),
        Rejection::NotFound { what } => format!("no {what}"),
        Rejection::TicketRefused { reason, used } => {
            let used = used.as_ref().map_or_else(String::new, |used| format!(" at {} {}", used.gate, time(used.at)));
            format!("{reason:?}{used}")
        }
        Rejection::PromoRefused { reason } => format!("code {reason:?}"),
        Rejection::WrongState { detail } => detail.clone(),
        Rejection::HoldEnded { state } => format!("hold ended: {state:?}"),
        other => format!("{other:?}"),
    }
}

/// Each code with its live holds and orders, and what it takes off them.
pub fn promos(sale: &EventSale) -> String {
    let line = |(promo, tally): (&Promo, Tally)| {
        let off = if promo.active { "" } else { " off" };
        format!("{}{off} held={}/{} used={}/{}", promo.code, tally.held, tally.reserved, tally.used, tally.spent)
    };
    sale.promos().map(line).collect::<Vec<_>>().join("; ")
}

/// Each allocation with its seats and the places that are kept for it.
pub fn allocations(sale: &EventSale) -> String {
    let line = |view: &AllocationView| {
        let all = [vec![seats(sale, &view.seats)], areas(sale, &view.areas)].concat();
        format!("{} [{}] free={}", view.name, all.join(" ").trim(), view.free)
    };
    sale.allocations().iter().map(line).collect::<Vec<_>>().join("; ")
}

pub fn change(sale: &EventSale, change: &Change) -> String {
    match change {
        Change::Seats { seats: moved, state, .. } => format!("{}={state:?}", seats(sale, moved)),
        Change::Area { area, available, held, sold, .. } => format!("{}={available}/{held}/{sold}", area_name(sale, *area)),
        Change::Hold { hold, state, .. } => format!("{}={state:?}", hold_name(*hold)),
        Change::Order { order, state, .. } => format!("{}={state:?}", order_name(*order)),
        Change::Attempt { attempt, state, .. } => format!("{}={state:?}", attempt_name(*attempt)),
        Change::Ticket { ticket, what, .. } => format!("{}={}", ticket_name(*ticket), ticket_word(*what)),
        Change::Sale { state, .. } => format!("sale={state:?}"),
        Change::Outbox { target } => format!("outbox {target}"),
        Change::Refund { refund, state, .. } => format!("{}={state:?}", refund_name(*refund)),
        Change::Price { level, change, .. } => format!("price {}: {}->{}", level.0, change.from, change.to),
        other => format!("{other:?}"),
    }
}

fn ticket_word(what: TicketChange) -> &'static str {
    match what {
        TicketChange::Issued => "issued",
        TicketChange::Offered => "offered",
        TicketChange::Withdrawn => "withdrawn",
        TicketChange::Transferred => "transferred",
        TicketChange::Void => "void",
        TicketChange::CheckedIn => "in",
        TicketChange::CheckedOut => "out",
    }
}

/// `r1`, or `event/o1` for the refund that a cancellation gives.
pub fn refund_name(refund: RefundId) -> String {
    match refund.0 & 0xffff {
        0xffff => format!("event/{}", order_name(OrderId(refund.0 & !0xffff))),
        _ => format!("r{}", refund.0 & NUMBER),
    }
}

pub fn refunds(order: &Order) -> String {
    let refunds =
        order.refunds.iter().map(|refund| format!("{}={:?} {} {:?}", refund_name(refund.id), refund.state, refund.amount, refund.tickets));
    let disputes = order.disputes.iter().map(|dispute| format!("{}={:?} {}", dispute.id, dispute.state, dispute.amount));
    refunds.chain(disputes).collect::<Vec<_>>().join(", ")
}

pub fn open_refund(open: &OpenRefund) -> String {
    format!("{}/{}/{}:{}", order_name(open.order), attempt_name(open.attempt), refund_name(open.refund), open.amount)
}

pub fn open_attempt(open: &OpenAttempt) -> String {
    format!("{}={:?}{}", attempt_name(open.attempt.id), open.attempt.state, if open.must_cancel { "!" } else { "" })
}

pub fn delivery(record: &Delivery) -> String {
    match record {
        Delivery::Ticket(ticket) => format!(
            "ticket {} epoch={} {} {}/{}/{} {}{}",
            ticket_name(ticket.id),
            ticket.epoch,
            user_name(ticket.user),
            ticket.section,
            ticket.row,
            ticket.seat_name,
            ticket.price,
            match &ticket.offer {
                _ if ticket.void => " void".into(),
                _ if ticket.moved => " moved".into(),
                Some(offer) => format!(" offered to {}", offer.to),
                None => String::new(),
            }
        ),
        Delivery::Order(order) => format!(
            "order {} revision={} {} total={} refunded={} receipt={} tickets={}",
            order_name(order.id),
            order.revision,
            user_name(order.user),
            order.total,
            order.refunded,
            order.receipt,
            order.tickets
        ),
    }
}

/// One letter a seat: `.` free, `h` held, `p` pinned, `s` sold, `b` blocked, `k` killed.
pub fn row(sale: &EventSale, range: std::ops::Range<u32>) -> String {
    let letter = |seat: u32| match sale.seat_state(SeatIndex(seat)).unwrap() {
        SeatState::Available => '.',
        SeatState::Held => 'h',
        SeatState::Pinned => 'p',
        SeatState::Sold => 's',
        SeatState::Blocked => 'b',
        SeatState::Killed => 'k',
    };
    range.map(letter).collect()
}
