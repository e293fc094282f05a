//! Golden bytes: encodings that were written once, under `tests/golden`, and must stay readable and be written the same.
//!
//! To add one, write a test that calls [`check`] with a new name and run it once with `BOXOFFICE_GOLDEN=add`. A file
//! that is there is never overwritten: bytes in logs and snapshots cannot be taken back.

use std::path::Path;
use std::vec::Vec;
use std::{env, fs};

/// Compares bytes with the golden file of this name; answers the file's.
pub(crate) fn check(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("bin");
    if !path.exists() && env::var("BOXOFFICE_GOLDEN").is_ok_and(|wish| wish == "add") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    let golden = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; see codec/golden.rs", path.display()));
    assert!(golden == bytes, "{name} is encoded otherwise now:\n{golden:02x?}\n{bytes:02x?}");
    golden
}

/// A golden file that is there.
pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("bin");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Frames of a snapshot as one file: each after its length in four bytes.
pub(crate) fn join(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| [&(frame.len() as u32).to_be_bytes(), &**frame].concat()).collect()
}

/// The frames of [`join`].
pub(crate) fn split(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames.push(frame.to_vec());
        file = rest;
    }
    frames
}
