//! Several damaged logs: what they have together.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use boxoffice_cluster_config::ids::{GroupId, NodeId};
use bytes::Bytes;
use tempfile::TempDir;

use super::cluster::cluster_id;
use crate::disk::RealDisk;
use crate::env::Env;
use crate::history::History;
use crate::identity;
use crate::log::{Entry, EntryId, Log, LogOptions};
use crate::node::log_dir;
use crate::rescue::{Rescue, RescueError};

const GROUP: GroupId = GroupId(1);

fn entry(term: u64, index: u64) -> Entry {
    let payload = Bytes::from(format!("entry {index} of term {term}, {}", ".".repeat(100)));
    Entry { id: EntryId { term, node: 1, index }, payload }
}

fn options(dir: &Path) -> LogOptions {
    LogOptions { segment_bytes: 64 << 10, short_segment_bytes: 64 << 10, free_bytes_min: 0, ..LogOptions::new(log_dir(dir)) }
}

/// A node's directory whose log was written entry by entry, each a frame of its own; a lower index removes what was from there on.
fn node(number: u64, written: &[(u64, u64)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    identity::claim(&RealDisk, dir.path(), &cluster_id(), NodeId(number), &*Env::real().random).unwrap();
    let log = Log::open(Arc::new(RealDisk), options(dir.path())).unwrap();
    let group = log.group(GROUP.0);
    for &(term, index) in written {
        if group.state().last.is_some_and(|last| last.index >= index) {
            group.truncate_after(Some(index - 1));
        }
        let (acked, acks) = mpsc::channel();
        group.append(vec![entry(term, index)], Box::new(move |result| acked.send(result).unwrap()));
        acks.recv().unwrap().unwrap();
    }
    log.close().unwrap();
    dir
}

/// Changes a byte of what stands in the log for each of these entries.
fn damage(dir: &Path, is_meant: impl Fn(u64) -> bool) {
    for file in fs::read_dir(log_dir(dir)).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"entry ")).collect();
        for at in starts {
            let number: String = bytes[at + 6..].iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
            if is_meant(number.parse().unwrap()) {
                bytes[at + 30] ^= 4;
            }
        }
        fs::write(&path, bytes).unwrap();
    }
}

fn together(dirs: &[&TempDir]) -> Result<Rescue, RescueError> {
    let paths: Vec<PathBuf> = dirs.iter().map(|dir| dir.path().to_owned()).collect();
    Rescue::open(&paths, [GROUP].into_iter())
}

fn ids(history: &History) -> Vec<(u64, u64)> {
    let (mut found, mut next) = (Vec::new(), 1);
    while next <= history.last() {
        for entry in history.entries(next..history.last() + 1, 500).unwrap() {
            assert_eq!(entry.payload, self::entry(entry.id.term, entry.id.index).payload);
            found.push((entry.id.term, entry.id.index));
            next = entry.id.index + 1;
        }
    }
    found
}

#[test]
fn three_logs_with_damage_at_different_places_have_everything_together() {
    let written: Vec<(u64, u64)> = (1..=60).map(|index| (1 + index / 25, index)).collect();
    let nodes: Vec<TempDir> = (1..=3).map(|number| node(number, &written)).collect();
    for (place, dir) in nodes.iter().enumerate() {
        damage(dir.path(), |index| index % 3 == place as u64);
        assert!(Log::open(Arc::new(RealDisk), options(dir.path())).is_err(), "it does not start with that");
    }
    let found = together(&[&nodes[0], &nodes[1], &nodes[2]]).unwrap();
    assert_eq!(found.cluster, cluster_id());
    assert_eq!(found.nodes, [(NodeId(1), 20), (NodeId(2), 20), (NodeId(3), 20)]);
    assert_eq!(ids(&found.groups[&GROUP]), written);
    assert!(matches!(together(&[&nodes[0], &nodes[1], &nodes[0]]), Err(RescueError::Twice { node: NodeId(1), .. })));
    // Two of them lack every third entry.
    damage(nodes[0].path(), |index| index % 3 == 1);
    damage(nodes[2].path(), |index| index % 3 == 1);
    assert!(matches!(together(&[&nodes[0], &nodes[1], &nodes[2]]), Err(RescueError::Lost { group: 1, index: 1 })));
}

#[test]
fn of_two_entries_at_a_place_the_later_leaders_counts_and_what_it_removed_does_not_come_back() {
    let shared: Vec<(u64, u64)> = (1..=7).map(|index| (5, index)).collect();
    let lonely = [&shared[..], &[(5, 8), (5, 9), (5, 10)]].concat();
    let removed = [&shared[..], &[(5, 8), (5, 9), (5, 10), (5, 11), (6, 8)]].concat();
    let later = [&shared[..], &[(6, 8), (6, 9)]].concat();
    let expected = later.clone();
    let nodes = [node(1, &lonely), node(2, &removed), node(3, &later)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let found = together(&order.map(|at| &nodes[at])).unwrap();
        assert_eq!(ids(&found.groups[&GROUP]), expected);
    }
}

#[test]
fn directories_of_two_clusters_and_of_nobody_are_refused() {
    let (one, nobody) = (node(1, &[(1, 1)]), tempfile::tempdir().unwrap());
    assert!(matches!(together(&[&one, &nobody]), Err(RescueError::Io { action: "read whose data it is", .. })));
    let other = tempfile::tempdir().unwrap();
    let name = boxoffice_cluster_config::ids::ClusterId("another".into());
    identity::claim(&RealDisk, other.path(), &name, NodeId(2), &*Env::real().random).unwrap();
    Log::open(Arc::new(RealDisk), options(other.path())).unwrap().close().unwrap();
    assert!(matches!(together(&[&one, &other]), Err(RescueError::OtherCluster { .. })));
}
