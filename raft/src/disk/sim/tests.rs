//! The simulated disk keeps what was synced and only that for sure.

use std::path::Path;

use super::{Disk, SimDisk};

fn reopen(disk: &SimDisk, seed: u64) {
    disk.crash(seed);
    assert!(disk.list(Path::new("/d")).is_err(), "a crashed disk answers nothing");
    disk.restart();
}

#[test]
fn synced_bytes_and_names_survive_every_crash() {
    for seed in 0..64 {
        let disk = SimDisk::new();
        let file = disk.create(Path::new("/d/a")).unwrap();
        file.write_at(0, &[1; 2000]).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(1000, &[2; 2000]).unwrap();
        reopen(&disk, seed);
        assert!(file.sync_data().is_err(), "handles of the life before are dead");
        let content = disk.content(Path::new("/d/a")).unwrap();
        assert!(content.len() >= 2000);
        assert_eq!(content[..1000], [1; 1000]);
        assert!(content[1000..].iter().all(|byte| *byte <= 2));
    }
}

#[test]
fn unsynced_writes_are_kept_lost_and_torn() {
    let mut seen = [false; 3];
    for seed in 0..64 {
        let disk = SimDisk::new();
        let file = disk.create(Path::new("/d/a")).unwrap();
        file.write_at(0, &[1; 4096]).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(0, &[2; 4096]).unwrap();
        reopen(&disk, seed);
        let kept = disk.content(Path::new("/d/a")).unwrap().iter().filter(|byte| **byte == 2).count();
        assert_eq!(kept % 512, 0, "sectors are atomic");
        seen[match kept {
            0 => 0,
            4096 => 1,
            _ => 2,
        }] = true;
    }
    assert_eq!(seen, [true; 3]);
}

#[test]
fn names_need_a_sync_of_their_directory() {
    let (mut old, mut new) = (false, false);
    for seed in 0..64 {
        let disk = SimDisk::new();
        disk.create(Path::new("/d/a")).unwrap().sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
        reopen(&disk, seed);
        match disk.list(Path::new("/d")).unwrap().as_slice() {
            [name] if name == "a" => old = true,
            [name] if name == "b" => new = true,
            names => panic!("{names:?}"),
        }
    }
    assert!(old && new);
}

#[test]
fn faults_come_when_asked_for() {
    let disk = SimDisk::new();
    let file = disk.create(Path::new("/d/a")).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.set_capacity(Some(1000));
    assert!(crate::disk::is_full(&file.write_at(500, &[7; 600]).unwrap_err()));
    disk.set_capacity(Some(2000));
    file.write_at(500, &[7; 600]).unwrap();
    assert_eq!(disk.free_bytes(Path::new("/d")).unwrap(), 900);
    disk.fail_sync_at(1);
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    reopen(&disk, 0);
    assert_eq!(disk.content(Path::new("/d/a")).unwrap(), b"", "a failed sync drops what it should have written");

    let file = disk.open(Path::new("/d/a")).unwrap();
    disk.crash_at(2);
    file.write_at(0, &[1]).unwrap();
    file.sync_data().unwrap_err();
    assert!(disk.is_down());
    file.write_at(0, &[1]).unwrap_err();
    let guard = disk.fork();
    guard.restart();
    assert!(disk.is_down() && !guard.is_down(), "a fork is independent");
}

#[test]
fn a_lock_is_held_once() {
    let disk = SimDisk::new();
    let held = disk.lock(Path::new("/d/lock")).unwrap();
    assert!(disk.lock(Path::new("/d/lock")).is_err());
    drop(held);
    let held = disk.lock(Path::new("/d/lock")).unwrap();
    disk.kill();
    disk.restart();
    let again = disk.lock(Path::new("/d/lock")).unwrap();
    drop(held);
    assert!(disk.lock(Path::new("/d/lock")).is_err(), "a dead guard frees nothing");
    drop(again);
}
