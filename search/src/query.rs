//! From what a person typed to a query of bounded cost. There is no syntax but double quotes, so there are no syntax errors.
//!
//! The score of a hit says how its words were found, the same on every node: each word counts [`EXACT`] unless it was only found
//! with a typing error, plus a weight for the field. So hits can be told by how many words they really have.

use std::ops::Bound;

use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, FuzzyTermQuery, Occur, PhraseQuery, Query as IndexQuery,
    RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption, Term};

use crate::schema::{Fields, id_text};
use crate::text;
use crate::{QUERY_BYTES_MAX, QUERY_WORDS_MAX, Query};

/// What a word counts that was found as it was typed. More than the weights of all words together.
pub(crate) const EXACT: f32 = 1_000.0;

/// A word found with one or with two typing errors, wherever it stands.
const ONE_TYPO: f32 = 1.0;
const TWO_TYPOS: f32 = 0.5;
/// An unfinished last word, in the name and elsewhere.
const PREFIX_OF_NAME: f32 = EXACT + 4.0;
const PREFIX: f32 = EXACT + 0.9;

/// A word of the day when an event starts.
const DATE: f32 = 4.0;

/// Words from this many letters on may have one, or two, typing errors.
const ONE_TYPO_LETTERS: usize = 4;
const TWO_TYPOS_LETTERS: usize = 8;
/// Longer words must be typed right: looking for their neighbours would cost too much.
const TYPO_LETTERS_MAX: usize = 24;
/// An unfinished word has at least this many letters.
const PREFIX_LETTERS_MIN: usize = 2;

type Clause = Box<dyn IndexQuery>;

/// A word, or several in a row.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Phrase(Vec<String>),
}

impl Part {
    fn is_filler(&self) -> bool {
        matches!(self, Part::Word(word) if text::is_filler(word))
    }
}

/// Cuts a text into at most [`QUERY_WORDS_MAX`] words. None if it asks for something that no event can have.
fn parts(text: &str) -> Option<Vec<Part>> {
    let pieces: Vec<&str> = text[..bounded(text)].split(['"', '\u{201C}', '\u{201D}', '\u{201E}']).collect();
    let (mut parts, mut room) = (Vec::new(), QUERY_WORDS_MAX);
    for (position, piece) in pieces.iter().enumerate() {
        let mut words = text::words(piece)?;
        words.truncate(room);
        room -= words.len();
        // Pieces at odd positions stand between two quotes, unless the closing one is missing.
        let quoted = position % 2 == 1 && position + 1 < pieces.len();
        if quoted && words.len() > 1 {
            parts.push(Part::Phrase(words));
        } else {
            parts.extend(words.into_iter().map(Part::Word));
        }
    }
    Some(parts)
}

/// The words of a text, as far as they are looked at. None if one of them is too long to be found.
pub(crate) fn first_words(text: &str) -> Option<Vec<String>> {
    let mut words = text::words(&text[..bounded(text)])?;
    words.truncate(QUERY_WORDS_MAX);
    Some(words)
}

/// How much of a text is looked at, in bytes.
fn bounded(text: &str) -> usize {
    let mut end = text.len().min(QUERY_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

impl Fields {
    /// The fields that hold texts, with the weight of a word found there.
    fn weights(&self) -> [(Field, f32); 7] {
        [
            (self.name, 8.0),
            (self.performers, 7.0),
            (self.venue, 5.0),
            (self.city, 5.0),
            (self.country, 3.0),
            (self.category, 3.0),
            (self.description, 1.0),
        ]
    }

    /// The query for the index. Typing errors are looked for in words that are not `known` as they stand.
    pub fn query(&self, query: &Query, known: &dyn Fn(&str) -> bool) -> Clause {
        let Some(parts) = parts(&query.text) else { return Box::new(EmptyQuery) };
        let mut clauses: Vec<(Occur, Clause)> = Vec::new();
        if parts.is_empty() {
            if !query.text.trim().is_empty() {
                return Box::new(EmptyQuery);
            }
            clauses.push((Occur::Must, scored(AllQuery, 1.0)));
        }
        let unfinished = query.text.chars().next_back().is_some_and(char::is_alphanumeric);
        let only_fillers = parts.iter().all(Part::is_filler);
        for (position, part) in parts.iter().enumerate() {
            let clause = match part {
                Part::Word(_) if part.is_filler() && !only_fillers => continue,
                Part::Phrase(words) => self.phrase(words),
                Part::Word(word) => self.word(word, unfinished && position + 1 == parts.len(), known(word)),
            };
            clauses.push((Occur::Must, clause));
        }
        clauses.extend(self.filters(query).into_iter().map(|filter| (Occur::Must, filter)));
        Box::new(BooleanQuery::new(clauses))
    }

    fn word(&self, word: &str, unfinished: bool, known: bool) -> Clause {
        let term = |field| Term::from_field_text(field, word);
        let mut ways: Vec<Clause> = Vec::new();
        for (field, weight) in self.weights() {
            ways.push(scored(TermQuery::new(term(field), IndexRecordOption::Basic), EXACT + weight));
        }
        ways.push(scored(TermQuery::new(term(self.dates), IndexRecordOption::Basic), EXACT + DATE));
        let letters = word.chars().count();
        if unfinished && letters >= PREFIX_LETTERS_MIN {
            ways.push(scored(FuzzyTermQuery::new_prefix(term(self.name), 0, true), PREFIX_OF_NAME));
            ways.push(scored(FuzzyTermQuery::new_prefix(term(self.everything), 0, true), PREFIX));
        }
        if !known && letters <= TYPO_LETTERS_MAX && !word.bytes().any(|byte| byte.is_ascii_digit()) {
            if letters >= ONE_TYPO_LETTERS {
                ways.push(scored(FuzzyTermQuery::new(term(self.everything), 1, true), ONE_TYPO));
            }
            if letters >= TWO_TYPOS_LETTERS {
                ways.push(scored(FuzzyTermQuery::new(term(self.everything), 2, true), TWO_TYPOS));
            }
        }
        Box::new(DisjunctionMaxQuery::new(ways))
    }

    fn phrase(&self, words: &[String]) -> Clause {
        let ways = self.weights().map(|(field, weight)| {
            let count = words.len() as f32;
            scored(in_a_row(field, words), (EXACT + weight) * count)
        });
        Box::new(DisjunctionMaxQuery::new(ways.into()))
    }

    fn filters(&self, query: &Query) -> Vec<Clause> {
        let mut filters: Vec<Clause> = Vec::new();
        let mut range = |field: Field, from: Bound<u64>, to: Bound<u64>| {
            let term = |number| Term::from_field_u64(field, number);
            filters.push(scored(RangeQuery::new(from.map(term), to.map(term)), 0.0));
        };
        if query.from_us.is_some() || query.to_us.is_some() {
            let from = query.from_us.map_or(Bound::Unbounded, Bound::Included);
            range(self.starts_at, from, query.to_us.map_or(Bound::Unbounded, Bound::Excluded));
        }
        if query.min_price.is_some() || query.max_price.is_some() {
            let from = query.min_price.map_or(Bound::Unbounded, Bound::Included);
            range(self.from_price, from, query.max_price.map_or(Bound::Unbounded, Bound::Included));
        }
        for (field, wanted) in [(self.availability, query.available_only), (self.on_sale, query.on_sale_only)] {
            if wanted {
                range(field, Bound::Included(1), Bound::Unbounded);
            }
        }
        for (field, wanted) in [(self.venue_id, query.venue_id), (self.performer_ids, query.performer_id)] {
            if let Some(id) = wanted {
                let term = Term::from_field_text(field, &id_text(id));
                filters.push(scored(TermQuery::new(term, IndexRecordOption::Basic), 0.0));
            }
        }
        for (field, wanted) in [(self.city, &query.city), (self.category, &query.category)] {
            if let Some(wanted) = wanted {
                filters.push(self.has_words(field, wanted));
            }
        }
        filters
    }

    fn has_words(&self, field: Field, wanted: &str) -> Clause {
        let mut words = text::words(wanted).unwrap_or_default();
        words.truncate(QUERY_WORDS_MAX);
        match words.as_slice() {
            [] => Box::new(EmptyQuery),
            [word] => scored(TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::Basic), 0.0),
            words => scored(in_a_row(field, words), 0.0),
        }
    }
}

/// All of the words in one field, the last one perhaps unfinished, or with one typing error. For suggestions.
pub(crate) fn begins(field: Field, words: &[String], typo: bool) -> Clause {
    let Some((last, finished)) = words.split_last() else { return Box::new(EmptyQuery) };
    let term = |word: &String| Term::from_field_text(field, word);
    let mut clauses: Vec<(Occur, Clause)> = Vec::new();
    for word in finished {
        clauses.push((Occur::Must, scored(TermQuery::new(term(word), IndexRecordOption::Basic), 0.0)));
    }
    clauses.push((Occur::Must, scored(FuzzyTermQuery::new_prefix(term(last), u8::from(typo), true), 1.0)));
    Box::new(BooleanQuery::new(clauses))
}

fn in_a_row(field: Field, words: &[String]) -> PhraseQuery {
    PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect())
}

fn scored(query: impl IndexQuery, score: f32) -> Clause {
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Part {
        Part::Word(text.to_owned())
    }

    #[test]
    fn texts_become_words_and_phrases() {
        assert_eq!(parts("Final east").unwrap(), [word("final"), word("east")]);
        let phrase = Part::Phrase(vec!["new".to_owned(), "york".to_owned()]);
        assert_eq!(parts("a \"New York\" b").unwrap(), [word("a"), phrase, word("b")]);
        assert_eq!(parts("\"one\" \"not closed").unwrap(), [word("one"), word("not"), word("closed")]);
        assert_eq!(parts("\"\"\"\" !?*").unwrap(), []);
    }

    #[test]
    fn texts_are_bounded() {
        assert_eq!(parts(&"w ".repeat(1_000)).unwrap().len(), QUERY_WORDS_MAX);
        assert_eq!(parts(&format!("{} tail", "\u{e9}a ".repeat(200))).unwrap().len(), QUERY_WORDS_MAX);
        assert_eq!(parts(&"x".repeat(1_000_000)), None);
        let quotes = parts(&"\"a b\" ".repeat(100)).unwrap();
        assert_eq!(quotes.len(), QUERY_WORDS_MAX / 2);
    }
}
