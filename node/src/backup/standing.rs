//! How backups stand on this node, for its status and its metrics. What the whole cluster knows of them is in the catalog.

use boxoffice_ledger::ids::BackupId;
use parking_lot::Mutex;

/// See the module.
#[derive(Default)]
pub struct Standing {
    now: Mutex<Now>,
}

/// A moment of it.
#[derive(Clone, Debug, Default)]
pub struct Now {
    /// The backup that is being made here, and how far it is.
    pub running: Option<Running>,
    /// The backup that this node adds to.
    pub chain: Option<BackupId>,
    /// Everything that was stamped up to here is in it, in microseconds since the Unix epoch.
    pub until_us: u64,
    /// Bytes of all its objects but images.
    pub bytes: u64,
    /// How long the last full backup took, in milliseconds.
    pub took_ms: u64,
    /// Full backups and additions that failed, since the start of the process.
    pub failures: u64,
    /// Why the last one failed, unless one was good since.
    pub failure: Option<String>,
}

/// A backup that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub backup: BackupId,
    /// Groups whose state is there.
    pub groups_done: u32,
    /// Groups in all.
    pub groups: u32,
    /// Bytes of state that were read so far.
    pub bytes: u64,
}

impl Standing {
    /// How it stands.
    pub fn now(&self) -> Now {
        self.now.lock().clone()
    }

    /// Changes it.
    pub fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now.lock());
    }

    /// So many bytes more of the running one were read.
    pub fn read(&self, bytes: usize) {
        if let Some(running) = &mut self.now.lock().running {
            running.bytes += bytes as u64;
        }
    }
}
