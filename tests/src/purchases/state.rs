//! What a campaign has done so far, in a folder beside its cluster's data: written after each step, read when it goes on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use serde_json::{Value, json};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct State {
    folder: PathBuf,
    /// Rounds whose purchases have all been begun.
    pub rounds: u64,
    /// Events on sale.
    pub events: Vec<String>,
    /// Processes killed.
    pub kills: u64,
    /// How long the rounds took, in milliseconds.
    pub buying_ms: u64,
}

/// A hold that somebody tried to pay.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) event: String,
    pub(super) hold: String,
    pub(super) user: String,
}

/// Where tried holds are written down before they are paid.
pub(super) struct Journal(Mutex<File>);

impl Journal {
    pub(super) fn note(&self, tried: &Tried) {
        let line = json!({"event": tried.event, "hold": tried.hold, "user": tried.user});
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(file, "{line}").expect("the journal can be written");
    }
}

impl State {
    /// The state in a folder: what is there, or a beginning.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let begun = Self { folder: folder.to_owned(), ..Self::default() };
        let Ok(text) = fs::read_to_string(begun.file()) else { return Ok(begun) };
        let value: Value = serde_json::from_str(&text).context("the state of the campaign")?;
        let number = |name: &str| value[name].as_u64().with_context(|| format!("the state has no {name}"));
        let events = value["events"].as_array().into_iter().flatten().filter_map(|event| event.as_str().map(ToOwned::to_owned));
        Ok(Self { rounds: number("rounds")?, events: events.collect(), kills: number("kills")?, buying_ms: number("buying_ms")?, ..begun })
    }

    /// Whether anything was begun.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        !self.events.is_empty()
    }

    fn file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    pub(super) fn save(&self) -> anyhow::Result<()> {
        let (next, value) = (
            self.folder.join("state.next"),
            json!({
                "rounds": self.rounds, "events": self.events, "kills": self.kills, "buying_ms": self.buying_ms,
            }),
        );
        fs::write(&next, value.to_string())?;
        Ok(fs::rename(next, self.file())?)
    }

    pub(super) fn journal(&self) -> anyhow::Result<Journal> {
        Ok(Journal(Mutex::new(File::options().create(true).append(true).open(self.folder.join("tried.jsonl"))?)))
    }

    /// Every hold that was tried to be paid. A line that was cut off by a crash is that of a hold that nobody paid.
    pub(super) fn tried(&self) -> anyhow::Result<Vec<Tried>> {
        let text = fs::read_to_string(self.folder.join("tried.jsonl"))?;
        let text_of = |value: &Value, name: &str| value[name].as_str().map(ToOwned::to_owned);
        let read = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            Some(Tried { event: text_of(&value, "event")?, hold: text_of(&value, "hold")?, user: text_of(&value, "user")? })
        };
        Ok(text.lines().filter_map(read).collect())
    }
}
