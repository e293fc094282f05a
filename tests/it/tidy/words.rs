//! Words that do not belong: libraries outside their crate, clocks and hash order in the ledger, leftovers, machine paths.

use super::source::{files, has_word, members, none, production_code, read, root, rust_files};

/// Where a word may stand: beginnings of paths. A word that is not listed may stand anywhere.
const HOMES: [(&str, &[&str]); 18] = [
    // HTTP lives at the edge. Tests and fault tests are clients.
    ("axum", &["api/", "tests/"]),
    ("hyper", &["api/", "node/src/payment/sandbox"]),
    ("hyper_util", &["api/", "node/src/payment/sandbox", "raft/src/transport"]),
    ("http_body_util", &["node/src/payment/sandbox", "api/src/layers.rs"]),
    ("reqwest", &["api/", "tests/", "jepsen/", "node/src/payment", "node/src/webhooks"]),
    ("jsonwebtoken", &["api/"]),
    // JSON too; but what a command prints or sends for a person's script is JSON: the CLI, `dev`'s ready line, the load generator.
    (
        "serde_json",
        &["api/", "tests/", "jepsen/", "node/src/cli", "node/src/dev", "node/src/bench/", "node/src/import", "node/src/payment"],
    ),
    ("openraft", &["raft/"]),
    ("tonic", &["raft/"]),
    ("rustls", &["tls/", "jepsen/src/client.rs"]),
    ("tokio_rustls", &["tls/"]),
    ("x509_cert", &["tls/"]),
    ("rcgen", &["tls/"]),
    ("crc32c", &["raft/"]),
    ("prost", &["ledger/", "raft/", "node/src/backup"]),
    ("tantivy", &["search/"]),
    ("sled", &["node/src/journal"]),
    ("bincode", &["node/src/journal"]),
];

/// What the ledger may not name: clocks, randomness, floats, I/O, hash order.
const NOT_IN_LEDGER: [&str; 15] = [
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "RandomState",
    "f32",
    "f64",
    "getrandom",
    "rand",
    "tokio",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::io",
];

/// What is never left behind.
const LEFTOVERS: [&str; 6] = ["#[ignore", "todo!(", "unimplemented!(", "dbg!(", "FIXME", "TODO"];

/// Folders of one machine.
const MACHINE_PATHS: [&str; 4] = ["/work/", "/root/", "/home/", "/tmp/"];

fn is_tidy(path: &str) -> bool {
    path.starts_with("tests/it/tidy/")
}

#[test]
fn libraries_stay_in_their_crates() {
    let mut complaints = Vec::new();
    for (path, text) in rust_files().iter().filter(|(path, _)| !is_tidy(path)) {
        let code = production_code(text);
        for (word, homes) in HOMES {
            if has_word(&code, word) && !homes.iter().any(|home| path.starts_with(home)) {
                complaints.push(format!("{path}: names {word}, which belongs to {}", homes.join(", ")));
            }
        }
        if path.starts_with("raft/src/log/") && has_word(&code, "openraft") {
            complaints.push(format!("{path}: names openraft; the log knows nothing of consensus"));
        }
    }
    none(&complaints);
}

#[test]
fn the_ledger_is_pure() {
    let mut complaints = Vec::new();
    let test_file = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    for (path, text) in files("ledger/src", &["rs"]).iter().filter(|(path, _)| !test_file(path)) {
        let code = production_code(text);
        let found = NOT_IN_LEDGER.iter().filter(|word| has_word(&code, word));
        complaints.extend(found.map(|word| format!("{path}: names {word}: the ledger has no clock, chance, float, I/O or hash order")));
    }
    none(&complaints);
}

#[test]
fn nothing_is_left_behind() {
    let mut complaints = Vec::new();
    for (path, text) in rust_files().iter().filter(|(path, _)| !is_tidy(path)) {
        complaints.extend(LEFTOVERS.iter().filter(|word| text.contains(**word)).map(|word| format!("{path}: {word}")));
    }
    none(&complaints);
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let kinds = ["rs", "toml", "md", "js", "mjs", "json", "proto", "txt", "html", "css"];
    let mut all: Vec<_> = members().iter().chain(&["docs".to_owned()]).flat_map(|folder| files(folder, &kinds)).collect();
    for folder in ["scripts", ".ci"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("the folder is there") {
            let path = entry.expect("a readable folder").path();
            all.push((path.display().to_string(), read(&path)));
        }
    }
    let mut complaints = Vec::new();
    for (path, text) in all.iter().filter(|(path, _)| !is_tidy(path)) {
        complaints.extend(MACHINE_PATHS.iter().filter(|word| text.contains(**word)).map(|word| format!("{path}: {word}")));
    }
    none(&complaints);
}
