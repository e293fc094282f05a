//! One node of boxoffice: the only crate that sees all others. `start.rs` wires it, `service/` answers HTTP, `workers/` run beside
//! it, `replica.rs` is where seats and consensus meet.

mod backup;
pub mod bench;
mod certificates;
pub mod cli;
mod counts;
mod credentials;
mod edge;
mod feed;
mod files;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod inspect;
mod journal;
mod mail;
mod media;
mod members;
mod mint;
mod passwords;
pub mod payment;
mod popular;
mod replica;
mod scheduling;
mod searching;
mod secret;
mod service;
#[cfg(feature = "sim")]
pub mod sim;
mod start;
mod telemetry;
mod tickets;
mod webhooks;
mod workers;
