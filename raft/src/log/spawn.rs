//! Where the loops of the log run: threads of their own, or tasks of a simulation.

use std::io;
use std::pin::Pin;
use std::thread;

/// Starts the loops of the log.
pub trait Spawn {
    /// Runs a loop until it ends by itself. It blocks in calls of the disk and uses `tokio::time`.
    ///
    /// # Errors
    /// When it could not be started.
    fn spawn(&self, name: &'static str, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> io::Result<()>;
}

/// One thread for each loop: an fdatasync must not hold up anything else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads;

impl Spawn for Threads {
    fn spawn(&self, name: &'static str, work: Pin<Box<dyn Future<Output = ()> + Send>>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new().name(name.into()).spawn(move || runtime.block_on(work))?;
        Ok(())
    }
}
