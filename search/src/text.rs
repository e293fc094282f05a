//! Words: how a text is cut into them. The same for what is indexed and for what is asked.

use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer};

/// The name under which fields know the analyzer.
pub(crate) const ANALYZER: &str = "event_text";

/// The name under which fields know words that are cut already: a space between them.
pub(crate) const CUT: &str = "cut";

/// Longer words are neither indexed nor found, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// Runs of letters and digits, without accents, in lower case.
pub(crate) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(AsciiFoldingFilter)
        .filter(LowerCaser)
        .build()
}

/// Words that carry no meaning beside others. Left out of a query unless they are quoted or all that there is.
const FILLERS: [&str; 14] = ["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "the", "this", "to", "with"];

/// Whether a word carries no meaning beside others.
pub(crate) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word)
}

/// Takes out what would cut a word in two: accents written as characters of their own, and the apostrophe before an s.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut letters = text.chars().filter(|letter| !('\u{300}'..='\u{36F}').contains(letter)).peekable();
    while let Some(letter) = letters.next() {
        let apostrophe = matches!(letter, '\'' | '\u{2019}');
        if !(apostrophe && letters.peek().is_some_and(|next| matches!(next, 's' | 'S'))) {
            cleaned.push(letter);
        }
    }
    cleaned
}

/// The words of a text, in order. None for a text with a word too long to be indexed: nothing has it.
pub(crate) fn words(text: &str) -> Option<Vec<String>> {
    let text = clean(text);
    let words = cut(&text);
    let too_long = text.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.len() >= WORD_BYTES_MAX);
    (!too_long).then_some(words)
}

/// The words of a text that was cleaned, in order, without those that are too long.
pub(crate) fn cut(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        words.push(stream.token().text.clone());
    }
    words
}

/// Two words that follow each other, as one.
pub(crate) fn pair(first: &str, second: &str) -> String {
    format!("{first}+{second}")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn accents_case_and_apostrophes_do_not_matter() {
        let cases = [
            ("Curaçao", "curacao"),
            ("Curac\u{327}ao", "curacao"),
            ("Levi's Stadium", "levis stadium"),
            ("Levi\u{2019}S", "levis"),
            ("L'Orchestre", "l orchestre"),
            ("STRASSE Straße", "strasse strasse"),
            ("Bosnia & Herzegovina", "bosnia herzegovina"),
            ("  \u{0} \u{202E}*:* (a OR b)~2 ", "a or b 2"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).unwrap().join(" "), expected, "{text:?}");
        }
        assert_eq!(words(&format!("a {}", "x".repeat(64))), None);
        assert_eq!(words(&"x".repeat(63)).unwrap().len(), 1);
    }
}
