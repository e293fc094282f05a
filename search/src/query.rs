//! From what a person typed to what is looked for. There is no syntax but double quotes, so there are no syntax errors.

use tantivy::query::{BooleanQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery, Occur, Query as IndexQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Term};

use crate::text;
use crate::{QUERY_BYTES_MAX, QUERY_WORDS_MAX};

/// A word, or several in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A word; the last one of a query may be unfinished.
    Word {
        /// As it is compared.
        word: String,
        /// Whether it may go on.
        unfinished: bool,
    },
    /// Words that follow each other.
    Phrase(Vec<String>),
}

impl Part {
    fn is_filler(&self) -> bool {
        matches!(self, Part::Word { word, .. } if text::is_filler(word))
    }
}

/// What a text asks for: all of the parts. None if no event can have it; no part if it asks for nothing.
pub(crate) fn asked(text: &str) -> Option<Vec<Part>> {
    let mut parts = parts(text)?;
    if parts.is_empty() {
        return text.trim().is_empty().then_some(parts);
    }
    if let (Some(Part::Word { unfinished, .. }), Some(last)) = (parts.last_mut(), text.chars().next_back()) {
        *unfinished = last.is_alphanumeric();
    }
    if !parts.iter().all(Part::is_filler) {
        parts.retain(|part| !part.is_filler());
    }
    Some(parts)
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
            parts.extend(words.into_iter().map(|word| Part::Word { word, unfinished: false }));
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

/// All of the words in one field, the last one perhaps unfinished, or with one typing error. For suggestions.
pub(crate) fn begins(field: Field, words: &[String], typo: bool) -> Box<dyn IndexQuery> {
    let Some((last, finished)) = words.split_last() else { return Box::new(EmptyQuery) };
    let term = |word: &String| Term::from_field_text(field, word);
    let mut clauses: Vec<(Occur, Box<dyn IndexQuery>)> = Vec::new();
    for word in finished {
        clauses.push((Occur::Must, unscored(TermQuery::new(term(word), IndexRecordOption::Basic))));
    }
    clauses.push((Occur::Must, unscored(FuzzyTermQuery::new_prefix(term(last), u8::from(typo), true))));
    Box::new(BooleanQuery::new(clauses))
}

fn unscored(query: impl IndexQuery) -> Box<dyn IndexQuery> {
    Box::new(ConstScoreQuery::new(Box::new(query), 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Part {
        Part::Word { word: text.to_owned(), unfinished: false }
    }

    #[test]
    fn texts_become_words_and_phrases() {
        assert_eq!(parts("Final east").unwrap(), [word("final"), word("east")]);
        let phrase = Part::Phrase(vec!["new".to_owned(), "york".to_owned()]);
        assert_eq!(parts("a \"New York\" b").unwrap(), [word("a"), phrase.clone(), word("b")]);
        assert_eq!(parts("\"one\" \"not closed").unwrap(), [word("one"), word("not"), word("closed")]);
        assert_eq!(parts("\"\"\"\" !?*").unwrap(), []);
        let unfinished = Part::Word { word: "b".to_owned(), unfinished: true };
        assert_eq!(asked("a \"New York\" b").unwrap(), [phrase, unfinished]);
        assert_eq!(asked("in the ").unwrap(), [word("in"), word("the")], "fillers count if there is nothing else");
        assert_eq!((asked(" "), asked("?!")), (Some(Vec::new()), None));
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
