//! The seat ledger: what a booking means. Pure and deterministic: no I/O, no clock, no random source, no floats, no
//! iteration in hash order.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used))]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod accounts;
pub mod audit;
pub mod blobs;
pub mod carts;
pub mod catalog;
pub mod change;
pub mod codec;
pub mod command;
pub mod cow;
pub mod demand;
pub mod digest;
pub mod ids;
pub mod machine;
pub mod members;
pub mod money;
pub mod orders;
pub mod outbox;
pub mod outcome;
pub mod plan;
pub mod pricing;
pub mod promos;
pub mod requests;
pub mod seats;
pub mod tickets;
pub mod time;
pub mod upkeep;
pub mod webhooks;

#[cfg(test)]
mod tables;
