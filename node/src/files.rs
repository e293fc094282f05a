//! How many files and sockets this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Takes as many as the system grants without asking anybody: live maps need a socket for each reader, and the usual limit is made for
/// programs of another kind. Where it refuses, all stays as it was.
pub fn take_what_is_granted() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays");
    }
}
