//! Lists of the API as tables or JSON.

use boxoffice_api::client::{Client, ClientError};
use clap::Args;
use serde_json::Value;

use super::output::{Output, cell, print_fields, table};

/// Which page of a list.
#[derive(Args, Clone, Debug)]
pub struct Page {
    /// Rows in a page, 1 to 100.
    #[arg(long, default_value_t = 25)]
    limit: u32,
    /// Where the page begins, as the page before said.
    #[arg(long)]
    cursor: Option<String>,
}

impl Page {
    /// As the query of a path.
    #[must_use]
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let cursor = self.cursor.iter().map(|cursor| ("cursor", cursor.clone()));
        std::iter::once(("limit", self.limit.to_string())).chain(cursor).collect()
    }
}

/// A column: its head, and the JSON pointer of its cells.
pub type Columns = &'static [(&'static str, &'static str)];

/// Prints a list, and on stderr where it goes on.
pub fn print_list(output: Output, value: &Value, columns: Columns) {
    if output == Output::Table {
        let head: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
        let row = |item: &Value| columns.iter().map(|(_, pointer)| item.pointer(pointer).map_or_else(|| "-".to_owned(), cell)).collect();
        let rows: Vec<Vec<String>> = value["data"].as_array().into_iter().flatten().map(row).collect();
        print!("{}", table(&head, &rows));
    } else {
        output.print_json(value);
    }
    if let Some(next) = value["next_cursor"].as_str() {
        eprintln!("more: --cursor {next}");
    }
}

/// Prints an object.
pub fn print_object(output: Output, value: &Value) {
    match output {
        Output::Table => print_fields(value),
        Output::Json | Output::Jsonl => output.print_json(value),
    }
}

/// Reads a path with a query.
///
/// # Errors
/// See [`ClientError`].
pub async fn read(client: &Client, path: &str, query: &[(&str, String)]) -> Result<Value, ClientError> {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    client.get(&format!("{path}?{}", query.join("&"))).await
}

/// A part of a URL, percent-encoded.
#[must_use]
pub fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
