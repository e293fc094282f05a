//! Bodies and answers of imports.

use boxoffice_ledger::ids::EventId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Text;
use crate::backend::{ImportOutcome, ImportTally, Problem};

/// Events to be made unless they are there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBody {
    /// At most 500.
    #[schemars(length(min = 1, max = 500))]
    pub events: Vec<ImportEventBody>,
}

/// An event with the name that its source has for it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportEventBody {
    /// Which event of the caller this is, for ever; at most 300 bytes.
    pub key: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Such as "concert".
    pub category: Option<String>,
    /// Found by name and city, or made.
    pub venue: ImportVenueBody,
    /// Found by their names, or made; at most 32.
    pub performers: Option<Vec<ImportPerformerBody>>,
    /// RFC 3339 with its offset.
    pub starts_at: String,
    /// ISO 4217.
    pub currency: String,
    /// Of every place, in minor units.
    pub price: u64,
    /// Most tickets per user; 0 = no limit.
    pub per_user_limit: Option<u32>,
}

/// A venue without numbered seats.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportVenueBody {
    /// For people.
    pub name: String,
    /// City.
    pub city: String,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// People that it holds.
    pub capacity: u32,
}

/// A performer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportPerformerBody {
    /// For people.
    pub name: String,
    /// Such as "orchestra".
    pub genre: Option<String>,
}

/// What became of an import.
#[derive(Serialize, JsonSchema)]
pub struct ImportOut<'a> {
    #[schemars(extend("const" = "import"))]
    object: &'static str,
    created: usize,
    existing: usize,
    refused: usize,
    venues: ImportTallyOut,
    performers: ImportTallyOut,
    data: Vec<ImportEventOut<'a>>,
}

/// How many were made, and how many were there.
#[derive(Serialize, JsonSchema)]
pub struct ImportTallyOut {
    created: usize,
    reused: usize,
}

/// What became of an event.
#[derive(Serialize, JsonSchema)]
pub struct ImportEventOut<'a> {
    key: &'a str,
    #[schemars(extend("enum" = ["created", "existing", "refused"]))]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<EventId>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ImportProblemOut<'a>>,
}

/// What is wrong with one.
#[derive(Serialize, JsonSchema)]
pub struct ImportProblemOut<'a> {
    pointer: &'a str,
    code: &'a str,
    detail: &'a str,
}

impl<'a> ImportOut<'a> {
    /// What became of these keys.
    #[must_use]
    pub fn new(keys: &'a [String], outcomes: &'a [ImportOutcome], venues: ImportTally, performers: ImportTally) -> Self {
        let count = |test: fn(&ImportOutcome) -> bool| outcomes.iter().filter(|outcome| test(outcome)).count();
        let tally = |tally: ImportTally| ImportTallyOut { created: tally.created, reused: tally.reused };
        Self {
            object: "import",
            created: count(|outcome| matches!(outcome, ImportOutcome::Created(_))),
            existing: count(|outcome| matches!(outcome, ImportOutcome::Existing(_))),
            refused: count(|outcome| matches!(outcome, ImportOutcome::Refused(_))),
            venues: tally(venues),
            performers: tally(performers),
            data: keys.iter().zip(outcomes).map(|(key, outcome)| event(key, outcome)).collect(),
        }
    }
}

fn event<'a>(key: &'a str, outcome: &'a ImportOutcome) -> ImportEventOut<'a> {
    let problem = |problem: &'a Problem| ImportProblemOut { pointer: &problem.pointer, code: problem.code, detail: &problem.detail };
    let (status, id, errors) = match outcome {
        ImportOutcome::Created(id) => ("created", Some(Text(*id)), Vec::new()),
        ImportOutcome::Existing(id) => ("existing", Some(Text(*id)), Vec::new()),
        ImportOutcome::Refused(problems) => ("refused", None, problems.iter().map(problem).collect()),
    };
    ImportEventOut { key, status, id, errors }
}
