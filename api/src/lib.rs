//! The edge: HTTP, JSON, sockets and the page. Calls out through one trait; knows no leaders, groups or forwarding.
//!
//! ```text
//! server -> dispatch (over the table in router) -> layers (name, room, rates, who, role, body, key) -> route -> dyn Backend
//!                                                                                           live <- Hub <- changes of the node
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod auth;
pub mod backend;
pub mod bare;
pub mod changes;
#[cfg(feature = "client")]
pub mod client;
pub mod config;
pub mod edge;
pub mod error;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod import;
pub mod live;
pub mod openapi;
pub mod server;

mod calendar;
mod call;
mod check;
mod coding;
mod cors;
mod cursor;
mod denied;
mod dispatch;
mod idempotency;
mod json;
mod kept;
mod layers;
mod layout;
mod limits;
mod marks;
mod metrics;
mod password;
mod poster;
mod program;
mod route;
mod router;
mod scope;
mod sheets;
mod trouble;
mod who;

#[cfg(test)]
mod tests;
