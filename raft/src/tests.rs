//! Whole nodes in one process: a counter machine, a transport that can be cut, and what must hold whatever breaks.

mod cluster;
mod counter;
mod propose;
