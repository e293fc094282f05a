//! The runtime as openraft sees it: tokio, but alarms are rounded up to a common grid.
//!
//! Each group's core has a clock of its own that ticks some thirty times a second at a phase of its own. On a node with a dozen groups
//! that is hundreds of wake-ups a second for nothing. On a grid the ticks of all groups fall together, and one wake-up does for all.

use std::future::Future;
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use openraft::OptionalSend;
use openraft_rt::{AsyncRuntime, Instant as _};
use openraft_rt_tokio::{TokioInstant, TokioRuntime};
use tokio::time::Instant;

/// Width of the grid: small beside every timeout that a tick looks at.
const GRID: Duration = Duration::from_millis(20);

/// Where the grid begins.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// See the module.
#[derive(Debug)]
pub struct Aligned(TokioRuntime);

/// The first line of the grid at or after this moment.
fn aligned(at: Instant) -> Instant {
    let offset = at.saturating_duration_since(*ORIGIN).as_micros();
    let step = GRID.as_micros();
    let rounded = u64::try_from(offset.div_ceil(step) * step).unwrap_or(u64::MAX);
    ORIGIN.checked_add(Duration::from_micros(rounded)).unwrap_or(at).max(at)
}

impl AsyncRuntime for Aligned {
    type JoinError = <TokioRuntime as AsyncRuntime>::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = <TokioRuntime as AsyncRuntime>::JoinHandle<T>;
    type Sleep = <TokioRuntime as AsyncRuntime>::Sleep;
    type Instant = TokioInstant;
    type TimeoutError = <TokioRuntime as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = <TokioRuntime as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = <TokioRuntime as AsyncRuntime>::ThreadLocalRng;
    type Mpsc = <TokioRuntime as AsyncRuntime>::Mpsc;
    type Watch = <TokioRuntime as AsyncRuntime>::Watch;
    type Oneshot = <TokioRuntime as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <TokioRuntime as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        TokioRuntime::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    /// The one call that ticks use.
    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        let now = TokioInstant::now();
        let left = if deadline > now { deadline - now } else { Duration::ZERO };
        tokio::time::sleep_until(aligned(Instant::now() + left))
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(duration: Duration, future: F) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(deadline: Self::Instant, future: F) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(error: &Self::JoinError) -> bool {
        TokioRuntime::is_panic(error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        TokioRuntime::thread_rng()
    }

    fn new(threads: usize) -> Self {
        Self(TokioRuntime::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }

    fn spawn_blocking<F, T>(work: F) -> impl Future<Output = Result<T, io::Error>> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        TokioRuntime::spawn_blocking(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_fall_together_and_never_early() {
        let begin = *ORIGIN + GRID * 7;
        let micros = Duration::from_micros;
        assert_eq!(aligned(begin), begin);
        assert_eq!(aligned(begin + micros(1)), begin + GRID);
        assert_eq!(aligned(begin + GRID - micros(1)), begin + GRID);
        assert_eq!(aligned(*ORIGIN), *ORIGIN);
    }
}
