//! The words of an event as searches look them up: once each, with the grade of the best field that has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::text;
use crate::worth::Grade;

/// Gathers the words of an event's texts.
#[derive(Default)]
pub(crate) struct Words {
    graded: BTreeMap<String, Grade>,
    pairs: BTreeSet<String>,
}

impl Words {
    /// Takes in a text that was cleaned.
    pub fn take(&mut self, text: &str, grade: Grade) {
        let mut before: Option<String> = None;
        for word in text::cut(text) {
            let best = self.graded.entry(word.clone()).or_insert(grade);
            *best = grade.max(*best);
            // Long texts have many pairs, and say little by them. Small words are left out of queries too.
            if grade == Grade::Description || text::is_filler(&word) {
                continue;
            }
            if let Some(before) = before.replace(word.clone()) {
                self.pairs.insert(text::pair(&before, &word));
            }
        }
    }

    /// Each word as often as its grade says, a space between them.
    pub fn graded(&self) -> String {
        let mut text = String::new();
        for (word, grade) in &self.graded {
            for _ in 0..*grade as usize {
                text.push_str(word);
                text.push(' ');
            }
        }
        text
    }

    /// The pairs of words that follow each other, a space between them.
    pub fn pairs(&self) -> String {
        self.pairs.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_grade_of_its_best_field() {
        let mut words = Words::default();
        words.take("Mozart in Berlin", Grade::Description);
        words.take("Day of Mozart", Grade::Kind);
        assert_eq!(words.graded(), "berlin day day in mozart mozart of of ");
        assert_eq!(words.pairs(), "day+mozart");
    }
}
