//! Calling customers' own programs: what is signed with which secret, which addresses may be called, and the call itself.
//!
//! The form is that of [Standard Webhooks](https://www.standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, an HMAC-SHA256 over `id.timestamp.body`.

mod address;
mod courier;
mod sign;

pub use address::check_url;
pub use courier::{Courier, Sent};
pub use sign::{Secrets, sign};
