//! Stands in for two functions of the C library, in this binary only, so that whatever asks the operating system for random bytes or for
//! the time follows the seed: hash tables, ids, tokio, openraft. Only the thread that runs a simulation is served so; all others get
//! the real thing.
#![expect(unsafe_code, reason = "the C library's functions have raw pointers")]

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};

use libc::{clockid_t, ssize_t, timespec};

/// What the monotonic clock shows when a simulation begins, in seconds.
const MONOTONIC_S: i64 = 1_000;
/// What the wall clock shows then: the beginning of every run, see `sim::clock`.
const WALL_S: i64 = (boxoffice_tests::sim::clock::BEGIN_US / 1_000_000) as i64;

thread_local! {
    /// The state of the random stream; `None` on threads without a simulation.
    static STREAM: Cell<Option<u64>> = const { Cell::new(None) };
    /// When the runtime of the simulation began; `None` before it has one.
    static ORIGIN: Cell<Option<tokio::time::Instant>> = const { Cell::new(None) };
}

/// From here on, this thread has random bytes of this seed, and a clock that stands still.
pub fn begin(seed: u64) {
    STREAM.set(Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
}

/// From here on, the clocks of this thread show the time of the runtime that it is in.
pub fn follow_runtime() {
    ORIGIN.set(Some(tokio::time::Instant::now()));
}

/// Fills a buffer with random bytes.
///
/// # Safety
/// As the C library's: the buffer has room for so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> ssize_t {
    let Some(mut state) = STREAM.get() else {
        // SAFETY: the caller's arguments, passed on.
        return unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) as ssize_t };
    };
    for place in 0..length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // SAFETY: the place is inside of the caller's buffer.
        unsafe { buffer.cast::<u8>().add(place).write((state >> 24) as u8) };
    }
    STREAM.set(Some(state));
    length as ssize_t
}

/// Tells the time.
///
/// # Safety
/// As the C library's: `out` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, out: *mut timespec) -> c_int {
    let base_s = match clock {
        libc::CLOCK_MONOTONIC => MONOTONIC_S,
        libc::CLOCK_REALTIME => WALL_S,
        _ => 0,
    };
    if STREAM.get().is_none() || base_s == 0 {
        // SAFETY: the caller's arguments, passed on.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, out) as c_int };
    }
    let passed = ORIGIN.get().map(|origin| tokio::time::Instant::now() - origin).unwrap_or_default();
    let shown = timespec { tv_sec: base_s + passed.as_secs() as i64, tv_nsec: i64::from(passed.subsec_nanos()) };
    // SAFETY: the caller says so.
    unsafe { out.write(shown) };
    0
}
