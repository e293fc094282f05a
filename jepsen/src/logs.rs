//! The bytes of a node's log, as far as a fault has to know them to damage entries of several nodes so that each entry stays whole
//! somewhere. `raft/src/log/format.rs` describes them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::draw::Draw;

/// Frames begin at multiples of this many bytes.
const ALIGN: usize = 64;
/// Bytes of a frame before its body.
const HEADER: usize = 36;

/// A frame with entries in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    /// Group and index of each.
    entries: Vec<(u32, u64)>,
    /// Where the last byte of its body is.
    last: usize,
}

/// Flips a bit in some frames of the log in each of these folders, in at most `most` and a quarter of them: no entry is damaged in two
/// logs, and the end of a log, which a crash may always tear, stays as it is. Says in how many.
///
/// # Errors
/// When a file cannot be read or written.
pub fn flip_apart(folders: &[PathBuf], most: usize, draw: &mut Draw) -> anyhow::Result<Vec<usize>> {
    let (mut taken, mut counts) = (BTreeSet::new(), Vec::new());
    for folder in folders {
        let mut found = Vec::new();
        for path in segments(folder)? {
            let frames = frames(&fs::read(&path)?);
            found.extend(frames.into_iter().map(|frame| (path.clone(), frame)));
        }
        let most = most.min(found.len() / 4);
        draw.shuffle(&mut found);
        let mut count = 0;
        for (path, frame) in found {
            if count == most || frame.entries.iter().any(|entry| taken.contains(entry)) {
                continue;
            }
            taken.extend(frame.entries);
            flip(&path, frame.last, draw.below(8))?;
            count += 1;
        }
        counts.push(count);
    }
    Ok(counts)
}

/// Flips one bit of a file, durably.
fn flip(path: &Path, at: usize, bit: u64) -> anyhow::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at as u64)?;
    file.write_all_at(&[byte[0] ^ 1 << bit], at as u64)?;
    file.sync_all()?;
    Ok(())
}

fn segments(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn number(bytes: &[u8], at: usize, wide: usize) -> Option<u64> {
    Some(bytes.get(at..at + wide)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The frames of a segment that have entries, without the segment's last frame. What follows an older life of the file is not looked at:
/// frames have their segment's number and follow each other without a gap.
fn frames(bytes: &[u8]) -> Vec<Frame> {
    let (mut found, mut at, mut before) = (Vec::new(), 0, None);
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(b"BXL1")) {
        let (Some(body), Some(segment), Some(sequence)) = (number(bytes, at + 4, 4), number(bytes, at + 8, 8), number(bytes, at + 16, 8))
        else {
            break;
        };
        let (start, end) = (at + HEADER, at + HEADER + body as usize);
        let Some(body) = bytes.get(start..end) else { break };
        if before.is_some_and(|before| before != (segment, sequence.wrapping_sub(1))) {
            break;
        }
        before = Some((segment, sequence));
        let entries = if number(bytes, at + 24, 4) == Some(2) { entries(body) } else { None };
        found.push(Frame { entries: entries.unwrap_or_default(), last: end - 1 });
        at = end.next_multiple_of(ALIGN);
    }
    found.pop();
    found.into_iter().filter(|frame| !frame.entries.is_empty()).collect()
}

/// The entries in the records of a frame; `None` when there is something else than records.
fn entries(body: &[u8]) -> Option<Vec<(u32, u64)>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < body.len() {
        let group = number(body, at + 1, 4)? as u32;
        at += match body[at] {
            1 | 2 => {
                let (first, count) = (number(body, at + 21, 8)?, number(body, at + 29, 4)?);
                found.extend((first..first + count).map(|index| (group, index)));
                37 + number(body, at + 33, 4)? as usize
            }
            3 => 22,
            4 => 13,
            5 | 6 => 29,
            7 => 5,
            _ => return None,
        };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(segment: u64, sequence: u64, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32).to_le_bytes();
        let place = [segment.to_le_bytes(), sequence.to_le_bytes()].concat();
        let mut bytes = [b"BXL1".as_slice(), &length, &place, &kind.to_le_bytes(), &[0; 8], body].concat();
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
        bytes
    }

    fn record(group: u8, first: u64, count: u32, payloads: &[u8]) -> Vec<u8> {
        let size = payloads.len() as u32;
        [&[1, group, 0, 0, 0], [0; 16].as_slice(), &first.to_le_bytes(), &count.to_le_bytes(), &size.to_le_bytes(), payloads].concat()
    }

    fn log() -> Vec<u8> {
        let vote = [&[3, 8, 0, 0, 0], [0; 17].as_slice()].concat();
        let mixed = [record(1, 5, 2, b"two of them"), vote, record(2, 9, 1, b"and another group's")].concat();
        let old = frame(6, 5, 2, &record(1, 3, 1, b"of an older life of the file"));
        [frame(7, 1, 1, &[8; 100]), frame(7, 2, 2, &record(1, 4, 1, b"alone")), frame(7, 3, 2, &mixed), frame(7, 4, 2, &[]), old].concat()
    }

    #[test]
    fn entries_are_found_in_the_bytes_of_a_log() {
        let (log, found) = (log(), frames(&log()));
        assert_eq!(found.iter().map(|frame| frame.entries.clone()).collect::<Vec<_>>(), [vec![(1, 4)], vec![(1, 5), (1, 6), (2, 9)]]);
        assert_eq!(found.iter().map(|frame| log[frame.last]).collect::<Vec<_>>(), [b'e', b's']);
    }

    #[test]
    fn no_entry_is_damaged_twice_and_the_end_of_no_log() {
        let place = tempfile::tempdir().expect("a folder");
        let folders: Vec<PathBuf> = (0..3).map(|node| place.path().join(format!("n{node}"))).collect();
        let log: Vec<u8> = [frame(1, 0, 1, &[8])]
            .into_iter()
            .chain((1..40).map(|index| frame(1, index, 2, &record(0, index, 1, b"an entry"))))
            .flatten()
            .collect();
        for folder in &folders {
            fs::create_dir(folder).expect("a folder");
            fs::write(folder.join("1.log"), &log).expect("it is written");
        }
        assert_eq!(flip_apart(&folders, 8, &mut Draw::new(1)).expect("they are there"), [8, 8, 8]);
        let differ = |folder: &PathBuf| {
            let bytes = fs::read(folder.join("1.log")).expect("it is there");
            (0..log.len()).filter(|at| bytes[*at] != log[*at]).collect::<Vec<_>>()
        };
        let places: Vec<usize> = folders.iter().flat_map(differ).collect();
        assert_eq!((places.len(), places.iter().collect::<BTreeSet<_>>().len()), (24, 24));
        assert!(places.iter().all(|at| *at < log.len() - 2 * ALIGN));
    }
}
