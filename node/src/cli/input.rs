//! What commands read from files, or from standard input as `-`.

use std::io::Read as _;

use anyhow::Context as _;
use serde_json::Value;

/// The text of a file.
///
/// # Errors
/// When it cannot be read.
pub fn text(file: &str) -> anyhow::Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file).with_context(|| format!("read {file}"));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("read standard input")?;
    Ok(text)
}

/// The JSON in a file.
///
/// # Errors
/// When it cannot be read or is none.
pub fn json(file: &str) -> anyhow::Result<Value> {
    serde_json::from_str(&text(file)?).with_context(|| format!("read JSON from {file}"))
}

/// A secret: the one line of a file.
///
/// # Errors
/// When it cannot be read, is empty or has more lines.
pub fn secret(file: &str) -> anyhow::Result<String> {
    let text = text(file)?;
    let mut lines = text.lines();
    let secret = lines.next().unwrap_or_default().to_owned();
    anyhow::ensure!(!secret.is_empty() && lines.next().is_none(), "{file} does not hold one line");
    Ok(secret)
}
