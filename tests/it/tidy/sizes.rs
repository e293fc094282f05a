//! Files, functions, lines and scripts stay small. `ratchet.txt` lists what is larger: an entry may shrink, never grow.

use std::collections::BTreeMap;
use std::fs;

use super::source::{none, read, root, rust_files};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 140;
const SCRIPT_LINES_MAX: usize = 40;

/// Functions of a file as (name, lines). Relies on the formatter: a body ends at a closing brace in the column of its `fn`.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let Some(name) = function_name(code) else { continue };
        if code.ends_with('}') || code.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let declared = format!("{})", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| *line == closing || (line.starts_with(&declared) && line.ends_with(';')));
        found.push((name, end.map_or(lines.len() - start, |end| end + 1)));
    }
    found
}

/// The name of the function that a line of code begins, if it begins one.
fn function_name(code: &str) -> Option<String> {
    let (before, after) = code.split_once("fn ")?;
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""];
    if !before.split_whitespace().all(|word| qualifiers.contains(&word)) {
        return None;
    }
    let name: String = after.chars().take_while(|&letter| letter.is_alphanumeric() || letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// What may be larger than the limits: name -> lines.
fn ratchet() -> BTreeMap<String, usize> {
    let text = read(&root().join("tests/it/tidy/ratchet.txt"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, lines) = line.rsplit_once(' ').expect("a line of the ratchet is: name lines");
            (name.to_owned(), lines.parse().expect("a number of lines"))
        })
        .collect()
}

#[test]
fn files_and_functions_are_small() {
    let mut listed = ratchet();
    let mut complaints = Vec::new();
    let mut check = |name: String, lines: usize, limit: usize| {
        if lines > limit {
            let allowed = listed.remove(&name).unwrap_or(limit);
            if lines > allowed {
                complaints.push(format!("{name}: {lines} lines, {allowed} allowed"));
            }
        }
    };
    for (path, text) in rust_files() {
        for (name, lines) in functions(&text) {
            check(format!("{path}::{name}"), lines, FUNCTION_LINES_MAX);
        }
        check(path, text.lines().count(), FILE_LINES_MAX);
    }
    complaints.extend(listed.keys().map(|name| format!("{name}: fits the limits now: take it off ratchet.txt")));
    none(&complaints);
}

#[test]
fn files_say_what_they_are() {
    let files = rust_files();
    let silent = files.iter().filter(|(_, text)| !text.starts_with("//! "));
    none(&silent.map(|(path, _)| format!("{path}: the first line must be //! and say what the file is")).collect::<Vec<_>>());
}

#[test]
fn lines_fit_the_screen() {
    let mut complaints = Vec::new();
    for (path, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX {
                complaints.push(format!("{path}:{}: longer than {LINE_CHARS_MAX} characters", number + 1));
            }
        }
    }
    none(&complaints);
}

#[test]
fn scripts_are_short() {
    let mut complaints = Vec::new();
    for folder in ["scripts", ".ci"] {
        for entry in fs::read_dir(root().join(folder)).expect("the folder is there") {
            let path = entry.expect("a readable folder").path();
            let lines = read(&path).lines().count();
            if lines > SCRIPT_LINES_MAX {
                complaints.push(format!("{}: {lines} lines: make it a subcommand or a test", path.display()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn every_file_is_part_of_a_crate() {
    let files = rust_files();
    let mut complaints = Vec::new();
    for (path, _) in &files {
        let (folder, file) = path.rsplit_once('/').expect("below a folder");
        let stem = file.trim_end_matches(".rs");
        let is_root = matches!(stem, "lib" | "main" | "build") || ["bin", "benches", "examples"].iter().any(|kind| folder.ends_with(kind));
        let is_test_root = folder.split('/').count() == 2 && folder.ends_with("/tests");
        if is_root || is_test_root {
            continue;
        }
        let (name, parents) = if stem == "mod" {
            let (above, name) = folder.rsplit_once('/').expect("a module lies below a crate");
            (name, [format!("{above}/mod.rs"), format!("{above}/lib.rs"), format!("{above}/main.rs"), format!("{above}.rs")])
        } else {
            (stem, [format!("{folder}/mod.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs"), format!("{folder}.rs")])
        };
        let declared = |text: &str| text.contains(&format!("mod {name};"));
        if !files.iter().any(|(path, text)| parents.contains(path) && declared(text)) {
            complaints.push(format!("{path}: no module declares it"));
        }
    }
    none(&complaints);
}

#[test]
fn functions_are_measured() {
    let text = concat!(
        "fn one() {\n    a();\n}\n\nimpl X {\n    pub async fn two(\n        a: u8,\n    ) -> u8 {\n        b()\n    }\n",
        "    fn none();\n}\n"
    );
    assert_eq!(functions(text), [("one".to_owned(), 3), ("two".to_owned(), 5)]);
}
