//! A simulated disk.

/// A simulated disk.
pub struct SimDisk;
