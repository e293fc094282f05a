//! The performance archive of the New York Philharmonic: programs, each with its works and with the concerts at which it was played.
//!
//! The archive is written by people over decades: names come last name first, with spellings in brackets; titles in capitals, or
//! in pieces; days as midnight in UTC of the day in New York; some concerts have no time, and some were in somebody's home.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::{Artist, Listing, Listings, Place, SkipCode, moment, one_line, places, text};

/// Halls that are known, with the people that they hold.
const HALLS: [(&str, u32); 7] = [
    ("David Geffen Hall", 2_200),
    ("Merkin Hall", 449),
    ("Gerald R. Ford Amphitheater", 2_565),
    ("Seoul Arts Center (Concert Hall)", 2_505),
    ("Shanghai Symphony Hall", 1_200),
    ("Arts Center Incheon", 1_727),
    ("St. George Theatre", 2_800),
];
/// People, of halls that are not known.
const CAPACITY: u32 = 500;
/// Composers that are named in an event's name.
const NAMED_MAX: usize = 4;
/// Names that are nobody's.
const NOBODY: [&str; 5] = ["traditional", "various", "anthem", "not conducted", "unknown"];
/// Kinds of concerts that need no mention.
const USUAL: [&str; 4] = ["Subscription Season", "Non-Subscription", "Tour", "Special"];

/// Reads the archive.
pub fn read(root: &Value, found: &mut Listings) {
    let mut seen = BTreeMap::new();
    for (number, program) in root["programs"].as_array().into_iter().flatten().enumerate() {
        let works = Works::read(program);
        for (which, concert) in program["concerts"].as_array().into_iter().flatten().enumerate() {
            let pointer = format!("/programs/{number}/concerts/{which}");
            match one_concert(program, &works, concert) {
                Ok(listing) => found.take(&mut seen, pointer, listing),
                Err((code, detail)) => found.skip(pointer, code, detail),
            }
        }
    }
}

/// What is played and by whom.
#[derive(Default)]
struct Works {
    /// Last names, in the order of the program.
    composers: Vec<String>,
    /// A line a work.
    lines: Vec<String>,
    artists: Vec<Artist>,
}

impl Works {
    fn read(program: &Value) -> Self {
        let mut works = Self::default();
        for work in program["works"].as_array().into_iter().flatten() {
            works.add(work);
        }
        works
    }

    fn add(&mut self, work: &Value) {
        let composer = text(work, "composerName").and_then(|name| person(&name));
        if let Some(title) = title(&work["workTitle"]) {
            let line = composer.as_ref().map_or_else(|| title.clone(), |composer| format!("{}: {title}", composer.full));
            if !self.lines.contains(&line) {
                self.lines.push(line);
            }
        }
        if let Some(composer) = composer
            && !self.composers.contains(&composer.last)
        {
            self.composers.push(composer.last);
        }
        if let Some(conductor) = text(work, "conductorName").and_then(|name| person(&name)) {
            self.artists.push(Artist { name: conductor.full, genre: "conductor".into() });
        }
        for soloist in work["soloists"].as_array().into_iter().flatten() {
            let Some(name) = text(soloist, "soloistName").and_then(|name| person(&name)) else { continue };
            let genre = text(soloist, "soloistInstrument").unwrap_or_default().to_lowercase();
            self.artists.push(Artist { name: name.full, genre });
        }
    }
}

fn one_concert(program: &Value, works: &Works, concert: &Value) -> Result<Listing, (SkipCode, String)> {
    let orchestra = text(program, "orchestra").ok_or_else(|| (SkipCode::NoName, "it has no orchestra".to_owned()))?;
    let kind = text(concert, "eventType").unwrap_or_default();
    let venue = text(concert, "Venue").unwrap_or_default();
    if kind.contains("rivate") || venue.starts_with("Home of") {
        return Err((SkipCode::Private, format!("{kind} at {venue}")));
    }
    let day = text(concert, "Date").and_then(|at| at.get(..10)?.parse::<Date>().ok());
    let day = day.ok_or_else(|| (SkipCode::NoTime, format!("{kind}: it has no day")))?;
    let written = text(concert, "Time").unwrap_or_default();
    let time = clock(&written).ok_or_else(|| (SkipCode::NoTime, format!("{kind} on {day}: {written:?} is no time of the day")))?;
    let location = text(concert, "Location").unwrap_or_default();
    let city = places::location(&location).filter(|_| !venue.is_empty());
    let city = city.ok_or_else(|| (SkipCode::UnknownPlace, format!("{kind} on {day}: {venue:?} in {location:?}")))?;
    let starts_at_us = moment(day, time, city.time_zone).ok_or_else(|| (SkipCode::NoTime, format!("{day}: no such day")))?;

    let composers = works.composers.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let host = if kind.is_empty() || USUAL.contains(&kind.as_str()) { orchestra.clone() } else { format!("{orchestra}, {kind}") };
    let name = if composers.is_empty() { host } else { format!("{host}: {composers}") };
    let mut artists = vec![Artist { name: orchestra, genre: "orchestra".into() }];
    artists.extend(works.artists.iter().cloned());
    Ok(Listing {
        key: format!("nyphil:{}:{day}:{}", text(program, "programID").or_else(|| text(program, "id")).unwrap_or_default(), written),
        name,
        description: [works.lines.join("\n"), location].join("\n").trim().to_owned(),
        category: if kind == "Lecture" { "lecture" } else { "concert" }.into(),
        place: Place {
            capacity: HALLS.iter().find(|(hall, _)| *hall == venue).map_or(CAPACITY, |(_, people)| *people),
            name: article_first(&venue),
            city: city.name,
            country: city.country.into(),
            time_zone: city.time_zone.into(),
        },
        artists,
        starts_at_us,
    })
}

/// "7:30PM".
fn clock(text: &str) -> Option<Time> {
    let (time, half) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute): (i8, i8) = (hour.trim().parse().ok()?, minute.trim().parse().ok()?);
    let hour = match (half.to_ascii_uppercase().as_str(), hour) {
        ("AM", 12) => 0,
        ("AM", 1..=11) | ("PM", 12) => hour,
        ("PM", 1..=11) => hour + 12,
        _ => return None,
    };
    Time::new(hour, minute, 0, 0).ok()
}

/// Somebody's name.
struct Person {
    full: String,
    last: String,
}

/// "Gonzalez-Granados [González-Granados], Lina" is Lina González-Granados; "Clinton, Tyrone, Jr." is Tyrone Clinton Jr.
fn person(written: &str) -> Option<Person> {
    let mut words: Vec<String> = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for part in written.split(',') {
        for word in part.split_whitespace() {
            let spelled = word.strip_prefix(['[', '(']).and_then(|word| word.strip_suffix([']', ')']));
            match spelled {
                // The right spelling of the word before.
                Some(spelled) if !words.is_empty() => {
                    words.pop();
                    words.push(spelled.to_owned());
                }
                _ => words.push(word.to_owned()),
            }
        }
        parts.push(std::mem::take(&mut words).join(" "));
    }
    parts.retain(|part| !part.is_empty());
    let last = parts.first()?.clone();
    if NOBODY.contains(&last.to_lowercase().as_str()) {
        return None;
    }
    let first = parts.get(1).cloned().unwrap_or_default();
    let rest = parts.get(2..).unwrap_or_default().join(" ");
    Some(Person { full: one_line(&format!("{first} {last} {rest}")), last })
}

/// "Museum of Modern Art, The" is The Museum of Modern Art.
fn article_first(name: &str) -> String {
    name.strip_suffix(", The").map_or_else(|| name.to_owned(), |rest| format!("The {rest}"))
}

/// A title, which may come in pieces, with its capitals made small.
fn title(value: &Value) -> Option<String> {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Object(pieces) => {
            let mut texts: Vec<&str> = pieces.get("em").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            texts.extend(pieces.get("_").and_then(Value::as_str));
            texts.join(" ")
        }
        _ => return None,
    };
    let words: Vec<String> = whole.split_whitespace().map(quiet).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// A word in capitals with only its first letter left so. Numbers of kings and symphonies keep theirs.
fn quiet(word: &str) -> String {
    let letters: String = word.chars().filter(|letter| letter.is_alphabetic()).collect();
    let roman = !letters.is_empty() && letters.chars().all(|letter| "IVX".contains(letter));
    if roman || letters.chars().any(char::is_lowercase) {
        return word.to_owned();
    }
    let (mut quiet, mut begun) = (String::with_capacity(word.len()), false);
    for letter in word.chars() {
        if begun {
            quiet.extend(letter.to_lowercase());
        } else {
            quiet.push(letter);
        }
        begun |= letter.is_alphabetic();
    }
    quiet
}
