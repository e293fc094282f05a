//! Looking under the surface of a node: what its copy of a group must fulfil, and the entries of the group's log.

use async_trait::async_trait;
use boxoffice_ledger::time::Timestamp;

use super::{Answer, Context};

/// Violations that are told of one invariant; what is more is counted.
pub const VIOLATIONS_MAX: usize = 20;

/// Something that must hold, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub invariant: &'static str,
    /// What must hold, for people.
    pub text: &'static str,
    /// What was looked at: records, tickets, orders.
    pub checked: u64,
    /// How often it does not hold.
    pub violated: u64,
    /// The first [`VIOLATIONS_MAX`] of these, in words.
    pub violations: Vec<String>,
}

impl Finding {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new(invariant: &'static str, text: &'static str) -> Self {
        Self { invariant, text, checked: 0, violated: 0, violations: Vec::new() }
    }

    /// One more was looked at; `wrong` says what is wrong with it.
    pub fn look(&mut self, wrong: Option<String>) {
        self.checked += 1;
        if let Some(wrong) = wrong {
            self.violated += 1;
            if self.violations.len() < VIOLATIONS_MAX {
                self.violations.push(wrong);
            }
        }
    }
}

/// What was found in a node's copy of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCheck {
    /// The node.
    pub node: u64,
    /// The group.
    pub group: u32,
    /// "catalog", "events", "users".
    pub kind: &'static str,
    /// The copy had applied this entry, or a later one.
    pub index: u64,
    /// The time of the copy.
    pub at: Timestamp,
    /// Its digest.
    pub digest: u128,
    /// One an invariant.
    pub findings: Vec<Finding>,
}

/// A command of an entry: what it asks for and of which things, but for what is nobody's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandView {
    /// Its name, such as `hold` or `session_open`.
    pub name: String,
    /// Names and values: ids, counts.
    pub about: Vec<(&'static str, String)>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// The first entry of a leader.
    Blank,
    /// Who takes part from here on: sets of voters, and everybody.
    Membership(Vec<Vec<u64>>, Vec<u64>),
    /// Commands under one stamp.
    Batch(Timestamp, Vec<CommandView>),
}

/// An entry of a group's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryView {
    /// Its place.
    pub index: u64,
    /// Term of the leader that made it.
    pub term: u64,
    /// That leader's number.
    pub leader: u64,
    /// What it is.
    pub content: EntryContent,
}

/// Some entries, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The first entry that the node still has.
    pub first: u64,
    /// The last that it has applied.
    pub applied: u64,
    /// The entries.
    pub entries: Vec<EntryView>,
}

/// What operators ask of one node.
#[async_trait]
pub trait Inspection: Send + Sync + 'static {
    /// Checks this node's copy of a group, frozen, beside everything else that the node does.
    async fn check_group(&self, cx: Context, group: u32) -> Answer<GroupCheck>;
    /// Applied entries of a group from `from` on, at most `limit`.
    async fn log_page(&self, cx: Context, group: u32, from: u64, limit: usize) -> Answer<LogPage>;
}
