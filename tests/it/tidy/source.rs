//! The files of the workspace and small helpers to look at them. Finds nothing wrong itself.

use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace").to_path_buf()
}

/// A parsed TOML file of the workspace.
pub fn toml(path: &str) -> toml::Table {
    let text = read(&root().join(path));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The folders of the workspace's members.
pub fn members() -> Vec<String> {
    let manifest = toml("Cargo.toml");
    let members = manifest["workspace"]["members"].as_array().expect("members is a list");
    members.iter().map(|member| member.as_str().expect("a member is a folder's name").to_owned()).collect()
}

/// A file's text.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with one of these extensions that somebody wrote, as (path relative to the root, text), sorted.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules" | "generated") && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extensions.iter().any(|&wanted| extension == wanted)) {
                let shown = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((shown, read(&path)));
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file of the workspace.
pub fn rust_files() -> Vec<(String, String)> {
    members().iter().flat_map(|member| files(member, &["rs"])).collect()
}

/// Every Markdown file of the workspace.
pub fn markdown_files() -> Vec<(String, String)> {
    let mut found: Vec<_> = members().iter().chain(&["docs".to_owned()]).flat_map(|folder| files(folder, &["md"])).collect();
    for name in ["README.md", "ARCHITECTURE.md"] {
        if root().join(name).exists() {
            found.push((name.to_owned(), read(&root().join(name))));
        }
    }
    found
}

/// A Rust file without comments and without what follows its first test module: what production code says.
pub fn production_code(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// A line up to its comment. A `//` inside a string cuts the line too, which hides at most the rest of that line.
pub fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// Whether `word` stands in `text` with no letter, digit or underscore beside it.
pub fn has_word(text: &str, word: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part_of_name) && !text[at + word.len()..].chars().next().is_some_and(part_of_name)
    })
}

/// Fails with every complaint, one a line.
#[track_caller]
pub fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaint(s):\n  {}", complaints.len(), complaints.join("\n  "));
}

#[test]
fn words_are_found_whole() {
    assert!(has_word("use axum::Router;", "axum"));
    assert!(!has_word("use axum_extra::x; taxaxum", "axum"));
    assert!(!has_word(&production_code("let x = 1; // axum\n#[cfg(test)]\nmod tests { use axum; }"), "axum"));
}
