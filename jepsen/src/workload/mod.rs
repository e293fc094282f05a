//! What clients do, and what is looked at in the end.

pub mod buyer;
pub mod sale;
pub mod seat;
pub mod setup;

use clap::ValueEnum;

/// A workload: clients, what they do, and the checkers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Workload {
    /// Holds, confirms, releases and voids on a few hot seats: linearizable per seat.
    Seat,
    /// As `seat`, with every write sent several times, through different nodes: one effect, one answer.
    Idempotency,
    /// Whole purchases with money: nobody pays without a ticket or has a ticket without paying.
    Sale,
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
            Self::Seat => 60.0,
            Self::Idempotency => 40.0,
            // A purchase waits for the provider.
            Self::Sale => 20.0,
        }
    }
}
