//! Text that people and operators write: queries, cursors, configuration files.

use std::sync::OnceLock;

use boxoffice_cluster_config::file::Config;
use boxoffice_search::{Cursor, EventDoc, Index, Query};

/// A node's configuration file.
pub fn configuration(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(config) = Config::parse(text) else { return false };
    let written = toml::to_string(&config).expect("a configuration can be written");
    Config::parse(&written).expect("what is written can be read");
    true
}

/// A cursor of a search.
pub fn search_cursor(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(cursor) = text.parse::<Cursor>() else { return false };
    assert_eq!(cursor.to_string().parse::<Cursor>().ok(), Some(cursor));
    true
}

/// What somebody typed into the search field, and a letter at a time.
pub fn search_query(bytes: &[u8]) -> bool {
    static INDEX: OnceLock<(tempfile::TempDir, Index)> = OnceLock::new();
    let (_, index) = INDEX.get_or_init(small);
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut lines = text.splitn(3, '\n').map(str::to_owned);
    let query = Query { text: lines.next().unwrap_or_default(), city: lines.next(), category: lines.next(), ..Query::default() };
    let found = index.search(&query, 10, None).expect("every query has an answer");
    let _ = index.suggest(&query.text, 10, 0).expect("every query has an answer");
    !found.hits.is_empty()
}

fn small() -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let index = Index::open(dir.path()).expect("an index in it");
    let event = |id: u128, name: &str, city: &str| EventDoc {
        id,
        name: name.into(),
        city: city.into(),
        category: "music".into(),
        ..EventDoc::default()
    };
    let events = vec![
        event(1, "An Evening of Tests", "Testville"),
        event(2, "Die Zauberfl\u{f6}te", "K\u{f6}ln"),
        event(3, "AC/DC \u{2014} 50", "\u{6771}\u{4eac}"),
    ];
    index.replace(events, 1).expect("the index is filled");
    (dir, index)
}
