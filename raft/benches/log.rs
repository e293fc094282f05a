//! Speed of the durable log.
fn main() {}
