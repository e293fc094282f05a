//! What clients do, and what is looked at in the end.

pub mod buyer;
pub mod frames;
pub mod live;
pub mod membership;
pub mod sale;
pub mod search;
pub mod seat;
pub mod setup;
pub mod ticket;

use std::sync::Arc;

use clap::ValueEnum;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::check::{self, Verdict};
use crate::client::Reply;
use crate::history::{Record, operations};
use crate::run::Plan;
use buyer::{Shared, Write};
use seat::{HOLD_TTL_NS, Habits, Hall};

/// Seats of a hot event.
const HOT_SEATS: u64 = 8;

/// A workload: clients, what they do, and the checkers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Workload {
    /// Holds, confirms, releases and voids on a few hot seats: linearizable per seat.
    Seat,
    /// As `seat`, with every write sent several times, through different nodes: one effect, one answer.
    Idempotency,
    /// Whole purchases with money: nobody pays without a ticket or has a ticket without paying.
    Sale,
    /// Tickets are bought, given to others and scanned: one admission and one owner each, and a code that was given away is dead.
    Ticket,
    /// Events come, change and go while people search: drafts are never shown, and every node finds what there is in the end.
    Search,
    /// Seat maps are watched over sockets and streams, from node to node: no gap, no step back, and the map is the ledger's.
    Live,
    /// As `seat`, for faults that let nodes join and go: in the end the registry and the voters are right.
    Membership,
}

/// How a definite answer goes into the history; or why it failed, and what is known of that.
pub type ValueOf = fn(&Write, &Reply) -> Result<Value, (String, Value)>;

/// A workload that is set up and can begin.
pub trait Work: Send + Sync {
    /// The event whose group's leader is meant by "the leader".
    fn event(&self) -> &str;

    /// One client, until it is told to stop.
    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()>;

    /// What the history says of an answer that came in the end.
    fn value(&self) -> ValueOf {
        seat::value
    }

    /// Looks a last time, now that all is well.
    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>>;
}

impl Workload {
    /// Its name, as on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Completed operations a second that a run plans for unless told otherwise.
    #[must_use]
    pub fn rate(self) -> f64 {
        match self {
            Self::Seat | Self::Membership => 60.0,
            Self::Idempotency | Self::Ticket | Self::Search | Self::Live => 40.0,
            // A purchase waits for the provider.
            Self::Sale => 20.0,
        }
    }

    /// How often every write is sent.
    #[must_use]
    pub fn copies(self) -> u64 {
        if self == Self::Idempotency { 3 } else { 1 }
    }

    /// Sets it up.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn open(self, plan: &Plan, shared: &Shared) -> anyhow::Result<Arc<dyn Work>> {
        let people = plan.clients.min(8);
        Ok(match self {
            Self::Seat | Self::Idempotency => Arc::new(Hall::open(shared, HOT_SEATS, people, plan.time).await?),
            Self::Sale => Arc::new(sale::Shop::open(shared, plan).await?),
            Self::Ticket => Arc::new(ticket::Tickets::open(shared, plan).await?),
            Self::Search => Arc::new(search::Catalog::open(shared).await?),
            Self::Live => Arc::new(live::Maps::open(shared, plan).await?),
            Self::Membership => Arc::new(membership::Members { hall: Arc::new(Hall::open(shared, HOT_SEATS, people, plan.time).await?) }),
        })
    }

    /// Judges a history of it.
    #[must_use]
    pub fn judge(self, records: &[Record]) -> Verdict {
        let ops = operations(records);
        let mut verdict = match self {
            Self::Seat | Self::Idempotency => return check::seats(records, HOLD_TTL_NS),
            Self::Sale => Verdict::default(),
            Self::Ticket => check::tickets::check(&ops),
            Self::Search => check::catalog::check(&ops),
            Self::Live => check::live::check(records),
            Self::Membership => {
                let mut verdict = check::seats(records, HOLD_TTL_NS);
                verdict.add(check::members::check(&ops));
                return verdict;
            }
        };
        verdict.add(check::wrong::check(&ops));
        verdict
    }
}
