//! What is indexed of an event: its texts by field, all of them together, and numbers to filter and rank by.

use tantivy::TantivyDocument;
use tantivy::schema::{FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};

use crate::EventDoc;
use crate::text::{ANALYZER, clean};

/// Names of the fast fields, which segments know by name.
pub(crate) const ID_HIGH: &str = "id_high";
pub(crate) const ID_LOW: &str = "id_low";
pub(crate) const STARTS_AT: &str = "starts_at";
pub(crate) const AVAILABLE: &str = "available";
pub(crate) const POPULARITY: &str = "popularity";
const FROM_PRICE: &str = "from_price";

/// Of a change to the fields or to how words are cut: an index of another version is started anew.
pub(crate) const VERSION: u32 = 1;

/// The fields by handle.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// The id as text, to delete by.
    pub id: Field,
    pub name: Field,
    pub performers: Field,
    pub venue: Field,
    pub city: Field,
    pub country: Field,
    pub category: Field,
    pub description: Field,
    /// All of the texts, for typing errors and unfinished words.
    pub everything: Field,
    pub id_high: Field,
    pub id_low: Field,
    pub starts_at: Field,
    pub from_price: Field,
    pub available: Field,
    pub popularity: Field,
}

impl Fields {
    /// The schema and its fields.
    pub fn new() -> (Schema, Fields) {
        let text = |record| {
            let indexing = TextFieldIndexing::default().set_tokenizer(ANALYZER).set_index_option(record).set_fieldnorms(false);
            TextOptions::default().set_indexing_options(indexing)
        };
        let (words, phrases) = (text(IndexRecordOption::Basic), text(IndexRecordOption::WithFreqsAndPositions));
        let mut schema = Schema::builder();
        let fields = Fields {
            id: schema.add_text_field("id", STRING),
            name: schema.add_text_field("name", phrases.clone()),
            performers: schema.add_text_field("performers", phrases.clone()),
            venue: schema.add_text_field("venue", phrases.clone()),
            city: schema.add_text_field("city", phrases.clone()),
            country: schema.add_text_field("country", phrases.clone()),
            category: schema.add_text_field("category", phrases.clone()),
            description: schema.add_text_field("description", phrases),
            everything: schema.add_text_field("everything", words),
            id_high: schema.add_u64_field(ID_HIGH, FAST),
            id_low: schema.add_u64_field(ID_LOW, FAST),
            starts_at: schema.add_u64_field(STARTS_AT, FAST),
            from_price: schema.add_u64_field(FROM_PRICE, FAST),
            available: schema.add_u64_field(AVAILABLE, FAST),
            popularity: schema.add_u64_field(POPULARITY, FAST),
        };
        (schema.build(), fields)
    }

    /// An event as it is indexed.
    pub fn document(&self, event: &EventDoc) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, id_text(event.id));
        let single = [
            (self.name, &event.name),
            (self.venue, &event.venue),
            (self.city, &event.city),
            (self.country, &event.country),
            (self.category, &event.category),
            (self.description, &event.description),
        ];
        for (field, text) in single.into_iter().chain(event.performers.iter().map(|performer| (self.performers, performer))) {
            let text = clean(text);
            document.add_text(self.everything, &text);
            document.add_text(field, text);
        }
        document.add_u64(self.id_high, (event.id >> 64) as u64);
        document.add_u64(self.id_low, event.id as u64);
        document.add_u64(self.starts_at, event.starts_at_us);
        document.add_u64(self.available, u64::from(event.available));
        document.add_u64(self.popularity, event.popularity);
        if let Some(price) = event.from_price {
            document.add_u64(self.from_price, price);
        }
        document
    }
}

/// An id as the index knows it.
pub(crate) fn id_text(id: u128) -> String {
    format!("{id:032x}")
}
