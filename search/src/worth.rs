//! What a word counts in a hit, by the way in which it was found and the best field that has it.
//!
//! An event's words are indexed once each, with the grade of the best field that has them as their frequency: one list of events per
//! word, read once, says where the word is and what it counts.
//!
//! ```text
//!  bits 12..16: words really found        bits 0..12: weight in tenths, of all words together
//! ```

/// What a word counts, or all words of a hit: they are added.
pub(crate) type Worth = u16;

/// What a word counts that was found as it was typed. More than the weights of all words together.
pub(crate) const EXACT: Worth = 1 << EXACT_SHIFT;
/// Where the number of words really found begins.
pub(crate) const EXACT_SHIFT: u32 = 12;

/// How good the best field is that has a word: its frequency in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// The description.
    Description = 1,
    /// Country, category.
    Kind,
    /// Venue, city.
    Place,
    /// The performers.
    Performer,
    /// The name.
    Name,
}

/// What a word counts by its grade; the first is for none.
pub(crate) type Worths = [Worth; 6];

/// Found as it was typed.
pub(crate) const TYPED: Worths = [0, EXACT + 10, EXACT + 30, EXACT + 50, EXACT + 70, EXACT + 80];
/// The beginning of what was found.
pub(crate) const UNFINISHED: Worths = [0, EXACT + 9, EXACT + 9, EXACT + 9, EXACT + 9, EXACT + 40];
/// A word of the day when an event starts.
pub(crate) const DATE: Worths = [EXACT + 40; 6];
/// Found with one or with two typing errors.
pub(crate) const ONE_TYPO: Worths = [10; 6];
pub(crate) const TWO_TYPOS: Worths = [5; 6];
/// Two words that follow each other do so in the event as well: beside what they count by themselves.
pub(crate) const PAIR: Worths = [15; 6];
/// Narrows, and counts nothing.
pub(crate) const FILTER: Worths = [0; 6];
/// No words were asked for.
pub(crate) const NOTHING_ASKED: Worth = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::QUERY_WORDS_MAX;

    #[test]
    fn weights_never_reach_a_word() {
        let words = QUERY_WORDS_MAX as Worth;
        let best = words * TYPED[Grade::Name as usize] + words * PAIR[0];
        assert_eq!((best >> EXACT_SHIFT, usize::from(best >> EXACT_SHIFT)), (words, QUERY_WORDS_MAX));
        assert!(best < Worth::MAX, "one is left to tell what counts nothing from what is not there");
    }
}
