//! An event in the words of schema.org, for search engines and assistants.

use boxoffice_ledger::command::EventStatus;
use boxoffice_ledger::outcome::SaleState;
use serde_json::{Value, json};

use super::LocalTime;
use crate::backend::EventView;

/// The JSON-LD document of an event.
#[must_use]
pub fn linked_data(view: &EventView) -> Vec<u8> {
    let (event, venue) = (&view.event, &view.venue);
    let path = format!("/event/{}", event.id);
    let performers: Vec<Value> =
        view.performers.iter().map(|performer| json!({"@type": "PerformingGroup", "name": performer.name})).collect();
    let mut out = json!({
        "@context": "https://schema.org",
        "@type": kind(&event.category),
        "@id": path,
        "url": path,
        "identifier": event.id.to_string(),
        "name": event.name,
        "startDate": LocalTime::new(event.starts_at, &venue.time_zone).to_string(),
        "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
        "eventStatus": status(view),
        "location": {
            "@type": "Place",
            "name": venue.name,
            "address": {"@type": "PostalAddress", "addressLocality": venue.city, "addressCountry": venue.country},
            "maximumAttendeeCapacity": venue.capacity,
        },
        "offers": offers(view, &path),
    });
    if !event.description.is_empty() {
        out["description"] = event.description.as_str().into();
    }
    if !performers.is_empty() {
        out["performer"] = performers.into();
    }
    if let Some(previous) = event.previous_start {
        out["previousStartDate"] = LocalTime::new(previous, &venue.time_zone).to_string().into();
    }
    serde_json::to_vec(&out).unwrap_or_default()
}

/// The kind of event that a category stands for.
fn kind(category: &str) -> &'static str {
    match category.to_lowercase().as_str() {
        "concert" | "music" => "MusicEvent",
        "sport" | "sports" => "SportsEvent",
        "theatre" | "theater" => "TheaterEvent",
        "comedy" => "ComedyEvent",
        "dance" => "DanceEvent",
        "festival" => "Festival",
        "conference" | "business" => "BusinessEvent",
        "exhibition" => "ExhibitionEvent",
        _ => "Event",
    }
}

fn status(view: &EventView) -> &'static str {
    match view.event.status {
        EventStatus::Cancelled => "https://schema.org/EventCancelled",
        _ if view.event.previous_start.is_some() => "https://schema.org/EventRescheduled",
        _ => "https://schema.org/EventScheduled",
    }
}

fn offers(view: &EventView, path: &str) -> Value {
    let (terms, prices) = (&view.event.terms, super::catalog::present_prices(view));
    let code = terms.currency.code();
    let amount = |amount: u64| decimal(amount, code);
    let mut offers = json!({"@type": "AggregateOffer", "priceCurrency": code, "url": path});
    let lowest = view.sale.as_ref().and_then(|sale| sale.from_price).or_else(|| prices.iter().min().copied());
    if let (Some(lowest), Some(highest)) = (lowest, prices.iter().max()) {
        offers["lowPrice"] = amount(lowest).into();
        offers["highPrice"] = amount(*highest).into();
    }
    if let Some(opens) = terms.opens_at {
        offers["validFrom"] = LocalTime::new(opens, &view.venue.time_zone).to_string().into();
    }
    if let Some(sale) = &view.sale {
        offers["availability"] = match sale.state {
            _ if sale.available == 0 => "https://schema.org/SoldOut",
            SaleState::OnSale => "https://schema.org/InStock",
            SaleState::Published => "https://schema.org/PreOrder",
            SaleState::Paused | SaleState::Closed | SaleState::Cancelled => "https://schema.org/Discontinued",
        }
        .into();
        offers["offerCount"] = sale.available.into();
    }
    offers
}

/// An amount of minor units as a decimal text. ISO 4217 gives most currencies two decimals.
fn decimal(amount: u64, code: &str) -> String {
    let decimals = match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    };
    let unit = 10_u64.pow(decimals);
    match decimals {
        0 => amount.to_string(),
        places => format!("{}.{:0places$}", amount / unit, amount % unit, places = places as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        assert_eq!(decimal(12_505, "EUR"), "125.05");
        assert_eq!(decimal(500, "JPY"), "500");
        assert_eq!(decimal(1_001, "KWD"), "1.001");
        assert_eq!(decimal(0, "USD"), "0.00");
    }
}
