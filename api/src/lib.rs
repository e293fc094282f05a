//! The edge: HTTP, JSON, sockets and the page. Calls out through one trait; knows no leaders, groups or forwarding.

pub mod backend;
pub mod import;
