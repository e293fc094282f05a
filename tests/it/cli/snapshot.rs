//! Holds what was printed against a file: what differs from run to run is masked first.

use boxoffice_tests::binary::source_tree;
use serde_json::Value;

/// Compares a text with the file of this name, or writes the file when `UPDATE_CLI` is set.
pub fn same(name: &str, text: &str) {
    let path = source_tree().join("tests/it/cli").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_CLI").is_some() {
        std::fs::write(&path, text).expect("the file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        let changed = expected.lines().zip(text.lines()).find(|(old, new)| old != new);
        panic!("{name}.txt has changed; UPDATE_CLI=1 writes it anew if that is meant. First difference: {changed:?}\nnow:\n{text}");
    }
}

/// A table with its numbers, ids and times masked, and without the padding that follows their widths.
pub fn table(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(word).collect();
        format!("{}\n", words.join(" "))
    };
    text.lines().map(line).collect()
}

/// JSON, a line a field, with what differs from run to run masked.
pub fn json(value: &Value) -> String {
    fn masked(value: &Value) -> Value {
        match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
            Value::Array(items) => items.iter().take(1).map(masked).collect(),
            Value::String(text) => text.split(' ').map(word).collect::<Vec<_>>().join(" ").into(),
            Value::Number(_) => 0.into(),
            other => other.clone(),
        }
    }
    format!("{:#}\n", masked(value))
}

/// A word, masked if it is an id, a moment, a hash, a number or has one.
fn word(text: &str) -> String {
    let is_id = text.len() >= 30 && text.as_bytes()[3] == b'_' && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_id {
        return format!("{}ID", &text[..4]);
    }
    if let Some((before, after)) = text.split_once(['=', '/']) {
        let sign = &text[before.len()..=before.len()];
        return format!("{}{sign}{}", word(before), word(after));
    }
    if text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return "HASH".to_owned();
    }
    let is_time = text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T';
    if is_time {
        return "TIME".to_owned();
    }
    let mut masked = String::new();
    for letter in text.chars() {
        match letter.is_ascii_digit() {
            true if masked.ends_with('0') => {}
            true => masked.push('0'),
            false => masked.push(letter),
        }
    }
    masked
}
