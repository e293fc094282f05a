//! The folder of an index: one folder in it for each generation, `v<version>-<number>`. A new one is built beside the one that
//! serves and takes its place when it is complete; what is left over from an interrupted build is thrown away at the next start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::schema::VERSION;

/// A generation of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    /// Version of the schema that it was built with.
    pub version: u32,
    /// Counts up within the folder.
    pub number: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl Generation {
    /// A generation of this version.
    pub fn new(root: &Path, number: u64) -> Self {
        Self { version: VERSION, number, path: root.join(format!("v{VERSION}-{number}")) }
    }

    fn read(path: PathBuf) -> Option<Self> {
        let (version, number) = path.file_name()?.to_str()?.strip_prefix('v')?.split_once('-')?;
        let (version, number) = (version.parse().ok()?, number.parse().ok()?);
        (version <= VERSION).then_some(Self { version, number, path })
    }
}

/// The generations that are there, those of this version first, the youngest first.
pub(crate) fn generations(root: &Path) -> io::Result<Vec<Generation>> {
    let paths = fs::read_dir(root)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut found: Vec<Generation> = paths.into_iter().filter_map(Generation::read).collect();
    found.sort_by_key(|generation| std::cmp::Reverse((generation.version, generation.number)));
    Ok(found)
}

/// Removes everything but one generation.
pub(crate) fn keep_only(root: &Path, kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path == kept {
            continue;
        }
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}
