//! How good the order of hits is: judged queries over the real listings, with a fixed present.
//!
//! A line of `relevance.txt` is a query and its judgements, `query | grade condition & condition | ...`; an event has the grade of the
//! first judgement whose conditions all hold, or none. A condition is `field:words`, words next to each other in that field. The
//! measure is nDCG@10: 1 where the ten first hits are the ten best events in the best order.

use std::fmt::Write as _;

use boxoffice_search::{EventDoc, Index, Query, fold};

use super::listings;
use super::search::unsold;

const JUDGED: &str = include_str!("relevance.txt");
/// 2024-09-01, before all of them.
const NOW: u64 = 1_725_148_800_000_000;
/// Just below what is reached.
const FLOOR: f64 = 0.97;

struct Judged {
    query: String,
    judgements: Vec<(u32, Vec<(String, String)>)>,
}

fn judged() -> Vec<Judged> {
    let lines = JUDGED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let judgement = |text: &str| {
        let (grade, conditions) = text.trim().split_once(' ').unwrap();
        let condition = |text: &str| text.trim().split_once(':').map(|(field, words)| (field.to_owned(), fold(words))).unwrap();
        (grade.parse().unwrap(), conditions.split('&').map(condition).collect())
    };
    lines
        .map(|line| {
            let mut parts = line.split('|');
            Judged { query: parts.next().unwrap().trim().to_owned(), judgements: parts.map(judgement).collect() }
        })
        .collect()
}

fn holds(event: &EventDoc, field: &str, words: &str) -> bool {
    let has = |text: &str| format!(" {} ", fold(text)).contains(&format!(" {words} "));
    match field {
        "name" => has(&event.name),
        "performer" => event.performers.iter().any(|performer| has(performer)),
        "venue" => has(&event.venue),
        "city" => has(&event.city),
        "category" => has(&event.category),
        "description" => has(&event.description),
        "month" => event.day.month.to_string() == words,
        "weekday" => event.day.weekday.to_string() == words,
        other => panic!("{other} is no field"),
    }
}

fn grade(event: &EventDoc, judged: &Judged) -> u32 {
    let judgement = judged.judgements.iter().find(|(_, conditions)| conditions.iter().all(|(field, words)| holds(event, field, words)));
    judgement.map_or(0, |(grade, _)| *grade)
}

fn gain(grades: &[u32]) -> f64 {
    grades.iter().take(10).zip(2_u32..).map(|(&grade, place)| f64::from(2_u32.pow(grade) - 1) / f64::from(place).log2()).sum()
}

#[test]
fn the_best_events_come_first() {
    let events: Vec<EventDoc> = listings::real().unwrap().iter().map(unsold).collect();
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.replace(events.clone(), 1).unwrap();
    let (mut sum, mut table) = (0.0, String::new());
    let all = judged();
    assert!(all.len() >= 60, "{} queries", all.len());
    for judged in &all {
        let mut ideal: Vec<u32> = events.iter().map(|event| grade(event, judged)).collect();
        ideal.sort_unstable_by(|one, other| other.cmp(one));
        assert!(ideal[0] > 0, "nothing is judged good for {:?}", judged.query);
        let asked = Query { text: judged.query.clone(), now_us: NOW, ..Query::default() };
        let hits = index.search(&asked, 10, None).unwrap().hits;
        let found: Vec<u32> = hits.iter().map(|hit| grade(events.iter().find(|event| event.id == hit.id).unwrap(), judged)).collect();
        let ndcg = gain(&found) / gain(&ideal);
        writeln!(table, "{ndcg:.3}  {:<32}{found:?}", judged.query).unwrap();
        sum += ndcg;
    }
    let mean = sum / all.len() as f64;
    println!("{table}nDCG@10 {mean:.4} over {} queries", all.len());
    assert!(mean >= FLOOR, "{table}nDCG@10 {mean:.4}, at least {FLOOR} is wanted");
}
