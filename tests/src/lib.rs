//! Clusters of real processes for the tests: started, killed, paused, restarted, looked at over HTTP.
//!
//! ```text
//!  tests/it, bin/kills, bin/powercut
//!      |            what a test says: cluster.kill(2), shop.hold(..)
//!  campaign, growth  fault after fault, node after node under load, and the verdict
//!  shop, check      the product's calls and the comparisons of replicas, written once
//!      |
//!  cluster, http    configurations, processes, ports; one small client
//!  provider         the sandbox provider that takes a cluster's payments
//!  fuzz             decoders of bytes from outside, each as one function, and what is made of real bytes to try them
//!  receiver         a customer's program that webhooks call
//!      |
//!  sim              whole clusters in one thread under a seed, for bin/simulate
//!  binary, process, ports, certificates, readiness   the executable under test; signals; where it listens, and what it shows
//! ```

pub mod binary;
pub mod campaign;
pub mod check;
pub mod cluster;
pub mod faketime;
pub mod fuzz;
pub mod growth;
pub mod http;
pub mod people;
pub mod power;
pub mod process;
pub mod provider;
pub mod purchases;
pub mod receiver;
pub mod shop;
pub mod sim;

mod certificates;
mod ports;
mod readiness;
mod requirements;
