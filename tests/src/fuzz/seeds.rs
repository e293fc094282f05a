//! Real bytes to begin with, from the real encoders and from files that are there.

use std::collections::BTreeMap;
use std::fs;

use boxoffice_api::import::demo;
use serde_json::{Value, json};

use super::{TARGETS, Target};
use crate::binary;

/// What each target's folder should hold, by target.
///
/// # Errors
/// When a file cannot be read.
pub fn real() -> anyhow::Result<BTreeMap<&'static str, Vec<Vec<u8>>>> {
    let mut all: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |name: &'static str, bytes: Vec<u8>| all.entry(name).or_default().push(bytes);
    for (name, bytes) in boxoffice_raft::fuzz::seeds().into_iter().chain(boxoffice_api::fuzz::seeds()).chain(boxoffice::fuzz::seeds()?) {
        add(name, bytes);
    }
    for (name, bytes) in golden()? {
        add(name, bytes);
    }
    let root = binary::source_tree();
    for name in ["one-node", "three-nodes-n1"] {
        add("configuration", fs::read(root.join(format!("cluster-config/examples/{name}.toml")))?);
    }
    for query in ["evening of tests", "zauberfl\u{f6}te\nk\u{f6}ln\nmusic", "ac/dc", "\u{6771}\u{4eac}", "test\ntestville"] {
        add("search_query", query.as_bytes().to_vec());
    }
    add(
        "search_cursor",
        boxoffice_search::Cursor { score: 81_263, id: 7, loose: false, now_us: 1_790_000_000_000_000 }.to_string().into_bytes(),
    );
    for plan in plans()? {
        add("plan_import", plan);
    }
    let matches = fs::read_to_string(root.join("demo/events/worldcup2026-matches.json"))?;
    add("fixtures", few(&matches, "matches")?);
    add("listings", few(&fs::read_to_string(root.join("demo/events/nyphil-2024-25.json"))?, "programs")?);
    add("listings", fs::read_to_string(root.join("demo/events/tech-conferences-2026-general.json")).and_then(|text| first(&text, 3))?);
    Ok(all)
}

/// Small plans in each format.
fn plans() -> anyhow::Result<Vec<Vec<u8>>> {
    let seat = |number: &str, x: u32| {
        let guid = format!("Main-1-{number}");
        json!({"seat_number": number, "seat_guid": guid, "uuid": number, "position": {"x": x, "y": 0}, "category": "A"})
    };
    let row = json!({"row_number": "1", "uuid": "r", "position": {"x": 0, "y": 0}, "seats": [seat("1", 0), seat("2", 20)]});
    let zone = json!({"name": "Main", "uuid": "z", "position": {"x": 0, "y": 0}, "rows": [row], "areas": []});
    let (categories, size) = (json!([{"name": "A", "color": "#fff"}]), json!({"width": 100, "height": 100}));
    let pretix = json!({"name": "Small", "categories": categories, "zones": [zone], "size": size});
    let chart: Value = serde_json::from_slice(demo::SEATSIO_CHART)?;
    let bowls = [json!({"bowl": {"capacity": 5000}}), json!({"bowl": {"name": "Arena", "capacity": 12_000}})];
    [pretix, chart].iter().chain(&bowls).map(|plan| Ok(serde_json::to_vec(plan)?)).collect()
}

/// A listing with the first entries of one of its lists.
fn few(text: &str, list: &str) -> anyhow::Result<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    if let Some(entries) = value[list].as_array_mut() {
        entries.truncate(2);
    }
    Ok(serde_json::to_vec(&value)?)
}

/// The first entries of a list.
fn first(text: &str, count: usize) -> std::io::Result<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    if let Some(entries) = value.as_array_mut() {
        entries.truncate(count);
    }
    Ok(serde_json::to_vec(&value)?)
}

/// The ledger's golden files, each for the first target of its kind that accepts it.
fn golden() -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files = fs::read_dir(binary::source_tree().join("ledger/tests/golden"))?
        .map(|file| Ok(file?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = ["command", "answer", "snapshot", "journal_row", "plan"].into_iter().find(|kind| name.replace('-', "_").contains(kind));
        let bytes = fs::read(&file)?;
        let accepts = |target: &&Target| kind.is_some_and(|kind| target.name.ends_with(kind)) && (target.run)(&bytes);
        if let Some(target) = TARGETS[..11].iter().find(accepts) {
            found.push((target.name, bytes));
        }
    }
    Ok(found)
}
