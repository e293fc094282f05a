//! The index's files: written without waiting for the disk, checked when they are opened.
//!
//! An index can be rebuilt from the catalog, and the disk's flushes belong to the log. So nothing here is flushed; after a power
//! cut files may be damaged, which their checksums tell. Segments carry tantivy's own; the small files that are replaced as a whole
//! (which segments there are, the position) get one at their end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite, WatchCallback, WatchHandle, WritePtr,
};

const CHECKSUM_BYTES: usize = 8;

/// A folder of index files.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    files: MmapDirectory,
    folder: PathBuf,
}

impl Storage {
    /// Opens a folder that exists.
    pub fn open(folder: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Storage { files: MmapDirectory::open(folder)?, folder: folder.to_owned() })
    }
}

/// FNV-1a: these files are small, and only accidents are to be found.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    hash.to_le_bytes()
}

/// A file that is complete once it is written.
struct Unflushed(File);

impl Write for Unflushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for Unflushed {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

impl Directory for Storage {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let file = OpenOptions::new().write(true).create_new(true).open(self.folder.join(path));
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => OpenWriteError::FileAlreadyExists(path.to_owned()),
            _ => OpenWriteError::wrap_io_error(error, path.to_owned()),
        })?;
        Ok(BufWriter::new(Box::new(Unflushed(file))))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let mut bytes = self.files.atomic_read(path)?;
        let length = bytes.len().saturating_sub(CHECKSUM_BYTES);
        let found = bytes.split_off(length);
        if found != checksum(&bytes) {
            let error = io::Error::new(io::ErrorKind::InvalidData, "the checksum does not match");
            return Err(OpenReadError::wrap_io_error(error, path.to_owned()));
        }
        Ok(bytes)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let target = self.folder.join(path);
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = target.with_file_name(name);
        let mut file = File::create(&fresh)?;
        file.write_all(data)?;
        file.write_all(&checksum(data))?;
        fs::rename(&fresh, &target)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.files.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}
