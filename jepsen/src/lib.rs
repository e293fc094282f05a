//! Fault tests of boxoffice that a stranger can run and believe: real processes, seen from outside through HTTP and the command line.

pub mod check;
pub mod client;
pub mod cluster;
pub mod disk;
pub mod draw;
pub mod failover;
pub mod history;
pub mod links;
pub mod load;
pub mod logs;
pub mod namespaces;
pub mod nemesis;
pub mod net;
pub mod recorder;
pub mod report;
pub mod run;
pub mod seat;
pub mod store;
pub mod suite;
pub mod ticket;
pub mod wgl;
pub mod workload;
