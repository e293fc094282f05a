//! 23: a price is within its bounds, every step within its size, and all of it follows from the inputs that were noted.

use alloc::format;

use super::Check;
use crate::outcome::SaleState;
use crate::pricing::{CHANGES_MAX, Policy};
use crate::seats::event::EventSale;
use crate::seats::prices::{LevelPrice, PriceBook, Use};
use crate::time::Timestamp;

pub(super) fn check(sale: &EventSale, now: Timestamp) -> Check {
    let book = &sale.prices;
    let complete = if book.is_fixed() { PriceBook::new(&sale.terms).is_fixed() } else { book.levels.len() == sale.terms.prices.len() };
    must!(complete, "{} levels with a price of {}", book.levels.len(), sale.terms.prices.len());
    let mut fresh = sale.clone();
    fresh.derive_prices();
    must!(fresh.prices.uses == book.uses, "uses of levels are {:?}, not {:?}", fresh.prices.uses, book.uses);
    must!(fresh.prices.holders.sorted() == book.holders.sorted(), "what an account holds of a level is wrong");
    for (number, level) in book.levels.iter().enumerate() {
        let taken = book.uses.get(number).map_or(0, Use::taken);
        must!(level.stepped_at <= now.max(sale.terms.opens_at.unwrap_or(now)), "price level {number}: it stepped at a later time");
        check_level(level, taken, now).map_err(|what| format!("price level {number}: {what}"))?;
        let (from, to) = level.now.policy.bounds(level.now.price);
        let kept = sale.head.state == SaleState::Published || (level.bounds.0 <= from && to <= level.bounds.1);
        must!(kept, "price level {number}: its policy goes from {from} to {to}, its bounds are {:?}", level.bounds);
    }
    Ok(())
}

fn check_level(level: &LevelPrice, taken: u32, now: Timestamp) -> Check {
    must!(level.changes.len() <= CHANGES_MAX, "{} changes are kept", level.changes.len());
    must!(level.changed_at <= now, "it changed at a later time");
    let price = level.now.price;
    must!(level.bounds.0 <= price && price <= level.bounds.1, "it is {price}, its bounds are {:?}", level.bounds);
    let mut trail = level.root.clone();
    let mut last = None;
    for change in level.changes.iter() {
        trail.check(change)?;
        must!(last.is_none_or(|last| last <= change.at), "version {} is older than the one before", change.version);
        last = Some(change.at);
    }
    must!(trail == level.now, "its changes lead to {trail:?}, not {:?}", level.now);
    must!(last.is_none_or(|last| last == level.changed_at), "its last change was at another time");
    if let Policy::Tiers(tiers) = &level.now.policy {
        let tier = tiers.get(usize::from(level.tier));
        must!(tier.is_some_and(|tier| tier.price == price), "it is {price}, which tier {} is not", level.tier);
        must!(level.now.policy.tier(taken) <= level.tier, "tier {} is exhausted: {taken} places are taken", level.tier);
    }
    Ok(())
}
