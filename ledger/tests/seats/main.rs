//! The seat ledger from outside: text tables of every transition and refusal, and properties under random commands.
#![allow(clippy::unwrap_used)]

mod house;
mod money;
mod oracle;
mod price;
mod price_random;
mod promo;
mod promo_random;
mod random;
mod render;
mod script;
mod tables;
