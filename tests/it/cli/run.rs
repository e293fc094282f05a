//! Runs one command to its end.

use std::process::{Command, Stdio};

use boxoffice_tests::binary;

/// Where a command goes and for whom.
#[derive(Clone, Default)]
pub struct Caller {
    /// Base URLs, comma separated; empty = as by default.
    pub endpoint: String,
    /// A token; empty = none.
    pub token: String,
    /// The file of the contexts; empty = there are none.
    pub contexts: String,
}

/// What came of a command.
pub struct Done {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it said besides.
    pub err: String,
}

impl Caller {
    /// Runs `boxoffice` with these words.
    pub fn run(&self, words: &[&str]) -> Done {
        let mut command = Command::new(binary::boxoffice());
        command.args(words).stdin(Stdio::null()).env("COLUMNS", "100").env("NO_COLOR", "1");
        for (name, value) in [("BOXOFFICE_ENDPOINT", &self.endpoint), ("BOXOFFICE_TOKEN", &self.token)] {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command.env_remove("BOXOFFICE_CONFIG").env_remove("BOXOFFICE_CONTEXT");
        let contexts = if self.contexts.is_empty() { "/nowhere/contexts.toml" } else { &self.contexts };
        command.env("BOXOFFICE_CONTEXTS", contexts);
        let output = command.output().expect("the command can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Done { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Runs a command that must succeed; gives what it printed.
    pub fn ok(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!(done.code, 0, "boxoffice {}: {}{}", words.join(" "), done.out, done.err);
        done.out
    }

    /// Runs a command with `-o json`.
    pub fn json(&self, words: &[&str]) -> serde_json::Value {
        let words: Vec<&str> = words.iter().copied().chain(["-o", "json"]).collect();
        let out = self.ok(&words);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("boxoffice {}: {error}: {out}", words.join(" ")))
    }

    /// Runs a command that must fail with this code and print nothing; gives what it said.
    pub fn refused(&self, code: i32, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!((done.code, done.out.as_str()), (code, ""), "boxoffice {}: {}", words.join(" "), done.err);
        done.err
    }
}
