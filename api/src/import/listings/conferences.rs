//! Conferences as `tech-conferences/conference-data` lists them: a name, days, a city. Neither a venue nor a time of the day is
//! given, so the venue is "to be announced" and the doors open at nine.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::{Listing, Listings, Place, SkipCode, moment, places, slug, text};

/// When the first day begins, on the city's clock.
const OPENS: Time = Time::constant(9, 0, 0, 0);
/// People, where nobody knows.
const CAPACITY: u32 = 1_000;

/// Reads the list.
pub fn read(root: &Value, found: &mut Listings) {
    let mut seen = BTreeMap::new();
    for (number, item) in root.as_array().into_iter().flatten().enumerate() {
        let pointer = format!("/{number}");
        match conference(item) {
            Ok(listing) => found.take(&mut seen, pointer, listing),
            Err((code, detail)) => found.skip(pointer, code, detail),
        }
    }
}

fn conference(item: &Value) -> Result<Listing, (SkipCode, String)> {
    let name = text(item, "name").ok_or_else(|| (SkipCode::NoName, "it has no name".to_owned()))?;
    let day = text(item, "startDate").and_then(|text| text.parse::<Date>().ok());
    let day = day.ok_or_else(|| (SkipCode::NoTime, format!("{name}: startDate is no day")))?;
    let Some(written) = text(item, "city") else { return Err((SkipCode::NoPlace, format!("{name}: it has no city"))) };
    let country = text(item, "country").unwrap_or_default();
    let city = places::city(&written, &country);
    let city = city.ok_or_else(|| (SkipCode::UnknownPlace, format!("{name}: no time zone is known for {written}, {country}")))?;
    let starts_at_us = moment(day, OPENS, city.time_zone).ok_or_else(|| (SkipCode::NoTime, format!("{name}: no such day")))?;
    let mut description = format!("Conference in {written}, {country}, from {day}");
    if let Some(last) = text(item, "endDate").filter(|last| *last != day.to_string()) {
        description.push_str(&format!(" to {last}"));
    }
    if item.get("online").and_then(Value::as_bool) == Some(true) {
        description.push_str(", also online");
    }
    if let Some(url) = text(item, "url") {
        description.push_str(&format!(". {url}"));
    }
    Ok(Listing {
        key: format!("conference:{}:{day}:{}", slug(&name), slug(&written)),
        name,
        description,
        category: "conference".into(),
        place: Place {
            name: format!("To be announced, {}", city.name),
            city: city.name,
            country: city.country.into(),
            time_zone: city.time_zone.into(),
            capacity: CAPACITY,
        },
        artists: Vec::new(),
        starts_at_us,
    })
}
