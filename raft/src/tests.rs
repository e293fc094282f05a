//! Whole nodes in one process: a counter machine, a transport that can be cut, disks that lose power, and what must hold whatever breaks.

mod blobs;
mod cluster;
mod counter;
mod entries;
mod faults;
mod history;
mod identity;
mod members;
mod propose;
mod reads;
mod rescue;
mod security;
mod snapshots;
mod storage;
mod wire;
