//! The keeper prepares what the writer must not wait for: spare segments of zeros, recycled ones, and the answer whether there is room.

use std::sync::Arc;
use std::time::Duration;

use super::segments::{Making, PIECE};
use super::shared::{LoopGuard, Shared};
use super::stats::add;
use super::types::LogError;

/// Spares that are kept ready.
const SPARES: u64 = 1;

/// The second loop of the log.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    making: Option<Making>,
    _running: LoopGuard,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is more to do after this pause.
    After(Duration),
    /// Nothing to do but to look at the free space now and then.
    Wait,
    /// The log is closed.
    Stop,
}

impl Keeper {
    /// The keeper of an open log.
    pub fn new(shared: Arc<Shared>) -> Self {
        let running = shared.loop_guard();
        Self { shared, making: None, _running: running }
    }

    /// Runs until the log is closed.
    pub async fn run(mut self) {
        loop {
            let pause = match self.step() {
                Next::After(pause) => pause,
                Next::Wait => self.shared.options.space_check,
                Next::Stop => break,
            };
            let _woken = tokio::time::timeout(pause, self.shared.keep.notified()).await;
        }
    }

    /// Does one small piece of work.
    pub fn step(&mut self) -> Next {
        if self.shared.shut().is_some() {
            self.making = None;
            return Next::Stop;
        }
        match self.work() {
            Ok(next) => next,
            Err(error) => {
                self.making = None;
                if error.is_full() {
                    self.shared.set_full(true);
                } else {
                    tracing::warn!(%error, cause = ?std::error::Error::source(&error), "cannot prepare a segment, will try again");
                }
                Next::Wait
            }
        }
    }

    fn work(&mut self) -> Result<Next, LogError> {
        let options = &self.shared.options;
        if self.shared.segments.recycle(options.segment_bytes)? {
            self.shared.work.notify_one();
            return Ok(Next::After(Duration::ZERO));
        }
        let free = self.shared.disk.free_bytes(&options.dir).map_err(|error| LogError::io("measure", &options.dir, error))?;
        self.shared.set_full(free < options.free_bytes_min);
        let Some(mut making) = self.making.take() else {
            let (_, _, spares) = self.shared.segments.totals();
            if spares < SPARES && free >= options.free_bytes_min.saturating_add(options.segment_bytes) {
                self.making = Some(self.shared.segments.make(options.segment_bytes)?);
                return Ok(Next::After(Duration::ZERO));
            }
            return Ok(Next::Wait);
        };
        let before = making.written();
        let complete = making.step()?;
        add(&self.shared.stats.zero_bytes, making.written() - before);
        if complete {
            self.shared.segments.add_spare(making)?;
            self.shared.work.notify_one();
        } else {
            self.making = Some(making);
        }
        let nanos = (PIECE as u64 * 1_000_000_000).checked_div(options.zero_rate).unwrap_or(1_000_000_000);
        Ok(Next::After(Duration::from_nanos(nanos)))
    }
}
