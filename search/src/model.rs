//! A model of searching that looks at every event: whatever way the index takes through its lists, it finds the same.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::rank::{Ranking, packed, score};
use crate::worth::{Grade, NOTHING_ASKED, PAIR, TYPED, UNFINISHED, Worth};
use crate::{Availability, EventDoc, Index, Query, text};

const NOW: u64 = 1_780_000_000_000_000;
const HOUR: u64 = 3_600_000_000;
/// From words that every event has to words that one has.
const WORDS: [&str; 8] = ["all", "halves", "third", "tenth", "fiftieth", "hundredth", "hundreds", "thousandth"];
const EVERY: [u64; 8] = [1, 2, 3, 10, 50, 100, 170, 1_000];

/// A number that looks random (splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn event(number: u64) -> EventDoc {
    let mut event = EventDoc { id: u128::from(mixed(number)), ..EventDoc::default() };
    for (at, word) in WORDS.iter().enumerate() {
        let draw = mixed(number << 8 | at as u64);
        if draw.is_multiple_of(EVERY[at]) {
            let field = match draw >> 32 & 3 {
                0 => &mut event.name,
                1 => &mut event.venue,
                2 => &mut event.category,
                _ => &mut event.description,
            };
            field.push_str(word);
            field.push(' ');
        }
    }
    event.city = ["New York", "York New", "Berlin", "New Berlin York"][(mixed(number) >> 5) as usize % 4].to_owned();
    event.starts_at_us = NOW + (mixed(number + 1) % 20_000) * HOUR - 1_000 * HOUR;
    event.popularity = mixed(number + 2) % 5_000;
    event.availability = [Availability::SoldOut, Availability::Available][(mixed(number) & 1) as usize];
    event.from_price = Some(mixed(number + 3) % 100);
    event
}

/// What each word, and each pair of them, counts in an event.
fn indexed(event: &EventDoc) -> (BTreeMap<String, Grade>, Vec<String>) {
    let (mut words, mut pairs) = (BTreeMap::new(), Vec::new());
    let texts = [
        (&event.name, Grade::Name),
        (&event.venue, Grade::Place),
        (&event.city, Grade::Place),
        (&event.category, Grade::Kind),
        (&event.description, Grade::Description),
    ];
    for (text, grade) in texts {
        let cut = text::cut(text);
        if grade != Grade::Description {
            pairs.extend(cut.windows(2).map(|two| text::pair(&two[0], &two[1])));
        }
        for word in cut {
            let best = words.entry(word).or_insert(grade);
            *best = grade.max(*best);
        }
    }
    (words, pairs)
}

/// What an event counts in a query of words as typed, the last one perhaps unfinished; none if it does not fit.
fn worth(event: &EventDoc, query: &Query) -> Option<Worth> {
    let (words, pairs) = indexed(event);
    let asked = text::cut(&query.text);
    let mut sum = if asked.is_empty() { NOTHING_ASKED } else { 0 };
    for (at, word) in asked.iter().enumerate() {
        let open = at + 1 == asked.len() && !query.text.ends_with(' ');
        let ways = words.iter().filter_map(|(own, grade)| {
            if own == word {
                Some(TYPED[*grade as usize])
            } else {
                (open && own.starts_with(word.as_str())).then(|| UNFINISHED[*grade as usize])
            }
        });
        sum += ways.max()?;
    }
    sum += asked.windows(2).filter(|two| pairs.contains(&text::pair(&two[0], &two[1]))).map(|_| PAIR[0]).sum::<Worth>();
    let city =
        query.city.as_ref().is_none_or(|city| format!(" {} ", crate::fold(&event.city)).contains(&format!(" {} ", crate::fold(city))));
    let price = query.max_price.is_none_or(|most| event.from_price.is_some_and(|price| price <= most));
    let free = !query.available_only || event.availability != Availability::SoldOut;
    let soon = query.to_us.is_none_or(|to| event.starts_at_us < to);
    (city && price && free && soon).then_some(sum)
}

#[test]
fn finds_what_a_look_at_every_event_finds() {
    let dir = TempDir::new().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut events: BTreeMap<u128, EventDoc> = (0..3_000).map(event).map(|event| (event.id, event)).collect();
    index.replace(events.values().cloned(), 1).unwrap();
    // Some change and some go, so that there are several segments and deleted events.
    let changed: Vec<EventDoc> = (0..400).map(|number| EventDoc { id: event(number * 7).id, ..event(number + 10_000) }).collect();
    let gone: Vec<u128> = (0..200).map(|number| event(number * 11 + 1).id).collect();
    index.apply(changed.clone(), gone.clone(), 2).unwrap();
    events.retain(|id, _| !gone.contains(id));
    events.extend(changed.into_iter().map(|event| (event.id, event)));

    let ranking = Ranking::at(NOW);
    for number in 0..300 {
        let draw = mixed(number + 77);
        let words = (0..draw % 4).map(|at| WORDS[(mixed(draw.wrapping_add(at)) % 8) as usize]);
        let mut text = words.collect::<Vec<_>>().join(" ");
        match draw >> 8 & 3 {
            0 => text.truncate(text.len().saturating_sub(1)),
            1 => text.push_str(" new york "),
            _ => text.push(' '),
        }
        let query = Query {
            text,
            city: (draw >> 10 & 3 == 0).then(|| ["york", "new york", "berlin york"][(draw >> 12) as usize % 3].to_owned()),
            max_price: (draw >> 20 & 3 == 0).then_some(30),
            to_us: (draw >> 22 & 3 == 0).then_some(NOW + 5_000 * HOUR),
            available_only: draw >> 24 & 3 == 0,
            now_us: NOW,
            ..Query::default()
        };
        let fits = |event: &EventDoc| worth(event, &query).map(|worth| (score(worth, ranking.factor(packed(event))), event.id));
        let mut expected: Vec<(u64, u128)> = events.values().filter_map(fits).collect();
        expected.sort_unstable_by_key(|(score, id)| (u64::MAX - score, *id));
        let hits = index.search(&query, 50, None).unwrap();
        let found: Vec<(u64, u128)> = hits.hits.iter().map(|hit| (hit.score, hit.id)).collect();
        if expected.is_empty() {
            // Then every word is looked for with typing errors.
            continue;
        }
        assert_eq!(hits.next.is_some(), expected.len() > 50, "{query:?}");
        expected.truncate(50);
        assert_eq!(found, expected, "{query:?}");
    }
}
