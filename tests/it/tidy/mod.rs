//! Holds the shape of the source tree: crate direction, sizes, words that do not belong somewhere, documents in step.

mod crates;
mod sizes;
mod source;
mod words;
