//! How many events stand at once, roughly: enough for the cards of a list.

use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SaleState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MoneyOut, Named, Text, money, sale_state};
use crate::backend::EventAvailability;
use crate::route::list;

/// `POST /event/availability`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityBody {
    /// Which events.
    #[schemars(with = "Vec<Text<EventId>>", length(min = 1, max = list::AVAILABILITY_MAX))]
    pub events: Vec<String>,
}

/// How an event stands.
#[derive(Serialize, JsonSchema)]
pub struct AvailabilityOut {
    #[schemars(extend("const" = "availability"))]
    object: &'static str,
    event: Text<EventId>,
    #[schemars(with = "Named<SaleState>")]
    sale: &'static str,
    /// `few`: less than a tenth is free. `sold_out`: nothing is.
    #[schemars(extend("enum" = ["available", "few", "sold_out"]))]
    availability: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_price: Option<MoneyOut>,
}

impl AvailabilityOut {
    /// How an event stands.
    #[must_use]
    pub fn new(found: &EventAvailability) -> Self {
        Self {
            object: "availability",
            event: Text(found.event),
            sale: sale_state(found.state),
            availability: class(found.available, found.capacity),
            from_price: found.from_price.map(|price| money(price.amount, price.currency)),
        }
    }
}

fn class(available: u32, capacity: u32) -> &'static str {
    match u64::from(available) * 10 {
        0 => "sold_out",
        tenfold if tenfold < u64::from(capacity) => "few",
        _ => "available",
    }
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn less_than_a_tenth_is_few() {
        assert_eq!([class(0, 100), class(1, 100), class(9, 100), class(10, 100)], ["sold_out", "few", "few", "available"]);
        assert_eq!([class(1, 5), class(u32::MAX, u32::MAX)], ["available", "available"]);
    }
}
