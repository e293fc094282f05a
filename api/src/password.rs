//! What a new password must be: long enough, not one that everybody tries first, not the account's own e-mail. Nothing is asked
//! of its characters.

use std::collections::HashSet;
use std::sync::OnceLock;

use crate::check::Check;

/// How many characters.
pub const CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// Passwords that are tried first, of at least eight characters, in lower case, one a line.
static COMMON: &str = include_str!("password/common.txt");

/// Notes what is wrong with a new password.
pub fn check(check: &mut Check, pointer: &str, password: &str, email: &str) {
    if !CHARS.contains(&password.chars().count()) {
        check.wrong(pointer, "out_of_range", "from 8 to 128 characters");
    } else if is_common(password) || (!email.is_empty() && password.eq_ignore_ascii_case(email)) {
        check.wrong(pointer, "too_common", "not one of the passwords that are guessed first: a few words together are better");
    }
}

fn is_common(password: &str) -> bool {
    static SET: OnceLock<HashSet<&str>> = OnceLock::new();
    let set = SET.get_or_init(|| COMMON.lines().collect());
    let mut letters = password.chars();
    let first = letters.next();
    letters.all(|letter| Some(letter) == first) || set.contains(password.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(password: &str) -> Vec<&'static str> {
        let mut found = Check::default();
        check(&mut found, "/password", password, "ada@example.org");
        found.done().err().map_or(vec![], |problem| {
            let errors = problem.more.members[0].1.as_array().cloned().unwrap_or_default();
            errors.iter().map(|error| if error["code"] == "too_common" { "common" } else { "length" }).collect()
        })
    }

    #[test]
    fn what_everybody_tries_is_refused() {
        for bad in ["password", "Password1", "12345678", "qwertyuiop", "aaaaaaaaaaaa", "ADA@example.org"] {
            assert_eq!(codes(bad), ["common"], "{bad}");
        }
        for good in [
            "correct horse",
            "long enough",
            "p\u{e4}ssw\u{f6}rter",
            "\u{1f3ad}\u{1f3ab}\u{1f3ad}\u{1f3ab}\u{1f3ad}\u{1f3ab}\u{1f3ad}\u{1f3ab}",
        ] {
            assert!(codes(good).is_empty(), "{good}");
        }
        for length in ["short", &"ab".repeat(65)] {
            assert_eq!(codes(length), ["length"]);
        }
    }

    #[test]
    fn the_list_has_only_what_the_length_lets_through() {
        assert!(COMMON.lines().count() > 150);
        for line in COMMON.lines() {
            assert!(CHARS.contains(&line.chars().count()) && line.to_lowercase() == line, "{line}");
        }
    }
}
