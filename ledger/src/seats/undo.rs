//! What takes seats back without money: seats taken off sale, a sale called off. Refunds are in `refund`.

use alloc::vec::Vec;

use super::event::EventSale;
use super::records::Cell;
use super::work::Work;
use crate::command::{BlockAction, SaleAction};
use crate::ids::HoldId;
use crate::outcome::{HoldState, Rejection, SaleState, SeatOutcome, SeatState};
use crate::plan::SeatIndex;

impl Work<'_> {
    /// Moves the sale. Cancelling revokes every hold that is not being paid, and leaves a backlog of orders to refund.
    pub(crate) fn move_sale(&mut self, action: SaleAction) -> Result<SeatOutcome, Rejection> {
        use SaleState::{Cancelled, Closed, OnSale, Paused, Published};
        let state = self.sale.head.state;
        let next = match (action, state) {
            (SaleAction::Open, Published) | (SaleAction::Resume, Paused) => OnSale,
            (SaleAction::Pause, OnSale) => Paused,
            (SaleAction::Close, OnSale | Paused) => Closed,
            (SaleAction::Cancel, Published | OnSale | Paused | Closed) => Cancelled,
            _ => return Err(Rejection::SaleMove { state }),
        };
        self.set_sale(next);
        if action == SaleAction::Open {
            self.start_prices();
        }
        if next == Cancelled {
            let active: Vec<HoldId> = {
                let holds = self.sale.holds.sorted().into_iter();
                holds.filter(|(_, hold)| hold.state == HoldState::Active).map(|(&id, _)| id).collect()
            };
            for hold in active {
                self.end_hold(hold, HoldState::Revoked);
            }
            let event = self.sale.id;
            let orders = self.sale.orders.sorted().into_iter();
            self.agenda.backlog.extend(orders.filter(|(_, order)| order.admits()).map(|(&id, _)| (event, id)));
        }
        Ok(SeatOutcome::Sale(next))
    }

    /// Takes seats off sale or puts them back; revokes holds in the way. All or nothing.
    pub(crate) fn block(&mut self, seats: &[SeatIndex], action: BlockAction) -> Result<SeatOutcome, Rejection> {
        use SeatState::{Available, Blocked, Held, Killed};
        let to = |sale: &EventSale, seat: SeatIndex| match action {
            BlockAction::Block => Cell::new(Blocked, 0),
            BlockAction::Unblock => sale.promos.free_cell(seat),
            BlockAction::Kill => Cell::new(Killed, 0),
        };
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        let state = |seat: SeatIndex| self.sale.seat_state(seat).unwrap_or(Killed);
        let fits = |seat: SeatIndex| {
            let from = state(seat);
            self.sale.cells.get(seat.0 as usize) == Some(to(self.sale, seat))
                || match action {
                    BlockAction::Block => matches!(from, Available | Held | Blocked),
                    BlockAction::Unblock => from == Blocked,
                    BlockAction::Kill => matches!(from, Available | Held | Blocked),
                }
        };
        let conflicts: Vec<_> = seats.iter().copied().filter(|&seat| !fits(seat)).map(|seat| (seat, state(seat))).collect();
        if !conflicts.is_empty() {
            return Err(Rejection::SeatsUnavailable { conflicts, areas: Vec::new(), alternatives: Vec::new() });
        }
        let mut revoked: Vec<HoldId> = {
            let held = seats.iter().filter_map(|seat| self.sale.cells.get(seat.0 as usize)).filter(|cell| cell.state == Held);
            held.map(|cell| HoldId(cell.owner())).collect()
        };
        revoked.sort_unstable();
        revoked.dedup();
        for &hold in &revoked {
            self.end_hold(hold, HoldState::Revoked);
        }
        seats.retain(|&seat| self.sale.cells.get(seat.0 as usize) != Some(to(self.sale, seat)));
        match action {
            BlockAction::Block => self.set_seats(seats, Cell::new(Blocked, 0)),
            BlockAction::Unblock => self.free_seats(seats),
            BlockAction::Kill => self.set_seats(seats, Cell::new(Killed, 0)),
        }
        Ok(SeatOutcome::Blocked { revoked })
    }
}
