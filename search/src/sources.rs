//! Where events with a word are listed: its own list, those of the words that it begins, those of words with a typing error.

use std::io;
use std::sync::Arc;

use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::query::{EnableScoring, FuzzyTermQuery, PhraseQuery, Query as IndexQuery};
use tantivy::schema::{Field, IndexRecordOption, Term};
use tantivy::{DocId, InvertedIndexReader, Searcher, SegmentReader, TERMINATED};

use crate::query::Part;
use crate::schema::{Fields, id_text};
use crate::worth::{DATE, FILTER, ONE_TYPO, PAIR, TWO_TYPOS, TYPED, UNFINISHED, Worth, Worths};
use crate::{Query, text};

/// Words from this many letters on may have one, or two, typing errors.
const ONE_TYPO_LETTERS: usize = 4;
const TWO_TYPOS_LETTERS: usize = 8;
/// Longer words must be typed right: looking for their neighbours would cost too much.
const TYPO_LETTERS_MAX: usize = 24;
/// An unfinished word has at least this many letters.
const PREFIX_LETTERS_MIN: usize = 2;

/// Some events of a segment, in order, and what they count.
pub(crate) enum Source {
    /// Those that have a word.
    Term { index: Arc<InvertedIndexReader>, info: TermInfo, worths: &'static Worths },
    /// Those that have a phrase.
    Phrase { docs: Vec<DocId>, worth: Worth },
}

/// Events that have one part of a query in one way or another: the best of their sources counts.
#[derive(Default)]
pub(crate) struct Leg {
    pub sources: Vec<Source>,
}

impl Source {
    /// How many events it has.
    pub fn len(&self) -> usize {
        match self {
            Source::Term { info, .. } => info.doc_freq as usize,
            Source::Phrase { docs, .. } => docs.len(),
        }
    }

    /// Its list, of a word.
    pub fn open(index: &InvertedIndexReader, info: &TermInfo, worths: &Worths) -> io::Result<BlockSegmentPostings> {
        let graded = worths.iter().any(|worth| *worth != worths[0]);
        index.read_block_postings_from_terminfo(info, if graded { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic })
    }
}

impl Leg {
    /// How many events all of its sources have, each by itself.
    pub fn len(&self) -> usize {
        self.sources.iter().map(Source::len).sum()
    }
}

/// One leg per segment.
pub(crate) type Legs = Vec<Leg>;

/// Looks words up.
pub(crate) struct Lookup<'a> {
    pub fields: &'a Fields,
    pub searcher: &'a Searcher,
    /// Whether known words are looked for with typing errors too.
    pub loose: bool,
}

impl Lookup<'_> {
    /// Where a part of a query is found.
    pub fn part(&self, part: &Part) -> tantivy::Result<Legs> {
        match part {
            Part::Word { word, unfinished } => self.word(word, *unfinished),
            Part::Phrase(words) => self.phrase(words),
        }
    }

    /// Where words of a query that follow each other do so.
    pub fn pairs(&self, parts: &[Part]) -> tantivy::Result<Vec<Legs>> {
        let mut pairs = Vec::new();
        for two in parts.windows(2) {
            if let [Part::Word { word: first, .. }, Part::Word { word: second, .. }] = two {
                let mut legs = self.empty();
                self.term(&mut legs, self.fields.pairs, &text::pair(first, second), &PAIR)?;
                pairs.push(legs);
            }
        }
        Ok(pairs)
    }

    /// What filters leave over, as far as words and ids say it.
    pub fn filters(&self, query: &Query) -> tantivy::Result<Vec<Legs>> {
        let mut filters = Vec::new();
        let ids = [(self.fields.venue_id, query.venue_id), (self.fields.performer_ids, query.performer_id)];
        let ids = ids.into_iter().filter_map(|(field, id)| id.map(|id| (field, id_text(id))));
        let texts = [(self.fields.city, &query.city), (self.fields.category, &query.category)];
        let texts = texts.into_iter().filter_map(|(field, wanted)| wanted.as_ref().map(|wanted| (field, wanted)));
        let words = texts.flat_map(|(field, wanted)| crate::filters::words(wanted).into_iter().map(move |word| (field, word)));
        for (field, term) in ids.chain(words) {
            let mut legs = self.empty();
            self.term(&mut legs, field, &term, &FILTER)?;
            filters.push(legs);
        }
        Ok(filters)
    }

    fn empty(&self) -> Legs {
        self.searcher.segment_readers().iter().map(|_| Leg::default()).collect()
    }

    fn each(&self, field: Field) -> impl Iterator<Item = tantivy::Result<(usize, Arc<InvertedIndexReader>)>> + '_ {
        let segments = self.searcher.segment_readers().iter().enumerate();
        segments.map(move |(at, segment)| Ok((at, segment.inverted_index(field)?)))
    }

    /// Says whether some segment has the term.
    fn term(&self, legs: &mut Legs, field: Field, term: &str, worths: &'static Worths) -> tantivy::Result<bool> {
        let mut known = false;
        for found in self.each(field) {
            let (at, index) = found?;
            if let Some(info) = index.terms().get(term)? {
                known = true;
                legs[at].sources.push(Source::Term { index, info, worths });
            }
        }
        Ok(known)
    }

    fn word(&self, word: &str, unfinished: bool) -> tantivy::Result<Legs> {
        let mut legs = self.empty();
        let mut known = self.term(&mut legs, self.fields.words, word, &TYPED)? | self.term(&mut legs, self.fields.dates, word, &DATE)?;
        let letters = word.chars().count();
        if unfinished && letters >= PREFIX_LETTERS_MIN {
            known |= self.begun(&mut legs, word)?;
        }
        if (known && !self.loose) || letters > TYPO_LETTERS_MAX || word.bytes().any(|byte| byte.is_ascii_digit()) {
            return Ok(legs);
        }
        let found = letters >= ONE_TYPO_LETTERS && self.typos(&mut legs, word, 1, &ONE_TYPO)?;
        if letters >= TWO_TYPOS_LETTERS && (!found || self.loose) {
            self.typos(&mut legs, word, 2, &TWO_TYPOS)?;
        }
        Ok(legs)
    }

    /// Adds the words that go on from this one. Says whether there are any.
    fn begun(&self, legs: &mut Legs, word: &str) -> tantivy::Result<bool> {
        let mut any = false;
        let mut end = word.as_bytes().to_vec();
        // No byte of a text is 255.
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        for found in self.each(self.fields.words) {
            let (at, index) = found?;
            let mut terms = index.terms().range().gt(word).lt(&end).into_stream()?;
            while terms.advance() {
                any = true;
                legs[at].sources.push(Source::Term { index: Arc::clone(&index), info: terms.value().clone(), worths: &UNFINISHED });
            }
        }
        Ok(any)
    }

    /// Adds the words with typing errors. Says whether there are any.
    fn typos(&self, legs: &mut Legs, word: &str, errors: u8, worths: &'static Worths) -> tantivy::Result<bool> {
        let automaton = FuzzyTermQuery::new(Term::from_field_text(self.fields.words, word), errors, true).automaton()?;
        let mut any = false;
        for found in self.each(self.fields.words) {
            let (at, index) = found?;
            let mut terms = index.terms().search(&automaton).without_keys().into_stream()?;
            while terms.advance() {
                any = true;
                legs[at].sources.push(Source::Term { index: Arc::clone(&index), info: terms.value().clone(), worths });
            }
        }
        Ok(any)
    }

    fn phrase(&self, words: &[String]) -> tantivy::Result<Legs> {
        let count = words.len() as Worth;
        let mut legs = self.empty();
        for (field, grade) in self.fields.graded() {
            let query = PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect());
            let weight = query.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
            for (leg, segment) in legs.iter_mut().zip(self.searcher.segment_readers()) {
                let docs = listed(&*weight, segment)?;
                leg.sources.push(Source::Phrase { docs, worth: count * TYPED[grade as usize] });
            }
        }
        Ok(legs)
    }
}

fn listed(weight: &dyn tantivy::query::Weight, segment: &SegmentReader) -> tantivy::Result<Vec<DocId>> {
    let mut docs = Vec::new();
    let mut scorer = weight.scorer(segment, 1.0)?;
    let mut doc = scorer.doc();
    while doc != TERMINATED {
        docs.push(doc);
        doc = scorer.advance();
    }
    Ok(docs)
}
