//! The contract of the edge, against a backend in memory: every route, every problem, hostile input, roles, live maps.

pub mod fake;
pub mod harness;

mod backups;
mod carts;
mod changes;
#[cfg(feature = "client")]
mod clients;
mod denied;
mod gates;
mod guests;
#[cfg(feature = "client")]
mod https;
mod identity;
mod imports;
mod inputs;
mod inspection;
mod limits;
mod media;
mod money;
mod nodes;
mod prices;
mod problems;
mod promos;
mod roles;
mod routes;
mod searches;
mod sheets;
mod sockets;
