//! What is indexed of an event: its texts by field, all of them together, and numbers to filter, group and rank by.

use tantivy::TantivyDocument;
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, Term, TextFieldIndexing, TextOptions};

use crate::document::EventDoc;
use crate::rank;
use crate::text::{ANALYZER, CUT, clean};
use crate::words::Words;
use crate::worth::Grade;

/// Names of the fast fields, which segments know by name.
pub(crate) const ID_HIGH: &str = "id_high";
pub(crate) const ID_LOW: &str = "id_low";
pub(crate) const RANK: &str = "rank";
pub(crate) const MONTH: &str = "month";
pub(crate) const CONTENT_PRINT: &str = "content_print";
pub(crate) const FIGURES_PRINT: &str = "figures_print";
pub(crate) const STARTS_AT: &str = "starts_at";
pub(crate) const FROM_PRICE: &str = "from_price";
pub(crate) const AVAILABILITY: &str = "availability";
pub(crate) const ON_SALE: &str = "on_sale";
/// Texts as people are shown them, to group by.
pub(crate) const NAME_SHOWN: &str = "name_shown";
pub(crate) const PERFORMER_SHOWN: &str = "performer_shown";
pub(crate) const VENUE_SHOWN: &str = "venue_shown";
pub(crate) const CITY_SHOWN: &str = "city_shown";
pub(crate) const CATEGORY_SHOWN: &str = "category_shown";
/// Ids as text, to filter and to group by.
pub(crate) const VENUE_ID: &str = "venue_id";

/// Of a change to the fields or to how words are cut: an index of another version is built anew, and serves until then if it has
/// all of these fields.
pub(crate) const VERSION: u32 = 4;

/// The fields by handle.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// The id, to delete by.
    id: Field,
    pub name: Field,
    pub performers: Field,
    pub venue: Field,
    pub city: Field,
    country: Field,
    pub category: Field,
    description: Field,
    /// Words of the day when it starts.
    pub dates: Field,
    /// The words of all texts but the days, once each, their frequency the grade of the best field that has them.
    pub words: Field,
    /// Two words that follow each other, in all texts but the description.
    pub pairs: Field,
    pub venue_id: Field,
    pub performer_ids: Field,
    id_high: Field,
    id_low: Field,
    rank: Field,
    month: Field,
    content_print: Field,
    figures_print: Field,
    name_shown: Field,
    performer_shown: Field,
    venue_shown: Field,
    city_shown: Field,
    category_shown: Field,
    starts_at: Field,
    from_price: Field,
    availability: Field,
    on_sale: Field,
}

/// The schema of this version.
pub(crate) fn schema() -> Schema {
    let text = |cut, record| {
        let indexing = TextFieldIndexing::default().set_tokenizer(cut).set_index_option(record).set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let phrases = text(ANALYZER, IndexRecordOption::WithFreqsAndPositions);
    let shown = TextOptions::default().set_fast("raw");
    let mut schema = Schema::builder();
    schema.add_bytes_field("id", INDEXED);
    for name in ["name", "performers", "venue", "city", "country", "category", "description"] {
        schema.add_text_field(name, phrases.clone());
    }
    schema.add_text_field("dates", text(ANALYZER, IndexRecordOption::Basic));
    schema.add_text_field("words", text(CUT, IndexRecordOption::WithFreqs));
    schema.add_text_field("pairs", text(CUT, IndexRecordOption::Basic));
    schema.add_text_field(VENUE_ID, STRING | FAST);
    schema.add_text_field("performer_ids", STRING);
    for name in [NAME_SHOWN, PERFORMER_SHOWN, VENUE_SHOWN, CITY_SHOWN, CATEGORY_SHOWN] {
        schema.add_text_field(name, shown.clone());
    }
    let numbers = [ID_HIGH, ID_LOW, RANK, MONTH, CONTENT_PRINT, FIGURES_PRINT, STARTS_AT, FROM_PRICE, AVAILABILITY, ON_SALE];
    for name in numbers {
        schema.add_u64_field(name, FAST);
    }
    schema.build()
}

impl Fields {
    /// The fields of a schema; none if it lacks one.
    pub fn of(schema: &Schema) -> Option<Fields> {
        let field = |name: &str| schema.get_field(name).ok();
        Some(Fields {
            id: field("id")?,
            name: field("name")?,
            performers: field("performers")?,
            venue: field("venue")?,
            city: field("city")?,
            country: field("country")?,
            category: field("category")?,
            description: field("description")?,
            dates: field("dates")?,
            words: field("words")?,
            pairs: field("pairs")?,
            venue_id: field(VENUE_ID)?,
            performer_ids: field("performer_ids")?,
            id_high: field(ID_HIGH)?,
            id_low: field(ID_LOW)?,
            rank: field(RANK)?,
            month: field(MONTH)?,
            content_print: field(CONTENT_PRINT)?,
            figures_print: field(FIGURES_PRINT)?,
            name_shown: field(NAME_SHOWN)?,
            performer_shown: field(PERFORMER_SHOWN)?,
            venue_shown: field(VENUE_SHOWN)?,
            city_shown: field(CITY_SHOWN)?,
            category_shown: field(CATEGORY_SHOWN)?,
            starts_at: field(STARTS_AT)?,
            from_price: field(FROM_PRICE)?,
            availability: field(AVAILABILITY)?,
            on_sale: field(ON_SALE)?,
        })
    }

    /// What only this event has.
    pub fn own_term(&self, id: u128) -> Term {
        Term::from_field_bytes(self.id, &id.to_be_bytes())
    }

    /// The fields that hold texts, with their grades.
    pub fn graded(&self) -> [(Field, Grade); 7] {
        [
            (self.name, Grade::Name),
            (self.performers, Grade::Performer),
            (self.venue, Grade::Place),
            (self.city, Grade::Place),
            (self.country, Grade::Kind),
            (self.category, Grade::Kind),
            (self.description, Grade::Description),
        ]
    }

    /// An event as it is indexed.
    pub fn document(&self, event: &EventDoc) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_bytes(self.id, &event.id.to_be_bytes());
        let single = [
            (self.name, Grade::Name, &event.name),
            (self.venue, Grade::Place, &event.venue),
            (self.city, Grade::Place, &event.city),
            (self.country, Grade::Kind, &event.country),
            (self.category, Grade::Kind, &event.category),
            (self.description, Grade::Description, &event.description),
        ];
        let performers = event.performers.iter().map(|performer| (self.performers, Grade::Performer, performer));
        let mut words = Words::default();
        for (field, grade, text) in single.into_iter().chain(performers) {
            let text = clean(text);
            words.take(&text, grade);
            document.add_text(field, text);
        }
        document.add_text(self.words, words.graded());
        document.add_text(self.pairs, words.pairs());
        document.add_text(self.dates, event.day.words());
        let shown = [
            (self.name_shown, &event.name),
            (self.venue_shown, &event.venue),
            (self.city_shown, &event.city),
            (self.category_shown, &event.category),
        ];
        for (field, text) in shown.into_iter().chain(event.performers.iter().map(|performer| (self.performer_shown, performer))) {
            if !text.is_empty() {
                document.add_text(field, text);
            }
        }
        document.add_text(self.venue_id, id_text(event.venue_id));
        event.performer_ids.iter().for_each(|id| document.add_text(self.performer_ids, id_text(*id)));
        self.numbers(event, &mut document);
        document
    }

    fn numbers(&self, event: &EventDoc, document: &mut TantivyDocument) {
        let prints = event.prints();
        let numbers = [
            (self.id_high, (event.id >> 64) as u64),
            (self.id_low, event.id as u64),
            (self.rank, rank::packed(event)),
            (self.content_print, prints.content),
            (self.figures_print, prints.figures),
            (self.starts_at, event.starts_at_us),
            (self.availability, event.availability as u64),
            (self.on_sale, u64::from(event.on_sale)),
        ];
        let optional = [(self.month, event.day.month_number()), (self.from_price, event.from_price)];
        let optional = optional.into_iter().filter_map(|(field, number)| number.map(|number| (field, number)));
        numbers.into_iter().chain(optional).for_each(|(field, number)| document.add_u64(field, number));
    }
}

/// An id as the index knows it.
pub(crate) fn id_text(id: u128) -> String {
    format!("{id:032x}")
}
