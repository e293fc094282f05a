//! The seat ledger: what a booking means. Pure and deterministic: no I/O, no clock, no random source, no floats, no
//! iteration in hash order.
#![no_std]
extern crate alloc;

pub mod change;
pub mod codec;
pub mod command;
pub mod ids;
pub mod machine;
pub mod money;
pub mod outcome;
pub mod plan;
pub mod time;
