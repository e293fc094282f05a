//! Tickets as people carry them: a signed code in a QR symbol, as a drawing for a screen and as a page for a printer.
//!
//! ```text
//!  pass     what a code says, in 53 bytes       keys    who signs it: keys derived from the cluster's secret
//!  base45   bytes as QR symbols like them       qr      the symbol
//!  svg, pdf the ticket drawn                    map     the part of the house around the seat     text  letters of the PDF
//! ```
//! Everything here is a pure function of its arguments. Whether a ticket admits is for the event's group to say.

mod base45;
pub mod keys;
mod map;
pub mod pass;
pub mod pdf;
mod qr;
pub mod svg;
mod text;

use boxoffice_ledger::command::{Event, Venue};
use boxoffice_ledger::plan::Plan;
use boxoffice_ledger::tickets::TicketRecord;

/// Everything that a drawn ticket shows.
pub struct Printed<'a> {
    /// The ticket.
    pub ticket: &'a TicketRecord,
    /// Its event.
    pub event: &'a Event,
    /// Where that takes place.
    pub venue: &'a Venue,
    /// The house.
    pub plan: &'a Plan,
    /// The signed code.
    pub code: &'a str,
}

impl Printed<'_> {
    /// Section, row and seat in one line, for people.
    fn place(&self) -> String {
        let ticket = self.ticket;
        if ticket.seat.is_some() {
            format!("Section {}, row {}, seat {}", ticket.section, ticket.row, ticket.seat_name)
        } else {
            format!("{} (standing, no numbered seat)", ticket.section)
        }
    }

    /// When it begins, in the venue's own time.
    fn starts(&self) -> String {
        moment(self.event.starts_at, &self.venue.time_zone)
    }
}

/// A moment as people at the venue say it.
fn moment(at: boxoffice_ledger::time::Timestamp, time_zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let at = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok()).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(zone).strftime("%A, %-d %B %Y, %H:%M %Z").to_string()
}

#[cfg(test)]
mod tests;
