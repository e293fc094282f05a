//! What is found under the surface of a node, as JSON.

use schemars::JsonSchema;
use serde::Serialize;
#[cfg(feature = "client")]
use serde_json::Value;

use super::Rfc3339;
use crate::backend::{CommandView, EntryContent, EntryView, Finding, GroupCheck, LogPage};

/// What was found in a node's copy of a group.
#[derive(Serialize, JsonSchema)]
pub struct GroupCheckOut<'a> {
    #[schemars(extend("const" = "group_check"))]
    object: &'static str,
    node: u64,
    group: u32,
    #[schemars(extend("enum" = ["catalog", "events", "users"]))]
    kind: &'static str,
    /// The copy had applied this entry, or a later one.
    index: u64,
    at: Rfc3339,
    #[schemars(pattern(r"^[0-9a-f]{32}$"))]
    digest: String,
    /// Whether nothing is violated.
    clean: bool,
    findings: Vec<FindingOut<'a>>,
}

/// Something that must hold, and whether it does.
#[derive(Serialize, JsonSchema)]
pub struct FindingOut<'a> {
    invariant: &'static str,
    /// What must hold, for people.
    text: &'static str,
    /// How many records were looked at.
    checked: u64,
    /// How often it does not hold.
    violated: u64,
    /// The first of these, in words.
    violations: &'a [String],
}

impl<'a> FindingOut<'a> {
    /// One of them.
    #[must_use]
    pub fn new(finding: &'a Finding) -> Self {
        let Finding { invariant, text, checked, violated, violations } = finding;
        Self { invariant, text, checked: *checked, violated: *violated, violations }
    }
}

impl<'a> GroupCheckOut<'a> {
    /// A check.
    #[must_use]
    pub fn new(check: &'a GroupCheck) -> Self {
        Self {
            object: "group_check",
            node: check.node,
            group: check.group,
            kind: check.kind,
            index: check.index,
            at: Rfc3339(check.at),
            digest: format!("{:032x}", check.digest),
            clean: check.findings.iter().all(|finding| finding.violated == 0),
            findings: check.findings.iter().map(FindingOut::new).collect(),
        }
    }
}

/// Some entries of a group's log.
#[derive(Serialize, JsonSchema)]
pub struct LogOut<'a> {
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    /// The first entry that the node still has.
    first: u64,
    /// The last that it has applied.
    applied: u64,
    data: Vec<EntryOut<'a>>,
    has_more: bool,
}

/// An entry.
#[derive(Serialize, JsonSchema)]
pub struct EntryOut<'a> {
    #[schemars(extend("const" = "entry"))]
    object: &'static str,
    index: u64,
    term: u64,
    /// The node that made it.
    leader: u64,
    #[schemars(extend("enum" = ["blank", "membership", "batch"]))]
    kind: &'static str,
    /// When the leader stamped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Vec<CommandOut<'a>>>,
    /// Sets of voters, two while one gives way to the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    voters: Option<&'a [Vec<u64>]>,
    /// Everybody who takes part.
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<&'a [u64]>,
}

/// A command: its name, and the ids of what it is about.
#[derive(Serialize, JsonSchema)]
struct CommandOut<'a> {
    name: &'a str,
    about: Vec<AboutOut<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct AboutOut<'a> {
    name: &'static str,
    value: &'a str,
}

impl<'a> EntryOut<'a> {
    /// An entry.
    #[must_use]
    pub fn new(entry: &'a EntryView) -> Self {
        let EntryView { index, term, leader, content } = entry;
        let blank = Self {
            object: "entry",
            index: *index,
            term: *term,
            leader: *leader,
            kind: "blank",
            at: None,
            commands: None,
            voters: None,
            nodes: None,
        };
        match content {
            EntryContent::Blank => blank,
            EntryContent::Membership(voters, nodes) => Self { kind: "membership", voters: Some(voters), nodes: Some(nodes), ..blank },
            EntryContent::Batch(at, commands) => {
                Self { kind: "batch", at: Some(Rfc3339(*at)), commands: Some(commands.iter().map(command).collect()), ..blank }
            }
        }
    }
}

fn command(command: &CommandView) -> CommandOut<'_> {
    let about = command.about.iter().map(|(name, value)| AboutOut { name, value }).collect();
    CommandOut { name: &command.name, about }
}

impl<'a> LogOut<'a> {
    /// A page.
    #[must_use]
    pub fn new(page: &'a LogPage) -> Self {
        let has_more = page.entries.last().is_some_and(|last| last.index < page.applied);
        Self { object: "list", first: page.first, applied: page.applied, data: page.entries.iter().map(EntryOut::new).collect(), has_more }
    }
}

/// A check as this API gives it, for those who made it themselves.
#[cfg(feature = "client")]
#[must_use]
pub fn check_value(check: &GroupCheck) -> Value {
    serde_json::to_value(GroupCheckOut::new(check)).unwrap_or_default()
}

/// An entry as this API gives it, for those who read it themselves.
#[cfg(feature = "client")]
#[must_use]
pub fn entry_value(entry: &EntryView) -> Value {
    serde_json::to_value(EntryOut::new(entry)).unwrap_or_default()
}
