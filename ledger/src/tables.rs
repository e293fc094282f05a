//! Text tables for tests: one command a line, with what it must answer. `verb key=value ... => answer`; `#` begins a
//! comment, an empty line is skipped, `---` starts again from an empty machine.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use std::println;

use crate::change::Change;
use crate::outcome::Rejection;

/// One line of a table.
pub(crate) struct Line<'a> {
    pub verb: &'a str,
    arguments: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    /// The value of an argument.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.arguments.get(key).copied()
    }

    /// The value of an argument as a number; `name*20` is no number.
    pub fn number(&self, key: &str, default: u64) -> u64 {
        self.text(key).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{key}={text} is no number")))
    }

    /// A text; `x*201` is 201 times x.
    pub fn repeated(&self, key: &str, default: &str) -> String {
        match self.text(key).map(|text| (text, text.split_once('*'))) {
            Some((_, Some((letter, count)))) => letter.repeat(count.parse().unwrap()),
            Some((text, None)) => text.to_string(),
            None => default.to_string(),
        }
    }
}

/// Runs a table. `reset` begins a machine; `run` applies a line and answers in words.
pub(crate) fn run<S>(name: &str, table: &str, mut reset: impl FnMut() -> S, mut run: impl FnMut(&mut S, &Line<'_>) -> String) -> usize {
    let mut state = reset();
    let mut wrong = 0;
    let mut count = 0;
    for (number, line) in table.lines().enumerate() {
        let line = line.split('#').next().unwrap().trim();
        if line == "---" {
            state = reset();
        }
        if line.is_empty() || line == "---" {
            continue;
        }
        let (command, expected) = line.split_once("=>").unwrap_or_else(|| panic!("{name}:{}: no =>", number + 1));
        let mut words = command.split_whitespace();
        let verb = words.next().unwrap();
        let arguments = words.map(|word| word.split_once('=').unwrap_or((word, ""))).collect();
        let answer = run(&mut state, &Line { verb, arguments });
        if answer != expected.trim() {
            println!("{name}:{}: {command}\n   expected: {}\n   answered: {answer}", number + 1, expected.trim());
            wrong += 1;
        }
        count += 1;
    }
    assert_eq!(wrong, 0, "lines of {name} with another answer");
    count
}

/// A refusal in the words of tables.
pub(crate) fn refusal(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Malformed { pointer, .. } => format!("malformed {pointer}"),
        Rejection::Frozen { pointer, .. } => format!("frozen {pointer}"),
        Rejection::NotFound { what } => format!("no {what}"),
        Rejection::VersionMismatch { current } => format!("version is {current}"),
        Rejection::WrongState { .. } => "wrong state".to_string(),
        other => format!("{other:?}"),
    }
}

/// The kinds of changes, as `; +event` and so on.
pub(crate) fn changes(changes: &[Change]) -> String {
    let word = |change: &Change| match change {
        Change::CatalogEvent { .. } => "; +event".to_string(),
        Change::CatalogVenue { .. } => "; +venue".to_string(),
        Change::CatalogPerformer { .. } => "; +performer".to_string(),
        Change::Account { user } => format!("; +account {}", user.0 & 0xffff),
        Change::Cart { .. } => "; +cart".to_string(),
        other => format!("; {other:?}"),
    };
    changes.iter().map(word).collect()
}
