//! What the library underneath does with the same events when nothing is added: its own query parser, its own scores, the best ten.
//! The yardstick of the benchmark, and of nothing else.

use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{FAST, Field, STORED, STRING, Schema, TEXT};
use tantivy::{IndexReader, ReloadPolicy, TantivyDocument};

use crate::{EventDoc, SearchError};

/// Memory while it is filled, in bytes.
const FILL_BYTES: usize = 100_000_000;

/// The events as plain documents.
pub struct Raw {
    reader: IndexReader,
    parser: QueryParser,
}

impl Raw {
    /// Fills an index in an empty folder.
    ///
    /// # Errors
    /// [`SearchError::Index`] if it cannot be written.
    pub fn build(dir: &Path, events: impl IntoIterator<Item = EventDoc>) -> Result<Raw, SearchError> {
        build(dir, events).map_err(|error| SearchError::Index(error.to_string()))
    }

    /// How many of the ten best hits there are for a text whose words must all be found.
    ///
    /// # Errors
    /// [`SearchError::Index`] if files cannot be read.
    pub fn search(&self, text: &str) -> Result<usize, SearchError> {
        let (query, _) = self.parser.parse_query_lenient(text);
        let hits = self.reader.searcher().search(&query, &TopDocs::with_limit(10).order_by_score());
        hits.map(|hits| hits.len()).map_err(|error| SearchError::Index(error.to_string()))
    }
}

fn build(dir: &Path, events: impl IntoIterator<Item = EventDoc>) -> tantivy::Result<Raw> {
    let mut schema = Schema::builder();
    let texts: [Field; 6] =
        ["name", "performers", "venue", "city", "category", "description"].map(|name| schema.add_text_field(name, TEXT));
    let id = schema.add_text_field("id", STRING | STORED);
    let starts_at = schema.add_u64_field("starts_at", FAST);
    let index = tantivy::Index::create_in_dir(dir, schema.build())?;
    let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, FILL_BYTES)?;
    for event in events {
        let mut document = TantivyDocument::new();
        let [name, performers, venue, city, category, description] = texts;
        let single = [(name, &event.name), (venue, &event.venue), (city, &event.city), (category, &event.category)];
        for (field, text) in single.into_iter().chain([(description, &event.description)]) {
            document.add_text(field, text);
        }
        event.performers.iter().for_each(|performer| document.add_text(performers, performer));
        document.add_text(id, format!("{:032x}", event.id));
        document.add_u64(starts_at, event.starts_at_us);
        writer.add_document(document)?;
    }
    writer.commit()?;
    writer.wait_merging_threads()?;
    let mut parser = QueryParser::for_index(&index, texts.to_vec());
    parser.set_conjunction_by_default();
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(Raw { reader, parser })
}
