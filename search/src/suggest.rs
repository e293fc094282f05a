//! Suggestions while somebody types: names of events, performers, venues and cities that have the words so far, each once.
//!
//! ```text
//!  "new yo" --name|performers|venue|city begin with these words--> events --grouped by that text--> best texts of each kind
//! ```

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::schema::Field;
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use crate::facets::text_of;
use crate::query::{begins, first_words};
use crate::rank::{Ranking, score};
use crate::schema::{CITY_SHOWN, Fields, NAME_SHOWN, PERFORMER_SHOWN, RANK, VENUE_SHOWN};
use crate::text;
use crate::worth::NOTHING_ASKED;

/// Most suggestions of one answer.
pub const SUGGESTIONS_MAX: usize = 20;
/// Most texts of one kind that one segment reports.
const GROUPS_MAX: usize = 64;
/// From this many letters on a word may have one typing error, if nothing has it as typed.
const TYPO_LETTERS: usize = 4;

/// What a suggestion names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An event, by its name.
    Event,
    /// A performer.
    Performer,
    /// A venue.
    Venue,
    /// A city.
    City,
}

/// A text that goes on from what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it names.
    pub kind: Kind,
    /// The text, as people write it.
    pub text: String,
    /// How many events have it.
    pub events: u64,
}

/// The best suggestions for a text, best first.
pub(crate) fn suggest(
    searcher: &Searcher,
    fields: &Fields,
    typed: &str,
    limit: usize,
    ranking: Ranking,
) -> tantivy::Result<Vec<Suggestion>> {
    let Some(words) = first_words(typed).filter(|words| !words.is_empty()) else { return Ok(Vec::new()) };
    let exact = all_kinds(searcher, fields, &words, false, ranking)?;
    let may_err = words.last().is_some_and(|last| last.chars().count() >= TYPO_LETTERS);
    let mut found = if exact.is_empty() && may_err { all_kinds(searcher, fields, &words, true, ranking)? } else { exact };
    found.sort_by_cached_key(|(value, suggestion)| (Reverse(*value), suggestion.kind, suggestion.text.clone()));
    found.truncate(limit.min(SUGGESTIONS_MAX));
    Ok(found.into_iter().map(|(_, suggestion)| suggestion).collect())
}

fn all_kinds(
    searcher: &Searcher,
    fields: &Fields,
    words: &[String],
    typo: bool,
    ranking: Ranking,
) -> tantivy::Result<Vec<(u64, Suggestion)>> {
    let kinds: [(Kind, Field, &'static str); 4] = [
        (Kind::Event, fields.name, NAME_SHOWN),
        (Kind::Performer, fields.performers, PERFORMER_SHOWN),
        (Kind::Venue, fields.venue, VENUE_SHOWN),
        (Kind::City, fields.city, CITY_SHOWN),
    ];
    let mut found = Vec::new();
    for (kind, field, column) in kinds {
        let groups = searcher.search(&*begins(field, words, typo), &Groups { column, ranking })?;
        for (text, group) in groups {
            let Some(own) = text::words(&text) else { continue };
            // An event has several performers, and only some of them were meant.
            if matches(&own, words, typo) {
                let begins = own.first().is_some_and(|first| words.first().is_some_and(|word| first.starts_with(word.as_str())));
                let value = group.score.saturating_mul(u64::from(u64::BITS - group.events.leading_zeros())) << u32::from(begins);
                found.push((value, Suggestion { kind, text, events: group.events }));
            }
        }
    }
    Ok(found)
}

/// Whether a text has all words, the last one perhaps unfinished.
fn matches(own: &[String], words: &[String], typo: bool) -> bool {
    let Some((last, finished)) = words.split_last() else { return false };
    let begins = |word: &String| if typo { begins_nearly(word, last) } else { word.starts_with(last.as_str()) };
    finished.iter().all(|word| own.contains(word)) && own.iter().any(begins)
}

/// Whether a word begins with what was typed but for one letter too many, too few or wrong, or two in the wrong order.
fn begins_nearly(word: &str, typed: &str) -> bool {
    let (word, typed): (Vec<char>, Vec<char>) = (word.chars().collect(), typed.chars().collect());
    let same = word.iter().zip(&typed).take_while(|(one, other)| one == other).count();
    let rest = |letters: &[char], from: usize| letters.get(from..).unwrap_or_default().to_vec();
    let (word, typed) = (rest(&word, same), rest(&typed, same));
    let swapped = word.len() > 1 && typed.len() > 1 && word[0] == typed[1] && word[1] == typed[0];
    typed.is_empty()
        || word.starts_with(&rest(&typed, 1))
        || rest(&word, 1).starts_with(&rest(&typed, 1))
        || rest(&word, 1).starts_with(&typed)
        || (swapped && rest(&word, 2).starts_with(&rest(&typed, 2)))
}

/// Groups all hits by a text.
struct Groups {
    column: &'static str,
    ranking: Ranking,
}

#[derive(Clone, Copy, Default)]
struct Group {
    score: u64,
    events: u64,
}

struct SegmentGroups {
    column: Option<StrColumn>,
    packed: Column<u64>,
    ranking: Ranking,
    groups: HashMap<u64, Group>,
}

type Found = Vec<(String, Group)>;

impl Collector for Groups {
    type Fruit = Found;
    type Child = SegmentGroups;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentGroups> {
        let columns = segment.fast_fields();
        Ok(SegmentGroups { column: columns.str(self.column)?, packed: columns.u64(RANK)?, ranking: self.ranking, groups: HashMap::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<io::Result<Found>>) -> tantivy::Result<Found> {
        let mut total: HashMap<String, Group> = HashMap::new();
        for segment in segments {
            for (text, group) in segment? {
                total.entry(text).or_default().add(group);
            }
        }
        Ok(total.into_iter().collect())
    }
}

impl Group {
    fn add(&mut self, other: Group) {
        self.score = self.score.max(other.score);
        self.events += other.events;
    }
}

impl SegmentCollector for SegmentGroups {
    type Fruit = io::Result<Found>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let Some(column) = &self.column else { return };
        let hit = Group { score: score(NOTHING_ASKED, self.ranking.factor(self.packed.first(doc).unwrap_or(0))), events: 1 };
        for ordinal in column.ords().values_for_doc(doc) {
            self.groups.entry(ordinal).or_default().add(hit);
        }
    }

    fn harvest(self) -> io::Result<Found> {
        let Some(column) = self.column else { return Ok(Found::new()) };
        let mut best: Vec<(u64, Group)> = self.groups.into_iter().collect();
        best.sort_unstable_by_key(|(ordinal, group)| (Reverse((group.score, group.events)), *ordinal));
        best.truncate(GROUPS_MAX);
        best.into_iter().map(|(ordinal, group)| Ok((text_of(&column, ordinal)?, group))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::begins_nearly;

    #[test]
    fn one_error_is_forgiven() {
        for typed in ["berl", "brln", "belrin", "berlim", "barl", "xerlin", "bberl", "erlin"] {
            assert_eq!(begins_nearly("berlin", typed), typed != "brln", "{typed}");
        }
        assert!(begins_nearly("berlin", "berlinx") && !begins_nearly("berlin", "berlinxy"));
        assert!(!begins_nearly("berlin", "hamburg"));
    }
}
