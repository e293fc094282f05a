//! Looking under the surface: what must hold of the ledgers, on a node that runs, on the files of one that does not, and on machines
//! that a backup was read into; and what log entries ask for, in words.

pub mod check;
pub mod describe;
pub mod machines;
