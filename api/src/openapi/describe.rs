//! What people say of each route, by tag: one entry a route, in the files below. To describe a new route, add its entry to the
//! list of its tag; a test names every route that has none.

mod account;
mod backup;
mod booking;
mod cart;
mod catalog;
mod change;
mod event;
mod gate;
mod guest;
mod media;
mod member;
mod node;
mod price;
mod promo;
mod search;
mod session;
mod ticket;

use super::operation::Operation;

/// A group of routes.
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub text: &'static str,
    /// Its routes.
    pub operations: Vec<Operation>,
}

/// All of them, in the order of the document.
pub fn tags() -> Vec<Tag> {
    let tag = |name, text, operations| Tag { name, text, operations };
    vec![
        tag("Events", "Looking, searching, creating; the sale; seats and live maps.", event::operations()),
        tag("Search", "Full text and suggestions, from each node's own index; bringing listings in.", search::operations()),
        tag("Booking", "Holding seats, paying, orders and refunds.", booking::operations()),
        tag("Carts", "Holds of several events, paid together: all or none.", cart::operations()),
        tag("Promotions", "Promo codes, and seats that are set aside for who has one.", promo::operations()),
        tag("Prices", "Prices that move: how, where they stand, and what moved them.", price::operations()),
        tag("Tickets", "The caller's tickets, and giving them to others.", ticket::operations()),
        tag("Gates", "Scanning at the door, online and offline, and what was seen there.", gate::operations()),
        tag("Catalog", "Venues with their seating plans, and performers.", catalog::operations()),
        tag("Images", "Pictures of events.", media::operations()),
        tag("Accounts", "Opening an account, its password, e-mail and role; keys of programs.", account::operations()),
        tag("Guests", "Buying with an e-mail and no password.", guest::operations()),
        tag("Sessions", "Logging in and out.", session::operations()),
        tag("Changes", "Following what happens, and telling customers' own programs.", change::operations()),
        tag("Cluster", "The nodes of the cluster: who comes and goes, who leads.", member::operations()),
        tag("Backups", "Asking for backups, and how they stand.", backup::operations()),
        tag("Nodes", "For operators, load balancers and people with a browser.", node::operations()),
    ]
}
