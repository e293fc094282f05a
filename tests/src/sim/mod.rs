//! Deterministic simulation: whole clusters in one thread, under a seed.
//!
//! ```text
//!  run         one seed: faults, then none and everything is demanded -> outcome
//!   |  stage, client, history   events on sale; what clients ask for, are told, and what follows from it
//!   |  nemesis                  crashes, cuts, disks, clocks, a flipped bit
//!   |  watch, verdict           what must hold at every moment, and in the end
//!  world       the nodes: `boxoffice::sim::Node`, the real product
//!   |  network, disk, clock, provider   what stands for the world outside
//!  options, rng, trace          drawn from the seed; the hash of all that happened
//! ```
//! The binary `simulate` makes the rest of the process follow the seed, too.

pub mod client;
pub mod clock;
pub mod disk;
pub mod history;
pub mod nemesis;
pub mod network;
pub mod options;
pub mod provider;
pub mod rng;
pub mod run;
pub mod stage;
pub mod trace;
pub mod verdict;
pub mod watch;
pub mod world;
