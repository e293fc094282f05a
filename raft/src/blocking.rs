//! Runs file work off the threads that drive consensus, or in place where a simulation wants everything in one thread.

use std::io;

/// Runs `work` on a thread that may block (or here, when `inline`).
///
/// # Errors
/// Those of `work`; `Other` when it panicked.
pub async fn blocking<T: Send + 'static>(inline: bool, work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    if inline {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
