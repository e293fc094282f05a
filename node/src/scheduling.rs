//! How the operating system shares the processor among this process's threads.
#![allow(unsafe_code)] // The system call is only to be had from libc.

/// Asks that a thread that wakes up does not push a running one aside (`SCHED_BATCH`). A node that is short of processor time then works
/// through what has come together before it turns to something else: fewer switches, larger batches, a quarter fewer calls of
/// `fdatasync` a sale. Nobody waits longer than a time slice of some milliseconds, far below raft's timers, and with a processor to spare
/// nothing changes. Threads that are started later do the same. Where the system refuses, all stays as it was.
pub fn favour_throughput() {
    #[cfg(target_os = "linux")]
    {
        let parameters = libc::sched_param { sched_priority: 0 };
        // SAFETY: the pointer is to a value that lives through the call, which only reads it; 0 is the calling thread.
        if unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters) } != 0 {
            tracing::debug!(error = %std::io::Error::last_os_error(), "the scheduler keeps its usual policy");
        }
    }
}
