//! Who is in the cluster, which group holds which key, and how much of anything there may be. No I/O but reading a file's text.

pub mod backup;
pub mod changes;
pub mod file;
pub mod groups;
pub mod ids;
pub mod limits;
pub mod media;
pub mod payment;
pub mod request_tag;
pub mod tls;
