//! The real files, and what is dirty in them.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::import::demo;

fn codes(found: &Listings) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    found.skipped.iter().for_each(|skip| *counts.entry(skip.code.as_str()).or_default() += 1);
    counts
}

#[test]
fn the_orchestras_archive_is_read() {
    let found = read(demo::ORCHESTRA).unwrap();
    assert_eq!(found.listings.len() + found.skipped.len(), 252);
    assert_eq!(codes(&found), BTreeMap::from([("no_time", 1), ("private", 10)]), "{:?}", found.skipped);
    let first = &found.listings[0];
    assert_eq!(first.name, "New York Philharmonic: Mozart, Mahler");
    assert_eq!(first.key, "nyphil:14934:2024-09-12:7:30PM");
    let names: Vec<(&str, &str)> = first.artists.iter().map(|artist| (artist.name.as_str(), artist.genre.as_str())).collect();
    assert_eq!(names, [("New York Philharmonic", "orchestra"), ("Michael Tilson Thomas", "conductor"), ("Emanuel Ax", "piano")]);
    assert_eq!(first.starts_at_us, 1_726_183_800_000_000, "half past seven in New York");
    assert!(
        first.description.starts_with("Wolfgang Amadeus Mozart: Concerto, Piano No. 14, E-flat Major, K.449\n"),
        "{}",
        first.description
    );
    assert!(first.description.ends_with("Manhattan, NY"));
    assert_eq!((first.place.city.as_str(), first.place.capacity), ("New York", 2_200));
    let all = |test: &dyn Fn(&Listing) -> bool| found.listings.iter().any(test);
    assert!(all(&|listing| listing.artists.iter().any(|artist| artist.name == "Jakub Hrůša")), "the spelling in brackets");
    assert!(all(&|listing| listing.artists.iter().any(|artist| artist.name == "Renée Fleming")));
    assert!(all(&|listing| listing.artists.iter().any(|artist| artist.name == "Tyrone Clinton Jr.")));
    assert!(all(&|listing| listing.place.name == "The Museum of Modern Art"));
    assert!(all(&|listing| listing.place.country == "KR" && listing.place.time_zone == "Asia/Seoul"));
    assert!(!all(&|listing| listing.artists.iter().any(|artist| artist.name.contains("conducted"))));
    assert!(all(&|listing| listing.description.contains("The Four Seasons")), "a title in pieces");
}

#[test]
fn conferences_are_read() {
    let found = read(demo::CONFERENCES).unwrap();
    assert_eq!((found.listings.len(), codes(&found)), (43, BTreeMap::from([("no_place", 3)])));
    let first = &found.listings[0];
    assert_eq!((first.name.as_str(), first.key.as_str()), ("Fosdem", "conference:fosdem:2026-01-31:brussels"));
    assert_eq!(first.starts_at_us, 1_769_846_400_000_000, "nine in Brussels");
    assert!(found.listings.iter().any(|listing| listing.place.city == "Chișinău"));
    let austin = found.listings.iter().find(|listing| listing.name == "SpiceWorld").unwrap();
    assert_eq!((austin.place.city.as_str(), austin.place.time_zone.as_str()), ("Austin", "America/Chicago"));
}

#[test]
fn dirt_is_named_and_left_out() {
    let ok = json!({"name": " A\u{0} \n conference ", "startDate": "2026-05-07", "city": "Berlin", "country": "Germany"});
    let list = json!([
        ok, ok, {"name": "x"}, {"name": 5, "startDate": "2026-05-07"}, 7, null,
        {"name": "x", "startDate": "2026-02-30", "city": "Berlin", "country": "Germany"},
        {"name": "x", "startDate": "2026-05-07", "city": "Atlantis", "country": "Sea"},
        {"name": "x", "startDate": "2026-05-07"},
        {"name": "n".repeat(5_000), "startDate": "2026-05-07", "city": "Berlin", "country": "Germany", "url": "u".repeat(100_000)},
    ]);
    let found = read(list.to_string().as_bytes()).unwrap();
    assert_eq!(found.listings[0].name, "A conference");
    assert_eq!((found.listings[1].name.len(), found.listings[1].description.len()), (NAME_BYTES_MAX, DESCRIPTION_BYTES_MAX));
    let expected = [("duplicate", 1), ("no_name", 3), ("no_place", 1), ("no_time", 2), ("unknown_place", 1)];
    assert_eq!(codes(&found), BTreeMap::from(expected));
    assert_eq!(found.skipped[0], Skip { pointer: "/1".into(), code: SkipCode::Duplicate, detail: "the same event as /0".into() });

    let archive = json!({"programs": [
        {"orchestra": "O", "concerts": [
            {"Venue": "Hall", "Location": "Vail, CO", "Date": "2026-01-01T05:00:00Z", "Time": "12:00AM"},
            {"Venue": "Hall", "Location": "Vail, CO", "Date": "2026-01-01T05:00:00Z", "Time": "13:00PM"},
            {"Venue": "Hall", "Location": "Vail", "Date": "2026-01-01T05:00:00Z", "Time": "1:00PM"},
            {"Location": "Vail, CO", "Date": "2026-01-01T05:00:00Z", "Time": "1:00PM"},
            {"Venue": "Hall", "Location": "Vail, CO", "Date": "é", "Time": "é"},
        ], "works": [{"workTitle": {"em": 5}}, {"composerName": ","}, 3, {"soloists": [{}]}]},
        {"concerts": [{}]}, {}, [],
    ]});
    let found = read(archive.to_string().as_bytes()).unwrap();
    assert_eq!(found.listings.len(), 1);
    assert_eq!((found.listings[0].name.as_str(), found.listings[0].starts_at_us), ("O", 1_767_250_800_000_000));
    assert_eq!(codes(&found), BTreeMap::from([("no_name", 1), ("no_time", 2), ("unknown_place", 2)]));
    for bad in ["", "{", "{}", "5", "{\"programs\": 5}"] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
}
