//! Child processes that die with the test run, and signals to them.
#![allow(unsafe_code)] // prctl, kill and atexit are only to be had from libc; each use says why it is sound.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock, mpsc};

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ends a process without any chance to clean up.
    Kill,
    /// Asks it to end.
    Terminate,
    /// Stops it where it stands.
    Pause,
    /// Lets it go on.
    Resume,
}

/// Sends a signal to a process of ours.
pub fn signal(child: &Child, signal: Signal) {
    let number = match signal {
        Signal::Kill => libc::SIGKILL,
        Signal::Terminate => libc::SIGTERM,
        Signal::Pause => libc::SIGSTOP,
        Signal::Resume => libc::SIGCONT,
    };
    let pid = i32::try_from(child.id()).expect("a process id fits");
    // SAFETY: kill touches no memory. The child has not been waited for, so that its id is still its own.
    unsafe { libc::kill(pid, number) };
}

type Job = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a process that is killed when this one ends, however it ends.
///
/// # Errors
/// When it cannot be started.
pub fn spawn(command: Command) -> io::Result<Child> {
    // The kernel ties the child to the thread that started it, so one thread that never ends starts them all.
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, reply) in jobs {
                // SAFETY: prctl is async-signal-safe and touches no memory of the parent.
                unsafe {
                    command.pre_exec(|| {
                        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                        Ok(())
                    });
                }
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let (reply, answer) = mpsc::channel();
    let sender = spawner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    sender.send((command, reply)).expect("the spawner never ends");
    drop(sender);
    answer.recv().expect("the spawner answers")
}

static AT_EXIT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static FAILED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Removes a folder when this process exits, unless something panicked in it.
pub fn remove_at_exit(folder: PathBuf) {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            FAILED.store(true, std::sync::atomic::Ordering::Relaxed);
            hook(info);
        }));
        // SAFETY: the function lives for the whole program and does not unwind.
        unsafe { libc::atexit(clean_up) };
    });
    AT_EXIT.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(folder);
}

extern "C" fn clean_up() {
    let folders = std::mem::take(&mut *AT_EXIT.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    for folder in folders {
        if FAILED.load(std::sync::atomic::Ordering::Relaxed) {
            eprintln!("something failed: the nodes' files stay in {}", folder.display());
        } else {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
