//! What was made of files, made again when they change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::TlsError;
use crate::files::{Stamp, stamp};

/// Files are looked at no more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Make<T> = Box<dyn Fn() -> Result<T, TlsError> + Send + Sync>;

/// A value that follows its files.
pub struct Live<T> {
    paths: Vec<PathBuf>,
    make: Make<T>,
    value: watch::Sender<Arc<T>>,
    seen: Mutex<Seen>,
}

struct Seen {
    stamps: Vec<Stamp>,
    looked: Instant,
    /// What was wrong at the last try.
    complaint: String,
}

impl<T> Live<T> {
    /// Makes the value for the first time.
    ///
    /// # Errors
    /// As `make` says.
    pub fn open(paths: Vec<PathBuf>, make: impl Fn() -> Result<T, TlsError> + Send + Sync + 'static) -> Result<Self, TlsError> {
        // Before the files are read: what changes meanwhile is noticed later.
        let stamps = stamps(&paths);
        let value = watch::Sender::new(Arc::new(make()?));
        let seen = Mutex::new(Seen { stamps, looked: Instant::now(), complaint: String::new() });
        Ok(Self { paths, make: Box::new(make), value, seen })
    }

    /// The value of the files as they are now, or were a second ago. While new files are of no use, the last good value stays, and
    /// the log says why.
    pub fn get(&self) -> Arc<T> {
        self.look();
        self.value.borrow().clone()
    }

    /// Wakes up when there is a new value.
    pub fn changes(&self) -> watch::Receiver<Arc<T>> {
        self.value.subscribe()
    }

    fn look(&self) {
        // Somebody else looks already.
        let Some(mut seen) = self.seen.try_lock() else { return };
        if seen.looked.elapsed() < LOOK_EVERY {
            return;
        }
        seen.looked = Instant::now();
        let stamps = stamps(&self.paths);
        if stamps == seen.stamps {
            return;
        }
        let file = self.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        match (self.make)() {
            Ok(value) => {
                seen.stamps = stamps;
                seen.complaint.clear();
                self.value.send_replace(Arc::new(value));
                tracing::info!(file, "took up new certificates");
            }
            // Tried again: the files may be in the middle of being replaced.
            Err(error) => {
                let complaint = error.to_string();
                if complaint != seen.complaint {
                    tracing::warn!(file, %error, "changed certificates are of no use; the ones before stay");
                    seen.complaint = complaint;
                }
            }
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    paths.iter().map(|path| stamp(path)).collect()
}
