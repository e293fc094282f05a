//! 21: promo uses are within their caps and discounts within their budgets; allocations keep what is theirs and nothing else.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;

use super::Check;
use crate::orders::Order;
use crate::promos::Applied;
use crate::seats::event::EventSale;
use crate::seats::promos::kept_for;
use crate::seats::records::{Cell, Hold};

pub(super) fn check(sale: &EventSale) -> Check {
    check_codes(sale)?;
    check_allocations(sale)?;
    let mut fresh = sale.clone();
    fresh.derive_promos();
    must!(fresh.promos.tallies == sale.promos.tallies, "uses of codes are {:?}, not {:?}", fresh.promos.tallies, sale.promos.tallies);
    must!(fresh.promos.users.sorted() == sale.promos.users.sorted(), "the uses of an account are wrong");
    Ok(())
}

fn check_codes(sale: &EventSale) -> Check {
    let book = &sale.promos;
    let codes: BTreeSet<&str> = book.codes.iter().map(|promo| &*promo.code).collect();
    must!(codes.len() == book.codes.len(), "a code twice");
    for (promo, tally) in sale.promos() {
        let terms = &promo.terms;
        must!(terms.uses_max.is_none_or(|most| tally.uses() <= most), "{} is used {} times", promo.code, tally.uses());
        must!(terms.budget.is_none_or(|budget| tally.discount() <= budget), "{} gives {}", promo.code, tally.discount());
        must!(promo.allocation.is_some() == terms.allocation.is_some(), "{} opens nothing, or too much", promo.code);
    }
    for (&(number, user), &uses) in book.users.sorted() {
        let most = book.codes.get(usize::from(number)).and_then(|promo| promo.terms.per_user_max);
        must!(uses > 0 && most.is_none_or(|most| uses <= most), "user {user} uses a code {uses} times");
    }
    Ok(())
}

fn check_allocations(sale: &EventSale) -> Check {
    let book = &sale.promos;
    let names: BTreeSet<&str> = book.allocations.iter().map(|allocation| &*allocation.name).collect();
    must!(names.len() == book.allocations.len(), "an allocation twice");
    for (&seat, &allocation) in book.members.sorted() {
        must!(usize::from(allocation.0) < book.allocations.len(), "seat {seat} is of an allocation that is not");
        must!(sale.cells.get(seat as usize).is_some_and(|cell| cell != Cell::FREE), "seat {seat} is of an allocation and on sale");
    }
    let mut kept = BTreeMap::new();
    for &(area, count) in book.allocations.iter().flat_map(|allocation| &allocation.areas) {
        must!(count > 0, "nothing is kept of an area");
        *kept.entry(area).or_insert(0_u64) += u64::from(count);
    }
    for (area, kept) in kept {
        let blocked = sale.areas.get(usize::from(area.0)).map_or(0, |cell| cell.blocked);
        must!(kept <= u64::from(blocked), "{kept} places of area {} are kept, {blocked} are off sale", area.0);
    }
    Ok(())
}

/// Whether a seat that nobody has may look like this.
pub(super) fn may_be_off_sale(sale: &EventSale, seat: u32, cell: Cell) -> bool {
    cell.owner() == 0 || sale.promos.members.get(&seat).is_some_and(|&allocation| cell == kept_for(allocation))
}

/// The code of a hold is known, and what it opens is what the hold is of.
pub(super) fn check_hold(sale: &EventSale, hold: &Hold) -> Check {
    let Some(applied) = &hold.promo else { return Ok(()) };
    must!(applied.discount <= hold.items.total(), "its discount is more than its price");
    check_applied(sale, applied)
}

/// The same of an order.
pub(super) fn check_order(sale: &EventSale, order: &Order) -> Check {
    order.promo.as_ref().map_or(Ok(()), |applied| check_applied(sale, applied))
}

fn check_applied(sale: &EventSale, applied: &Applied) -> Check {
    let Some((promo, _)) = sale.promo(&applied.code) else { return Err(format!("its code {} is not known", applied.code)) };
    must!(promo.allocation == applied.allocation, "its code opens another allocation");
    Ok(())
}
