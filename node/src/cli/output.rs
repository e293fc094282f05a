//! How commands print: tables for people, JSON for programs. Data goes to stdout, everything else to stderr.

use boxoffice_ledger::time::Timestamp;
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

/// Prints an object: a line a field, those of objects within it too, under their path.
pub fn print_fields(value: &Value) {
    let mut fields = Vec::new();
    flatten("", value, &mut fields);
    fields.retain(|(name, _)| name != "object");
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    fields.iter().for_each(|(name, text)| println!("{}", format!("{name:<width$}  {text}").trim_end()));
}

/// The fields of a value that are no objects, with their paths.
pub fn flatten(path: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    match value.as_object() {
        Some(members) if is_money(value) => fields.push((path.to_owned(), money(members.get("amount"), members.get("currency")))),
        Some(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, member, fields);
            }
        }
        None => fields.push((path.to_owned(), cell(value))),
    }
}

/// A value in one cell: text as it is, amounts with their currency, lists with spaces, nothing as a dash.
#[must_use]
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Object(members) if is_money(value) => money(members.get("amount"), members.get("currency")),
        // What a list names is told by its id or label.
        Value::Object(members) => members.get("seat").or(members.get("id")).or(members.get("area")).map_or_else(|| value.to_string(), cell),
        other => other.to_string(),
    }
}

fn is_money(value: &Value) -> bool {
    value["amount"].is_u64() && value["currency"].is_string()
}

fn money(amount: Option<&Value>, currency: Option<&Value>) -> String {
    format!("{} {}", amount.unwrap_or(&Value::Null), currency.and_then(Value::as_str).unwrap_or_default())
}

/// A moment as the API writes it.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let rows = [vec!["1".to_owned(), "leader".to_owned()], vec!["12".to_owned(), "follower".to_owned()]];
        assert_eq!(table(&["node", "role"], &rows), "node  role\n   1  leader\n  12  follower\n");
    }

    #[test]
    fn fields_have_paths_and_cells_say_what_they_are() {
        let value =
            serde_json::json!({"id": "x", "at": {"day": 3}, "total": {"amount": 5, "currency": "EUR"}, "of": [{"id": "y"}, 2], "no": null});
        let mut fields = Vec::new();
        flatten("", &value, &mut fields);
        fields.sort();
        let lines: Vec<String> = fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(lines, ["at.day=3", "id=x", "no=-", "of=y 2", "total=5 EUR"]);
    }
}
