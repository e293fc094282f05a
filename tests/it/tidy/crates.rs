//! Which crate may use which, where versions are written, and that every dependency is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{files, has_word, markdown_files, members, none, root, toml};

/// The direction of the crates: who may use which other crate of ours.
const EDGES: [(&str, &[&str]); 9] = [
    ("ledger", &[]),
    ("cluster-config", &[]),
    ("tls", &[]),
    ("raft", &["cluster-config", "tls"]),
    ("search", &["ledger"]),
    ("api", &["ledger", "cluster-config", "tls"]),
    ("node", &["ledger", "cluster-config", "tls", "raft", "search", "api"]),
    ("jepsen", &[]),
    ("tests", &["ledger", "cluster-config", "tls", "raft", "search", "api", "node", "jepsen"]),
];

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Every dependency of a member as (table, name, specification).
fn dependencies(member: &str) -> Vec<(&'static str, String, toml::Value)> {
    let manifest = toml(&format!("{member}/Cargo.toml"));
    let tables = TABLES.iter().filter_map(|&table| Some((table, manifest.get(table)?.as_table()?)));
    tables.flat_map(|(table, entries)| entries.iter().map(move |(name, value)| (table, name.clone(), value.clone()))).collect()
}

/// The folder of one of our crates by its package name.
fn folder_of(package: &str) -> Option<&str> {
    match package {
        "boxoffice" => Some("node"),
        "jepsen" => Some("jepsen"),
        _ => package.strip_prefix("boxoffice-"),
    }
}

#[test]
fn crates_depend_in_one_direction() {
    let edges = BTreeMap::from(EDGES);
    let mut complaints = Vec::new();
    for member in members() {
        let Some(allowed) = edges.get(member.as_str()) else {
            complaints.push(format!("{member}: a new crate: say in tidy/crates.rs what it may use"));
            continue;
        };
        for (table, name, _) in dependencies(&member) {
            if let Some(used) = folder_of(&name).filter(|used| !allowed.contains(used)) {
                complaints.push(format!("{member}: [{table}] uses {used}, against the direction of the crates"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn versions_are_written_in_one_place() {
    let mut complaints = Vec::new();
    for member in members() {
        for (table, name, value) in dependencies(&member) {
            if value.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                complaints.push(format!("{member}: [{table}] {name}: write {name}.workspace = true, its version in the root Cargo.toml"));
            }
        }
        if toml(&format!("{member}/Cargo.toml")).get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            complaints.push(format!("{member}: [lints] workspace = true is missing"));
        }
    }
    for (name, value) in workspace_dependencies() {
        if value.get("git").is_some() {
            complaints.push(format!("{name}: comes from git; use a release of a registry"));
        }
    }
    none(&complaints);
}

#[test]
fn every_dependency_is_used_and_explained() {
    let page = super::source::read(&root().join("docs/dependencies.md"));
    let explained: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)).collect();
    let used: BTreeSet<String> = members().iter().flat_map(|member| dependencies(member)).map(|(_, name, _)| name).collect();
    let mut complaints = Vec::new();
    let listed = workspace_dependencies();
    for name in listed.keys().filter(|name| folder_of(name).is_none()) {
        if !explained.contains(name.as_str()) {
            complaints.push(format!("{name}: has no line in docs/dependencies.md"));
        }
        if !used.contains(name) {
            complaints.push(format!("{name}: no crate uses it"));
        }
    }
    for name in explained.iter().filter(|&&name| !listed.contains_key(name)) {
        complaints.push(format!("{name}: explained in docs/dependencies.md, but not a dependency"));
    }
    none(&complaints);
}

#[test]
fn a_crate_lists_only_what_its_code_names() {
    // Used by generated code or by feature selection only, or listed to pin its version, so that no source line names them.
    let silent = ["tonic-prost", "prost", "openraft-macros", "idna_adapter"];
    let mut complaints = Vec::new();
    for member in members() {
        let text: String = files(&member, &["rs", "proto"]).into_iter().map(|(_, text)| text).collect();
        for (table, name, _) in dependencies(&member) {
            if !silent.contains(&name.as_str()) && !has_word(&text, &name.replace('-', "_")) {
                complaints.push(format!("{member}: [{table}] {name}: no source file names it"));
            }
        }
    }
    none(&complaints);
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut complaints = Vec::new();
    for (path, text) in markdown_files() {
        let folder = root().join(&path).parent().expect("a file lies in a folder").to_path_buf();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                complaints.push(format!("{path}: links to {target}, which is not there"));
            }
        }
    }
    none(&complaints);
}

fn workspace_dependencies() -> BTreeMap<String, toml::Value> {
    let manifest = toml("Cargo.toml");
    let table = manifest["workspace"]["dependencies"].as_table().expect("a table");
    table.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}
