//! The disk as the durable log and the snapshots see it: a small object-safe trait, the real implementation, and (for tests) a
//! simulated one.
//!
//! All methods are synchronous: they are called from the log's own threads or from a blocking context. Positions and sizes are bytes.
//! What a caller may rely on after a crash: bytes of a file that were written before a successful `sync_data`, and names that were
//! created, renamed or removed before a successful `sync_dir` of their directory. Nothing else.

mod read_only;
mod real;
#[cfg(any(test, feature = "sim"))]
pub mod sim;

use std::any::Any;
use std::io;
use std::path::Path;

pub use read_only::ReadOnlyDisk;
pub use real::RealDisk;
#[cfg(any(test, feature = "sim"))]
pub use sim::SimDisk;

/// A file system, real or simulated.
pub trait Disk: Send + Sync + 'static {
    /// Creates an empty file for reading and writing; an existing one is emptied.
    ///
    /// # Errors
    /// As the operating system reports them; `StorageFull` when no inode can be had.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` when there is none, else as the operating system reports them.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file and replaces the target if it exists. Durable after `sync_dir` of the directory.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after `sync_dir` of its directory.
    ///
    /// # Errors
    /// `NotFound` when there is none, else as the operating system reports them.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes all creations, renames and removals inside `dir` durable.
    ///
    /// # Errors
    /// As the operating system reports them; after an error nothing is known about the names.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Names (not paths) of the files in `dir`, sorted.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Whether a file or directory of this name exists.
    fn exists(&self, path: &Path) -> bool;

    /// Creates a directory and its missing parents, durably.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that an ordinary user may still write on the file system of `dir`.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;

    /// Takes the lock file `path` for this process until the returned guard is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when somebody else holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// An open file. Handles may be shared between threads; a renamed file keeps its handles.
pub trait DiskFile: Send + Sync {
    /// Fills `buffer` from `offset` and returns how many bytes there were: fewer than asked only at the end of the file.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file if needed.
    ///
    /// # Errors
    /// `StorageFull` when there is no room (part of the bytes may have been written), else as the operating system reports them.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Length of the file in bytes.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or grows it with zeros.
    ///
    /// # Errors
    /// As the operating system reports them.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes bytes and length durable.
    ///
    /// # Errors
    /// As the operating system reports them. After an error it is unknown what was kept, and a second call proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes bytes and all metadata durable.
    ///
    /// # Errors
    /// As for `sync_data`.
    fn sync_all(&self) -> io::Result<()>;
}

/// Whether this error means that the disk (or the quota) is full, which heals when somebody makes room.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
