//! Collections that freeze in time proportional to their chunks, not to their records: everything lies in `Arc` chunks,
//! a clone shares all of them, and a write copies the one chunk it touches if that is shared (copy on write).
//!
//! While nothing shares a chunk they cost what the plain collections cost. They never show hash order.

mod index;
mod key;
mod map;
mod queue;
mod set;

pub(crate) use index::CowIndex;
pub use key::CowKey;
pub(crate) use key::fold;
pub use map::CowMap;
pub use queue::CowQueue;
pub use set::CowSet;
