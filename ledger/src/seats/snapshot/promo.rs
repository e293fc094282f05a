//! Snapshot records of promo codes and allocations. They come before holds and orders; how often a code was used is worked out
//! from those.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::event::EventSale;
use super::super::promos::{Allocation, Promo, PromoBook};
use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, common, envelope, promo as codec, wire};
use crate::plan::SeatIndex;
use crate::promos::AllocationIndex;
use crate::seats::records::Cell;
use crate::time::Timestamp;

/// The first kind of these records.
pub(super) const ALLOCATIONS: u8 = 50;
const MEMBERS: u8 = 51;
/// The last kind of these records.
pub(super) const CODES: u8 = 52;

/// Seats of one record.
const MEMBERS_CHUNK: usize = 8192;

pub(super) fn write(book: &PromoBook, writer: &mut FrameWriter<'_>) {
    for allocation in &*book.allocations {
        let (name, areas) = ((*allocation.name).into(), common::areas(&allocation.areas));
        writer.record(ALLOCATIONS, &wire::AllocationRecord { name, areas });
    }
    let members = book.members.sorted();
    for number in 0..book.allocations.len() as u16 {
        let own = members.iter().filter(|(_, allocation)| allocation.0 == number).map(|(seat, _)| **seat);
        let own: Vec<u32> = own.collect();
        for seats in own.chunks(MEMBERS_CHUNK) {
            writer.record(MEMBERS, &wire::AllocatedSeats { allocation: number.into(), seats: seats.to_vec() });
        }
    }
    for promo in &*book.codes {
        let terms = Some(codec::terms(&promo.terms));
        let record = wire::PromoRecord { code: (*promo.code).into(), terms, inactive: !promo.active, created_at_us: promo.created_at.0 };
        writer.record(CODES, &record);
    }
}

pub(super) fn read(sale: &mut EventSale, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
    let book = &mut sale.promos;
    match kind {
        ALLOCATIONS => {
            let record: wire::AllocationRecord = envelope::exact(bytes)?;
            let areas = common::read_areas(&record.areas)?;
            Arc::make_mut(&mut book.allocations).push(Allocation { name: record.name.into(), areas });
            Ok(())
        }
        MEMBERS => read_members(sale, &envelope::exact(bytes)?),
        CODES => {
            let record: wire::PromoRecord = envelope::exact(bytes)?;
            let terms = codec::read_terms(record.terms)?;
            let allocation = match terms.allocation.as_deref() {
                None => None,
                Some(name) => Some(book.allocation(name).ok_or_else(|| CodecError::broken("a code of no allocation"))?),
            };
            let (code, created_at) = (record.code.into(), Timestamp(record.created_at_us));
            Arc::make_mut(&mut book.codes).push(Promo { code, terms, active: !record.inactive, created_at, allocation });
            Ok(())
        }
        _ => Err(CodecError::unknown("a kind of snapshot record")),
    }
}

fn read_members(sale: &mut EventSale, record: &wire::AllocatedSeats) -> Result<(), CodecError> {
    let allocation = AllocationIndex(common::read_u16(record.allocation)?);
    for &seat in &record.seats {
        if !sale.house.has_seat(SeatIndex(seat)) || sale.promos.members.insert(seat, allocation).is_some() {
            return Err(CodecError::broken("a seat of two allocations, or of no plan"));
        }
    }
    Ok(())
}

/// Takes the seats of allocations that nobody has off sale; once every other record of the event is read.
pub(super) fn keep(sale: &mut EventSale) {
    let free: Vec<SeatIndex> = {
        let members = sale.promos.members.sorted().into_iter().map(|(&seat, _)| SeatIndex(seat));
        members.filter(|seat| sale.cells.get(seat.0 as usize) == Some(Cell::FREE)).collect()
    };
    for seat in free {
        sale.cells.set(seat.0 as usize, sale.promos.free_cell(seat));
    }
}
