//! Snapshot records of prices that move. A level's record comes before its changes; what is taken of it is worked out again.

use super::super::event::EventSale;
use super::super::prices::{LevelPrice, PriceBook};
use crate::codec::frame::FrameWriter;
use crate::codec::{CodecError, common, envelope, price as codec, wire};
use crate::plan::LevelIndex;
use crate::pricing::Trail;
use crate::time::Timestamp;

/// The first kind of these records.
pub(super) const LEVELS: u8 = 55;
/// The last kind of these records.
pub(super) const CHANGES: u8 = 56;

pub(super) fn write(book: &PriceBook, writer: &mut FrameWriter<'_>) {
    for (number, level) in (0_u16..).zip(&book.levels) {
        writer.record(LEVELS, &level.record());
        level.changes.iter().for_each(|change| writer.record(CHANGES, &codec::change(LevelIndex(number), change)));
    }
}

pub(super) fn read(sale: &mut EventSale, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
    let levels = &mut sale.prices.levels;
    match kind {
        LEVELS => {
            levels.push(read_level(envelope::exact(bytes)?)?);
            Ok(())
        }
        _ => {
            let (number, change) = codec::read_change(envelope::exact(bytes)?)?;
            let own = usize::from(number.0) + 1 == levels.len();
            let level = levels.last_mut().filter(|_| own).ok_or_else(|| CodecError::broken("a change of the price of no level"))?;
            level.changes.push(change);
            Ok(())
        }
    }
}

/// Once every record of an event is read: its levels are all there, or none had to be.
pub(super) fn check(sale: &EventSale) -> Result<(), CodecError> {
    let fits = match sale.prices.levels.len() {
        0 => PriceBook::new(&sale.terms).is_fixed(),
        count => count == sale.terms.prices.len(),
    };
    if fits { Ok(()) } else { Err(CodecError::broken("prices that do not fit their event")) }
}

fn read_level(record: wire::PriceLevel) -> Result<LevelPrice, CodecError> {
    let policy = |policy: Option<wire::PricePolicy>| policy.map(codec::read_policy).unwrap_or_default();
    Ok(LevelPrice {
        now: Trail { version: record.version, price: record.price, policy: policy(record.policy) },
        bounds: (record.low, record.high),
        tier: common::read_u16(record.tier)?,
        changed_at: Timestamp(record.changed_at_us),
        stepped_at: Timestamp(record.stepped_at_us),
        sold_then: record.sold_then,
        smooth: record.smooth,
        root: Trail { version: record.root_version, price: record.root_price, policy: policy(record.root_policy) },
        changes: crate::cow::CowQueue::new(),
    })
}
