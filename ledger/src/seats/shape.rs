//! Whether a command is well formed: what can be said without looking at anything that changes.
//! Such a refusal is not remembered under the request's id: the same command can never be right.

mod money;
mod promo;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use super::event::EventSale;
use super::transfer::fits_email;
use crate::command::{Choice, SaleTerms, SeatCommand};
use crate::ids::{EventId, HoldId, OrderId, TicketId};
use crate::orders::order_of;
use crate::outcome::Rejection;
use crate::plan::{AreaIndex, SeatIndex};
use crate::pricing::{REASON_BYTES_MAX, policies_fault};
use crate::tickets::{GATE_BYTES_MAX, TicketAction};
use crate::time::Millis;

/// Most seats and places of one hold.
pub const ITEMS_MAX: u32 = 50;

/// Most seats of one Block command.
pub const BLOCK_SEATS_MAX: usize = 10_000;

/// Highest price of one ticket, in minor units; keeps every sum within 64 bits.
pub const PRICE_MAX: u64 = 1_000_000_000_000;

/// Shortest and longest life of a hold.
pub const TTL_RANGE: (Millis, Millis) = (Millis::from_mins(2), Millis::from_mins(30));

const METHOD_BYTES_MAX: usize = 255;
const CODE_BYTES_MAX: usize = 64;
const ACKS_MAX: usize = 4096;

/// The event that a command is about.
pub(crate) fn event_of(command: &SeatCommand) -> Option<EventId> {
    match command {
        SeatCommand::SetSale { event, .. }
        | SeatCommand::Hold { event, .. }
        | SeatCommand::Extend { event, .. }
        | SeatCommand::Release { event, .. }
        | SeatCommand::PayBegin { event, .. }
        | SeatCommand::Confirm { event, .. }
        | SeatCommand::PayFail { event, .. }
        | SeatCommand::PayUnknown { event, .. }
        | SeatCommand::Captured { event, .. }
        | SeatCommand::Void { event, .. }
        | SeatCommand::Block { event, .. }
        | SeatCommand::Ticket { event, .. }
        | SeatCommand::Promo { event, .. }
        | SeatCommand::Reprice { event, .. }
        | SeatCommand::SetPolicy { event, .. } => Some(*event),
        SeatCommand::Money(command) => Some(command.event()),
        SeatCommand::PlanChunk(_)
        | SeatCommand::CreateEvent { .. }
        | SeatCommand::OutboxAck { .. }
        | SeatCommand::Pulse
        | SeatCommand::Audited(_) => None,
    }
}

/// Checks a command; `sale` is the event it is about, if that is known.
///
/// # Errors
/// [`Rejection::Malformed`] and nothing else.
pub(crate) fn check(command: &SeatCommand, sale: Option<&EventSale>) -> Result<(), Rejection> {
    match command {
        SeatCommand::CreateEvent { terms, .. } => check_terms(terms),
        SeatCommand::Hold { event, hold, choice, promo, .. } => {
            same_slot_hold(*event, *hold)?;
            promo.as_deref().map_or(Ok(()), |code| promo::check_code("/promo", code))?;
            check_choice(choice, sale)
        }
        SeatCommand::Extend { event, hold, .. } | SeatCommand::Release { event, hold, .. } => same_slot_hold(*event, *hold),
        SeatCommand::PayBegin { event, hold, order, method, .. } => {
            same_slot_hold(*event, *hold)?;
            new_order(*event, *order)?;
            at_most("/method", method, METHOD_BYTES_MAX)
        }
        SeatCommand::PayFail { event, order, code, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/code", code, CODE_BYTES_MAX)
        }
        SeatCommand::Confirm { event, order, reference, .. } => {
            same_slot_order(*event, *order)?;
            at_most("/reference", reference, METHOD_BYTES_MAX)
        }
        SeatCommand::Money(command) => money::check(command),
        SeatCommand::PayUnknown { event, order, .. } | SeatCommand::Captured { event, order, .. } => same_slot_order(*event, *order),
        SeatCommand::Void { tickets, reason, .. } => {
            at_most("/reason", reason, REASON_BYTES_MAX)?;
            check_tickets(tickets)
        }
        SeatCommand::Block { seats, reason, .. } => {
            at_most("/reason", reason, REASON_BYTES_MAX)?;
            if seats.is_empty() || seats.len() > BLOCK_SEATS_MAX {
                return Err(malformed("/seats", format!("{} seats: 1 to {BLOCK_SEATS_MAX} are possible", seats.len())));
            }
            check_seats(seats, sale)
        }
        SeatCommand::Ticket { event, action, .. } => check_ticket(*event, action),
        SeatCommand::Promo { action, .. } => promo::check(action, sale),
        SeatCommand::SetPolicy { policy, reason, .. } => {
            at_most("/reason", reason, REASON_BYTES_MAX)?;
            policy.fault(None).map_or(Ok(()), |(pointer, detail)| Err(malformed(format!("/policy{pointer}"), detail)))
        }
        SeatCommand::OutboxAck { acks } => {
            if acks.len() > ACKS_MAX || !acks.is_sorted_by(|left, right| left.0 < right.0) {
                return Err(malformed("/acks", format!("must be at most {ACKS_MAX}, ascending by target, each once")));
            }
            Ok(())
        }
        SeatCommand::PlanChunk(_) | SeatCommand::SetSale { .. } | SeatCommand::Reprice { .. } | SeatCommand::Pulse => Ok(()),
        // Unpacked before it comes here: this one stands in another.
        SeatCommand::Audited(_) => Err(malformed("", "an audited command in an audited one")),
    }
}

pub(crate) fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Rejection {
    Rejection::Malformed { pointer: pointer.into(), detail: detail.into() }
}

fn same_slot_hold(event: EventId, hold: HoldId) -> Result<(), Rejection> {
    if event.slot() == hold.slot() { Ok(()) } else { Err(malformed("/hold", "a hold's id must carry the slot of its event")) }
}

fn same_slot_order(event: EventId, order: OrderId) -> Result<(), Rejection> {
    if event.slot() == order.slot() { Ok(()) } else { Err(malformed("/order", "an order's id must carry the slot of its event")) }
}

fn new_order(event: EventId, order: OrderId) -> Result<(), Rejection> {
    same_slot_order(event, order)?;
    if order_of(TicketId(order.0)).1 != 0 {
        return Err(malformed("/order", "the low 16 bits of an order's id must be zero: they number its tickets"));
    }
    Ok(())
}

fn at_most(pointer: &str, text: &str, bytes: usize) -> Result<(), Rejection> {
    if text.len() <= bytes { Ok(()) } else { Err(malformed(pointer, format!("{} bytes: at most {bytes} are possible", text.len()))) }
}

fn check_terms(terms: &SaleTerms) -> Result<(), Rejection> {
    let (shortest, longest) = TTL_RANGE;
    if terms.hold_ttl < shortest || terms.hold_ttl > longest {
        return Err(malformed("/terms/hold_ttl", format!("{} ms: 2 to 30 minutes are possible", terms.hold_ttl.0)));
    }
    if let Some((pointer, detail)) = terms.refunds.fault() {
        return Err(malformed(pointer, detail));
    }
    if let Some(problem) = terms.entry.problem() {
        return Err(malformed("/terms/entry", problem));
    }
    if let Some((pointer, detail)) = policies_fault(&terms.pricing, &terms.prices) {
        return Err(malformed(format!("/terms/pricing{pointer}"), detail));
    }
    match terms.prices.iter().position(|&price| price > PRICE_MAX) {
        Some(level) => Err(malformed(format!("/terms/prices/{level}"), format!("at most {PRICE_MAX} is possible"))),
        None => Ok(()),
    }
}

fn check_ticket(event: EventId, action: &TicketAction) -> Result<(), Rejection> {
    let ticket = match action {
        TicketAction::Scan(scan) => {
            if scan.gate.trim().is_empty() {
                return Err(malformed("/gate", "the gate has no name"));
            }
            at_most("/gate", &scan.gate, GATE_BYTES_MAX)?;
            // A code of another event names a ticket that is not here: that is for the scan to say.
            return Ok(());
        }
        TicketAction::Offer { ticket, to: email, .. } | TicketAction::Claim { ticket, email, .. } => {
            if !fits_email(email) {
                return Err(malformed("/to", "an e-mail address of at most 254 bytes"));
            }
            ticket
        }
        TicketAction::Withdraw { ticket, .. } | TicketAction::HandOver { ticket, .. } => ticket,
    };
    if event.slot() == ticket.slot() { Ok(()) } else { Err(malformed("/ticket", "a ticket's id must carry the slot of its event")) }
}

fn check_choice(choice: &Choice, sale: Option<&EventSale>) -> Result<(), Rejection> {
    match choice {
        Choice::Best { quantity, section, .. } => {
            if *quantity == 0 || *quantity > ITEMS_MAX {
                return Err(malformed("/best/quantity", format!("{quantity}: 1 to {ITEMS_MAX} are possible")));
            }
            match (section, sale) {
                (Some(section), Some(sale)) if section.0 >= sale.house.section_count() => {
                    Err(malformed("/best/section", "the event's plan has no such section"))
                }
                _ => Ok(()),
            }
        }
        Choice::Chosen { seats, areas } => {
            let places = areas.iter().fold(0_u64, |sum, (_, count)| sum + u64::from(*count));
            let items = places.saturating_add(seats.len() as u64);
            if items == 0 && areas.is_empty() {
                return Err(malformed("/seats", "nothing is chosen"));
            }
            if items > u64::from(ITEMS_MAX) {
                return Err(malformed("/seats", format!("{items} seats and places: at most {ITEMS_MAX} are possible")));
            }
            check_seats(seats, sale)?;
            check_areas(areas, sale)
        }
    }
}

fn check_seats(seats: &[SeatIndex], sale: Option<&EventSale>) -> Result<(), Rejection> {
    if let Some(sale) = sale
        && let Some(place) = seats.iter().position(|&seat| !sale.house.has_seat(seat))
    {
        return Err(malformed(format!("/seats/{place}"), "the event's plan has no such seat"));
    }
    match first_repeat(seats) {
        Some(place) => Err(malformed(format!("/seats/{place}"), "the seat is listed twice")),
        None => Ok(()),
    }
}

fn check_areas(areas: &[(AreaIndex, u32)], sale: Option<&EventSale>) -> Result<(), Rejection> {
    for (place, (area, count)) in areas.iter().enumerate() {
        if *count == 0 {
            return Err(malformed(format!("/areas/{place}/quantity"), "at least 1 is needed"));
        }
        if sale.is_some_and(|sale| area.0 >= sale.house.area_count()) {
            return Err(malformed(format!("/areas/{place}"), "the event's plan has no such area"));
        }
        if areas[..place].iter().any(|(other, _)| other == area) {
            return Err(malformed(format!("/areas/{place}"), "the area is listed twice"));
        }
    }
    Ok(())
}

fn check_tickets(tickets: &[TicketId]) -> Result<(), Rejection> {
    let Some(&first) = tickets.first() else { return Err(malformed("/tickets", "no ticket is named")) };
    if tickets.len() > ITEMS_MAX as usize {
        return Err(malformed("/tickets", format!("{} tickets: at most {ITEMS_MAX} are possible", tickets.len())));
    }
    if let Some(place) = tickets.iter().position(|&ticket| order_of(ticket).0 != order_of(first).0) {
        return Err(malformed(format!("/tickets/{place}"), "all tickets must be of one order"));
    }
    match first_repeat(tickets) {
        Some(place) => Err(malformed(format!("/tickets/{place}"), "the ticket is listed twice")),
        None => Ok(()),
    }
}

/// Where something stands that stood before.
fn first_repeat<T: Ord + Copy>(list: &[T]) -> Option<usize> {
    if list.is_sorted_by(|left, right| left < right) {
        return None;
    }
    let mut seen = BTreeSet::new();
    list.iter().position(|&item| !seen.insert(item))
}
