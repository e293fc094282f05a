//! How commands print: tables for people, JSON for programs. Data goes to stdout, everything else to stderr.

use clap::ValueEnum;
use serde_json::Value;

/// How to print a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns for people.
    Table,
    /// One JSON value, with the field names of the API.
    Json,
    /// One JSON value a line: the rows of a list, or the one value.
    Jsonl,
}

impl Output {
    /// Prints a value as JSON. A list (`{"object":"list","data":[..]}` or an array) is one row a line with `jsonl`.
    pub fn print_json(self, value: &Value) {
        let rows = value.as_array().or_else(|| value["data"].as_array().filter(|_| value["object"] == "list"));
        match (self, rows) {
            (Self::Jsonl, Some(rows)) => rows.iter().for_each(|row| println!("{row}")),
            _ => println!("{value}"),
        }
    }
}

/// Rows in columns, each as wide as its widest cell; the last column is not padded. Cells that start with a digit are set to the right
/// where the whole column is such.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let columns: Vec<(usize, bool)> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().map(|row| cell(row, column));
            let width = cells.clone().map(|text| text.chars().count()).max().unwrap_or(0).max(head[column].chars().count());
            let is_number = |text: String| text.is_empty() || text == "-" || text.starts_with(|letter: char| letter.is_ascii_digit());
            (width, !rows.is_empty() && cells.clone().all(is_number))
        })
        .collect();
    let line = |texts: &[String]| {
        let cells = texts.iter().zip(&columns).map(|(text, (width, right))| match right {
            true => format!("{text:>width$}"),
            false => format!("{text:<width$}"),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rows = rows.iter().map(|row| line(&(0..columns.len()).map(|column| cell(row, column)).collect::<Vec<_>>()));
    std::iter::once(line(&head)).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let rows = [vec!["1".to_owned(), "leader".to_owned()], vec!["12".to_owned(), "follower".to_owned()]];
        assert_eq!(table(&["node", "role"], &rows), "node  role\n   1  leader\n  12  follower\n");
    }
}
