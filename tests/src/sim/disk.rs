//! The loops of a log as tasks that take their time: between being asked and being done, a crash can come.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use boxoffice_raft::log::Spawn;
use tokio::time::{Sleep, sleep};

use super::rng::Rng;

/// See the module.
pub struct SlowLoops {
    /// Draws how long each piece of work takes.
    pub rng: Rng,
    /// At most, in microseconds.
    pub most_us: u64,
}

impl Spawn for SlowLoops {
    fn spawn(&self, _name: &'static str, mut work: Pin<Box<dyn Future<Output = ()> + Send>>) -> io::Result<()> {
        let (rng, most_us) = (self.rng.clone(), self.most_us);
        let mut pause: Option<Pin<Box<Sleep>>> = None;
        tokio::spawn(std::future::poll_fn(move |cx| {
            let most_us = if rng.per_mille(100) { most_us } else { most_us / 10 + 1 };
            let wait = pause.get_or_insert_with(|| Box::pin(sleep(Duration::from_micros(rng.range(1, most_us)))));
            if wait.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            pause = None;
            work.as_mut().poll(cx)
        }));
        Ok(())
    }
}
