//! placeholder

pub mod crash;
pub mod disk;
pub mod log;
