//! Tests of the index over the World Cup's fixtures: what is found, in which order, and what survives restarts and damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::schema::VERSION;
use crate::{Availability, Cursor, EventDoc, Facet, Index, InvalidCursor, Kind, LocalDay, Query, SearchError};

const HOUR: u64 = 3_600_000_000;
const NOW: u64 = 1_780_000_000_000_000;

/// The value of `"key": "value"` or `"key": value`.
fn field(object: &str, key: &str) -> String {
    let (_, rest) = object.split_once(&format!("\"{key}\":")).unwrap();
    let rest = rest.trim_start();
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next().unwrap().to_owned(),
        None => rest.split([',', '}', '\n']).next().unwrap().to_owned(),
    }
}

/// The 104 matches, an hour apart, ids from 1. Not read by the importer, which lives in a crate that this one does not know.
fn fixtures() -> Vec<EventDoc> {
    let stadiums = include_str!("../../demo/events/worldcup2026-stadiums.json");
    let stadiums: Vec<&str> = stadiums.split("\"city\"").skip(1).collect();
    let matches = include_str!("../../demo/events/worldcup2026-matches.json");
    let matches = matches.split("{\"round\"").skip(1).map(|object| format!("\"round\"{object}"));
    let event = |(position, object): (usize, String)| {
        let (one, other, ground) = (field(&object, "team1"), field(&object, "team2"), field(&object, "ground"));
        let stadium = stadiums.iter().find(|stadium| stadium.contains(&format!("\"{ground}\""))).unwrap();
        EventDoc {
            id: position as u128 + 1,
            name: format!("{one} v {other}"),
            description: format!("World Cup 2026, {}", field(&object, "round")),
            venue: field(stadium, "name"),
            city: ground,
            country: field(stadium, "cc"),
            category: "football".to_owned(),
            starts_at_us: NOW + position as u64 * HOUR,
            from_price: Some(5_000 + position as u64),
            availability: Availability::Available,
            on_sale: position % 2 == 0,
            venue_id: ground_id(&object),
            performer_ids: vec![position as u128],
            day: LocalDay { year: 2026, month: 6 + (position / 60) as u8, day: 13, weekday: 1 + (position % 7) as u8 },
            performers: vec![one, other],
            ..EventDoc::default()
        }
    };
    let all: Vec<EventDoc> = matches.enumerate().map(event).collect();
    assert_eq!(all.len(), 104);
    all
}

/// An id for a ground: its letters.
fn ground_id(object: &str) -> u128 {
    field(object, "ground").bytes().fold(0, |id, byte| id << 8 | u128::from(byte))
}

fn filled(dir: &Path) -> Index {
    let index = Index::open(dir).unwrap();
    index.apply(fixtures(), Vec::new(), 7).unwrap();
    index
}

/// The folder of the one generation in an index's folder.
fn generation(dir: &Path) -> PathBuf {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn query(text: &str) -> Query {
    Query { text: text.to_owned(), now_us: NOW, ..Query::default() }
}

/// The names that a text finds, best first.
fn names(index: &Index, query: &Query) -> Vec<String> {
    let all = fixtures();
    let hits = index.search(query, 200, None).unwrap().hits;
    hits.iter().map(|hit| all.iter().find(|event| event.id == hit.id).unwrap().name.clone()).collect()
}

#[test]
fn people_find_what_they_mean() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let all = fixtures();
    let ids = |test: &dyn Fn(&EventDoc) -> bool| all.iter().filter(|event| test(event)).map(|event| event.id).collect::<BTreeSet<_>>();
    let found = |text: &str| index.search(&query(text), 200, None).unwrap().hits.iter().map(|hit| hit.id).collect::<BTreeSet<_>>();

    let mexico = ids(&|event| event.name.contains("Mexico") || event.city.contains("Mexico"));
    assert!(mexico.len() >= 5);
    for text in ["mexico", "MEXICO", "  M\u{e9}xico ", "mexcio", "mexic", "mexco", "\"mexico\""] {
        assert_eq!(found(text), mexico, "{text}");
    }
    let curacao = ids(&|event| event.name.contains("Cura\u{e7}ao"));
    assert_eq!(curacao.len(), 3);
    for text in ["curacao", "Cura\u{e7}ao", "Curac\u{327}ao", "curaçau", "curacoa", "curac"] {
        assert_eq!(found(text), curacao, "{text}");
    }
    let finals = ids(&|event| event.description.ends_with(", Final"));
    assert_eq!((finals.len(), found("final east ruth")), (1, finals.clone()));
    assert_eq!(found("Final New York Argentina"), finals);
    assert_eq!(found("spain argentina metlife"), finals);
    assert_eq!(found("levis stadium").len(), 6);
    assert_eq!(found("bosnia herzegovina usa"), ids(&|event| event.name == "USA v Bosnia & Herzegovina"));
    assert_eq!(found("philadelfia"), found("philadelphia"));
    assert_eq!(found("filadelphia").len(), 6, "two errors in a long word");
    assert!(found("mexico zanzibar").is_empty(), "every word has to be found");
    assert!(found("mxc").is_empty(), "no errors in short words");
    assert_eq!(found("2026").len(), 104);
    assert!(found("2027").is_empty(), "no errors in numbers");
    assert!(found("mexic ") == mexico, "a finished word may still have an error");
    assert!(found("mex ").is_empty(), "a finished word is no prefix");
}

#[test]
fn words_in_quotes_follow_each_other() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    assert_eq!(names(&index, &query("\"south africa\"")), names(&index, &query("\"South Africa")));
    assert_eq!(names(&index, &query("\"south korea\" \"mexico city\"")), Vec::<String>::new());
    assert_eq!(
        names(&index, &query("\"v spain\"")).len() + names(&index, &query("\"spain v\"")).len(),
        names(&index, &query("spain")).len()
    );
    assert!(names(&index, &query("\"africa south\"")).is_empty());
}

#[test]
fn a_word_found_as_typed_beats_one_with_an_error() {
    let dir = TempDir::new().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let event = |id, name: &str, popularity| EventDoc { id, name: name.to_owned(), popularity, starts_at_us: NOW, ..EventDoc::default() };
    let described = EventDoc { description: "with Marla".to_owned(), ..event(3, "Evening", 0) };
    index.apply(vec![event(1, "Marta", u64::MAX), event(2, "Marla", 0), described, event(4, "Marlas", 90)], Vec::new(), 1).unwrap();
    let found: Vec<u128> = index.search(&query("marla"), 10, None).unwrap().hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found, [4, 2, 3], "unfinished but popular, in the name, in the description; what is known has no error");
    let found: Vec<u128> = index.search(&query("marla marta"), 10, None).unwrap().hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found[..2], [1, 2], "nothing has both: then one may be an error");
    let found: Vec<u128> = index.search(&query("marla "), 10, None).unwrap().hits.iter().map(|hit| hit.id).collect();
    assert_eq!(found[..2], [2, 3]);
}

#[test]
fn filters_narrow() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let count = |query: Query| index.search(&query, 200, None).unwrap().hits.len();
    assert_eq!(count(query("")), 104);
    assert_eq!(count(Query { from_us: Some(NOW + 10 * HOUR), to_us: Some(NOW + 20 * HOUR), ..query("") }), 10);
    assert_eq!(count(Query { city: Some("NEW YORK".to_owned()), ..query("") }), 8);
    assert_eq!(count(Query { city: Some("Jersey York".to_owned()), ..query("") }), 0);
    assert_eq!(count(Query { city: Some("?!".to_owned()), ..query("") }), 0);
    assert_eq!(count(Query { category: Some("Football".to_owned()), ..query("") }), 104);
    assert_eq!(count(Query { category: Some("opera".to_owned()), ..query("") }), 0);
    assert_eq!(count(Query { max_price: Some(5_009), ..query("") }), 10);
    assert_eq!(count(Query { from_us: Some(u64::MAX), to_us: Some(0), ..query("") }), 0);
    let sold_out = EventDoc { availability: Availability::SoldOut, ..fixtures().remove(0) };
    index.apply(vec![sold_out], Vec::new(), 8).unwrap();
    assert_eq!(count(Query { available_only: true, ..query("") }), 103);
}

#[test]
fn pages_join_without_gap_or_repetition() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    for text in ["", "football", "world cup mexico"] {
        let whole = index.search(&query(text), 200, None).unwrap();
        assert_eq!(whole.next, None);
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            // A later clock must not reorder the pages of one search.
            let later = Query { now_us: NOW + joined.len() as u64 * HOUR, ..query(text) };
            let page = index.search(&later, 7, after).unwrap();
            assert!(page.hits.len() <= 7);
            joined.extend(page.hits);
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse::<Cursor>().unwrap());
        }
        assert_eq!(joined, whole.hits, "{text:?}");
    }
    assert_eq!(index.search(&query("football"), 0, None).unwrap().hits, []);
    for text in ["", "1.2.3", "1.2.3.0.5", "x.1.1.0", "1.1.ffffffffffffffffff.0", "1.1.1.2", "+1.1.1.0", "-1.1.1.0"] {
        assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
    }
}

#[test]
fn any_text_is_answered() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let texts = [
        "\u{0}".to_owned(),
        "*:*".to_owned(),
        "name:mexico AND (".to_owned(),
        "(".repeat(1_000),
        "a*a*a*".to_owned(),
        "/.*/ [a TO z] ^9 ~2".to_owned(),
        "\u{202E}\u{1F3AB}\u{FFFF}".to_owned(),
        "x".repeat(1 << 20),
        "abcdefgh ".repeat(100_000),
        "\"\"\"".to_owned(),
        "\u{4E16}\u{754C}\u{676F}".to_owned(),
        "\u{301}\u{301}".repeat(500),
        format!("{}\u{e9}", "x".repeat(255)),
    ];
    for text in texts {
        index.search(&query(&text), 10, None).unwrap();
    }
    assert!(names(&index, &query("?!")).is_empty(), "a text without words finds nothing");
}

#[test]
fn changes_are_searchable_at_once_and_may_come_twice() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    assert_eq!((index.position(), index.len()), (Some(7), 104));
    let mut renamed = fixtures().remove(0);
    renamed.name = "Zanzibar v Atlantis".to_owned();
    for _ in 0..2 {
        index.apply(vec![fixtures().remove(0), renamed.clone()], vec![2, 3, 999], 9).unwrap();
        let hits = index.search(&query("zanzibar"), 10, None).unwrap();
        assert_eq!((hits.hits.len(), hits.position, index.len()), (1, Some(9), 102));
    }
    index.apply(fixtures(), Vec::new(), 8).unwrap();
    assert_eq!((index.position(), index.len()), (Some(9), 102), "older pieces are already in");
    index.replace(fixtures().into_iter().take(5), 4).unwrap();
    assert_eq!((index.position(), index.len()), (Some(4), 5));
}

#[test]
fn many_small_commits_leave_few_segments() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    for position in 8..60 {
        let mut event = fixtures().remove(position % 104);
        event.popularity = position as u64;
        index.apply(vec![event], Vec::new(), position as u64).unwrap();
    }
    assert_eq!((index.len(), index.position()), (104, Some(59)));
    drop(index);
    let segments = || {
        let names = fs::read_dir(generation(dir.path())).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".idx")).count()
    };
    let index = Index::open(dir.path()).unwrap();
    assert_eq!((index.len(), index.position()), (104, Some(59)));
    assert!(segments() < 30, "{} segments", segments());
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let dir = TempDir::new().unwrap();
    let before = names(&filled(dir.path()), &query("mexico"));
    let index = Index::open(dir.path()).unwrap();
    assert_eq!(index.position(), Some(7));
    assert_eq!(names(&index, &query("mexico")), before);
    index.apply(Vec::new(), vec![1], 8).unwrap();
    assert_eq!(names(&index, &query("mexico")).len(), before.len() - 1);
    assert!(matches!(Index::open(dir.path()), Err(SearchError::Busy)), "one owner at a time");
    assert_eq!(index.len(), 103, "and the owner is not disturbed");
}

#[test]
fn a_missing_folder_starts_empty_and_can_be_filled() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("search/index");
    drop(filled(&path));
    fs::remove_dir_all(&path).unwrap();
    let index = Index::open(&path).unwrap();
    assert_eq!((index.position(), index.len()), (None, 0));
    let hits = index.search(&query("mexico"), 10, None).unwrap();
    assert_eq!((hits.hits.len(), hits.position), (0, None));
    index.replace(fixtures(), 12).unwrap();
    assert_eq!((index.position(), index.len()), (Some(12), 104));
    assert!(Index::open(&dir.path().join("new")).is_ok());
    fs::write(dir.path().join("plain"), "x").unwrap();
    assert!(matches!(Index::open(&dir.path().join("plain")), Err(SearchError::Folder(_))));
}

/// Each file flipped, cut and removed in turn: the index is whole or empty, and can be filled again.
#[test]
fn damage_is_never_served() {
    let whole = TempDir::new().unwrap();
    drop(filled(whole.path()));
    let root = whole;
    let whole = generation(root.path());
    let name = whole.file_name().unwrap().to_owned();
    let files: Vec<_> = fs::read_dir(&whole).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(files.len() > 5);
    let expected = 104;
    for file in &files {
        let bytes = fs::read(whole.join(file)).unwrap();
        let flip = |position: usize| {
            let mut bytes = bytes.clone();
            if let Some(byte) = bytes.get_mut(position) {
                *byte ^= 0x10;
            }
            Some(bytes)
        };
        let damages = [flip(0), flip(bytes.len() / 2), flip(bytes.len().saturating_sub(1)), Some(bytes[..bytes.len() / 2].to_vec()), None];
        for (number, damage) in damages.into_iter().enumerate() {
            let dir = TempDir::new().unwrap();
            let copy = dir.path().join(&name);
            fs::create_dir(&copy).unwrap();
            for other in &files {
                fs::copy(whole.join(other), copy.join(other)).unwrap();
            }
            match damage {
                Some(bytes) => fs::write(copy.join(file), bytes).unwrap(),
                None => fs::remove_file(copy.join(file)).unwrap(),
            }
            let index = Index::open(dir.path()).unwrap();
            match index.position() {
                Some(position) => {
                    assert_eq!((position, index.len()), (7, expected), "{file:?} {number}");
                    assert!(!names(&index, &query("mexico")).is_empty());
                }
                None => assert!(index.is_empty(), "{file:?} {number}"),
            }
        }
    }
}

#[test]
fn an_index_of_another_version_starts_empty() {
    let dir = TempDir::new().unwrap();
    let mut schema = tantivy::schema::Schema::builder();
    schema.add_text_field("title", tantivy::schema::TEXT);
    tantivy::Index::create_in_dir(dir.path(), schema.build()).unwrap();
    let index = Index::open(dir.path()).unwrap();
    assert_eq!(index.position(), None);
    index.apply(fixtures(), Vec::new(), 1).unwrap();
    assert_eq!(index.len(), 104);
    assert!(!dir.path().join("meta.json").exists(), "what is of no use goes");
}

#[test]
fn an_older_index_serves_until_it_is_built_anew() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    assert!(!index.is_due());
    drop(index);
    // As an older build would have left it: another version in its name and in its commit.
    let old = generation(dir.path());
    let meta = fs::read(old.join("meta.json")).unwrap();
    let text = String::from_utf8(meta[..meta.len() - 8].to_vec()).unwrap().replace(&format!("\"{VERSION}:7\""), "\"1:7\"");
    let mut checksum = crate::document::Fnv::default();
    checksum.bytes(text.as_bytes());
    fs::write(old.join("meta.json"), [text.as_bytes(), &checksum.0.to_le_bytes()].concat()).unwrap();
    fs::rename(&old, dir.path().join("v1-9")).unwrap();
    fs::create_dir(dir.path().join(format!("v{VERSION}-10"))).unwrap();

    let index = Index::open(dir.path()).unwrap();
    assert!(index.is_due());
    assert_eq!((index.position(), index.len()), (Some(7), 104));
    let before = names(&index, &query("mexico"));
    let mut served = 0;
    let events = fixtures().into_iter().inspect(|_| served += usize::from(names(&index, &query("mexico")) == before));
    index.replace(events, 12).unwrap();
    assert_eq!(served, 104, "it answers all the while");
    assert!(!index.is_due());
    assert_eq!((index.position(), index.len(), names(&index, &query("mexico"))), (Some(12), 104, before));
    drop(index);
    assert_eq!(generation(dir.path()), dir.path().join(format!("v{VERSION}-10")));
    assert_eq!(Index::open(dir.path()).unwrap().position(), Some(12));
}

#[test]
fn prints_say_what_is_known() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let known: BTreeMap<_, _> = index.prints().unwrap().into_iter().collect();
    let expected: BTreeMap<_, _> = fixtures().iter().map(|event| (event.id, event.prints())).collect();
    assert_eq!(known, expected);
}

#[test]
fn more_filters_narrow() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let count = |query: Query| index.search(&query, 200, None).unwrap().hits.len();
    assert_eq!(count(Query { min_price: Some(5_010), max_price: Some(5_019), ..query("") }), 10);
    assert_eq!(count(Query { min_price: Some(u64::MAX), ..query("") }), 0);
    assert_eq!(count(Query { on_sale_only: true, ..query("") }), 52);
    assert_eq!(count(Query { performer_id: Some(3), ..query("") }), 1);
    assert_eq!(count(Query { venue_id: Some(1), ..query("") }), 0);
    let all = fixtures();
    let venue = all[0].venue_id;
    let expected = all.iter().filter(|event| event.venue_id == venue).count();
    assert_eq!(count(Query { venue_id: Some(venue), ..query("") }), expected);
    assert_eq!(count(query("june")), 60);
    assert_eq!(count(query("in july 2026")), 44);
    assert!(count(query("saturday mexico")) > 0);
}

#[test]
fn facets_count_all_hits() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let facets = vec![Facet::City, Facet::Category, Facet::Venue, Facet::Month];
    let hits = index.search(&Query { facets, ..query("mexico") }, 2, None).unwrap();
    let all = fixtures();
    let found = names(&index, &query("mexico")).len() as u64;
    let [cities, categories, venues, months] = hits.facets.as_slice() else { panic!("{:?}", hits.facets) };
    assert_eq!(categories.values, [("football".to_owned(), found)]);
    assert_eq!(months.values.iter().map(|(_, count)| count).sum::<u64>(), found);
    assert_eq!(months.values[0].0, "2026-06");
    let sum = |counts: &[(String, u64)]| counts.iter().map(|(_, count)| count).sum::<u64>();
    assert_eq!((sum(&cities.values), sum(&venues.values)), (found, found));
    assert!(cities.values.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{cities:?}");
    assert!(venues.values.iter().all(|(id, _)| all.iter().any(|event| crate::schema::id_text(event.venue_id) == *id)));
    assert_eq!(index.search(&query("mexico"), 2, None).unwrap().facets, [], "only if they are asked for");
}

#[test]
fn suggestions_go_on_from_what_was_typed() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let texts = |typed: &str| -> Vec<(Kind, String)> {
        let (found, position) = index.suggest(typed, 8, NOW).unwrap();
        assert_eq!(position, Some(7));
        found.into_iter().map(|suggestion| (suggestion.kind, suggestion.text)).collect()
    };
    assert!(texts("cura").contains(&(Kind::Performer, "Cura\u{e7}ao".to_owned())));
    assert!(texts("CURAC\u{327}").contains(&(Kind::Performer, "Cura\u{e7}ao".to_owned())), "accents do not matter");
    assert_eq!(texts("levis s"), [(Kind::Venue, venue_name("Levi"))]);
    assert!(texts("mex").iter().any(|(kind, text)| *kind == Kind::City && text.starts_with("Mexico City")));
    assert!(texts("mexcio").contains(&(Kind::Performer, "Mexico".to_owned())), "one error is forgiven");
    assert!(texts("south k").iter().all(|(_, text)| text.contains("South Korea")));
    let found = texts("s");
    assert!(found.len() == 8 && found.iter().collect::<BTreeSet<_>>().len() == 8, "{found:?}");
    for nothing in ["", "  ", "?!", "qqqq", "mexico zanz", &"x".repeat(10_000)] {
        assert_eq!(texts(nothing), [], "{nothing}");
    }
    let all = index.suggest("a", usize::MAX, NOW).unwrap().0;
    assert!(all.len() <= crate::SUGGESTIONS_MAX);
}

/// The full name of the venue that begins so.
fn venue_name(begins: &str) -> String {
    fixtures().into_iter().find(|event| event.venue.starts_with(begins)).unwrap().venue
}

/// However a text is made, its query has few clauses, so that its cost is bounded by the number of events.
#[test]
fn hostile_texts_cost_little() {
    let dir = TempDir::new().unwrap();
    let index = filled(dir.path());
    let facets = vec![Facet::City, Facet::Category, Facet::Venue, Facet::Month];
    for text in ["aa aa aa aa ".repeat(1 << 16), "\"a b\" ".repeat(1 << 16), "abcdefgh".repeat(1 << 16), "e ".repeat(1 << 18)] {
        let query = Query { city: Some(text.clone()), facets: facets.clone(), text, ..query("") };
        assert_eq!(index.search(&query, usize::MAX, None).unwrap().hits, []);
        let text = query.text;
        let query = Query { text: text.clone(), city: None, ..crate::tests::query("") };
        index.search(&query, usize::MAX, None).unwrap();
        index.suggest(&text, usize::MAX, NOW).unwrap();
    }
}
