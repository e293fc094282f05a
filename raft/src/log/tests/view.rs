//! Looking into a log that nobody has open.

use super::super::{LogView, Vote};
use super::*;

fn view(disk: &SimDisk) -> Result<LogView, LogError> {
    LogView::open(Arc::new(disk.clone()), Path::new(DIR))
}

#[test]
fn a_view_sees_what_a_start_would_and_changes_nothing() {
    let mut rig = Rig::new();
    rig.append(1, entries(1, 1, 1..60, 700));
    rig.append(2, entries(2, 3, 1..4, 50));
    rig.group(1).save_vote(Vote { term: 4, node: 2, committed: true }, Box::new(|_| {}));
    rig.group(1).purge(id(1, 20));
    rig.group(1).save_committed(id(1, 55));
    rig.settle_all();
    assert!(matches!(view(&rig.disk), Err(LogError::InUse { .. })), "the log is open");
    let rig = rig.reopen(options());
    let (state, all, disk) = (rig.group(1).state(), read_all(&rig.group(1)), rig.disk.clone());
    drop(rig);
    let before: Vec<_> = segment_paths(&disk).iter().map(|path| disk.open(path).unwrap().size().unwrap()).collect();

    let seen = view(&disk).unwrap();
    assert_eq!(seen.groups().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(seen.state(1), state);
    assert_eq!(seen.state(9), crate::log::GroupState::default());
    assert_eq!(seen.read(1, 0, usize::MAX, usize::MAX).unwrap(), all);
    assert_eq!(seen.read(1, 30, 2, usize::MAX).unwrap(), all[9..11]);
    assert_eq!(seen.read(1, 30, 9, 1).unwrap(), all[9..10], "one entry, however large");
    assert_eq!(seen.read(1, 60, 9, usize::MAX).unwrap(), []);
    assert_eq!(seen.read(9, 0, 9, usize::MAX).unwrap(), []);
    drop(seen);
    let after: Vec<_> = segment_paths(&disk).iter().map(|path| disk.open(path).unwrap().size().unwrap()).collect();
    assert_eq!(before, after);
    assert_eq!(read_all(&Rig::open(&disk, options()).unwrap().group(1)), all);
}
