//! Who a data directory belongs to, how often it was started, and which start of each peer was seen last.
//!
//! An old copy of a directory that was put back starts with a number that its peers have seen already, under another nonce: they refuse it,
//! for it may have forgotten votes and entries. The same holds for an empty directory under a known node id. A copy that was taken and put
//! back between two starts of the same node can not be told from the original.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use crc32c::crc32c;
use parking_lot::Mutex;
use prost::Message;

use crate::disk::Disk;
use crate::env::Random;
use crate::error::StartError;
use crate::proto;

const IDENTITY_FILE: &str = "identity";
const SEEN_FILE: &str = "peers-seen";

/// One start of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// Counts the starts of a data directory, from 1.
    pub number: u64,
    /// Drawn at the start.
    pub nonce: u64,
}

/// Claims the data directory for this node and counts the start. Durable when this returns.
///
/// # Errors
/// `ForeignData` when it belongs to somebody else, `DamagedIdentity` when that cannot be told.
pub fn claim(disk: &dyn Disk, dir: &Path, cluster: &ClusterId, node: NodeId, random: &dyn Random) -> Result<Boot, StartError> {
    let path = dir.join(IDENTITY_FILE);
    let previous = match read_checked(disk, &path) {
        Ok(bytes) => Some(proto::Identity::decode(bytes.as_slice()).map_err(|error| StartError::DamagedIdentity(error.to_string()))?),
        Err(error) if error.kind() == ErrorKind::NotFound && !disk.exists(&dir.join("log")) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(StartError::DamagedIdentity("there is a log but no identity".to_owned()));
        }
        Err(error) => return Err(StartError::DamagedIdentity(error.to_string())),
    };
    if let Some(previous) = &previous
        && (previous.cluster != cluster.0 || previous.node != node.0)
    {
        return Err(StartError::ForeignData {
            found: format!("node {} of cluster {}", previous.node, previous.cluster),
            expected: format!("node {} of cluster {cluster}", node.0),
        });
    }
    let boot = Boot { number: previous.map_or(0, |previous| previous.boot) + 1, nonce: random.next_u64() };
    let identity = proto::Identity { cluster: cluster.0.clone(), node: node.0, boot: boot.number, nonce: boot.nonce };
    write_checked(disk, dir, IDENTITY_FILE, &identity.encode_to_vec()).map_err(StartError::io("write the identity file"))?;
    Ok(boot)
}

/// Whose a data directory is, for those who only look.
///
/// # Errors
/// As the disk reports them; `InvalidData` when the identity file is damaged.
pub fn owner(disk: &dyn Disk, dir: &Path) -> io::Result<(ClusterId, NodeId)> {
    let bytes = read_checked(disk, &dir.join(IDENTITY_FILE))?;
    let identity = proto::Identity::decode(bytes.as_slice()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok((ClusterId(identity.cluster), NodeId(identity.node)))
}

/// The last start that was seen of each peer. Kept on disk.
pub struct Seen {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    boots: Mutex<BTreeMap<u64, Boot>>,
}

impl Seen {
    /// Reads what was seen in earlier lives.
    ///
    /// # Errors
    /// As the disk reports them. A damaged file is an error too: it is what protects the cluster from old copies.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        let boots = match read_checked(disk.as_ref(), &dir.join(SEEN_FILE)) {
            Ok(bytes) => {
                let seen = proto::SeenNodes::decode(bytes.as_slice()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
                seen.nodes.into_iter().map(|node| (node.node, Boot { number: node.boot, nonce: node.nonce })).collect()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { disk, dir: dir.to_owned(), boots: Mutex::new(boots) })
    }

    /// Whether this start of the node may still speak. A later start than any before is remembered durably first.
    pub fn admits(&self, node: u64, boot: Boot) -> bool {
        let mut boots = self.boots.lock();
        let last = boots.get(&node).copied().unwrap_or_default();
        if boot == last {
            return true;
        }
        if boot.number <= last.number {
            return false;
        }
        boots.insert(node, boot);
        let nodes = boots.iter().map(|(node, boot)| proto::SeenNode { node: *node, boot: boot.number, nonce: boot.nonce }).collect();
        let bytes = proto::SeenNodes { nodes }.encode_to_vec();
        if let Err(error) = write_checked(self.disk.as_ref(), &self.dir, SEEN_FILE, &bytes) {
            tracing::warn!(%error, "the starts of peers cannot be remembered on disk");
        }
        true
    }
}

/// Reads a small file that starts with the checksum of the rest.
fn read_checked(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX).min(1 << 20);
    let mut bytes = vec![0; size];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    match bytes.split_first_chunk::<4>() {
        Some((checksum, rest)) if u32::from_le_bytes(*checksum) == crc32c(rest) => Ok(rest.to_vec()),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "the checksum does not match")),
    }
}

/// Replaces a small file so that a crash leaves the old or the new one.
fn write_checked(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let file = disk.create(&temporary)?;
    let mut all = crc32c(bytes).to_le_bytes().to_vec();
    all.extend_from_slice(bytes);
    file.write_at(0, &all)?;
    file.sync_all()?;
    disk.rename(&temporary, &dir.join(name))?;
    disk.sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;
    use crate::env::SystemRandom;

    fn cluster(name: &str) -> ClusterId {
        ClusterId(name.to_owned())
    }

    #[test]
    fn each_start_counts_and_draws() {
        let dir = tempfile::tempdir().unwrap();
        let first = claim(&RealDisk, dir.path(), &cluster("a"), NodeId(1), &SystemRandom).unwrap();
        let second = claim(&RealDisk, dir.path(), &cluster("a"), NodeId(1), &SystemRandom).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert_ne!(first.nonce, second.nonce);
    }

    #[test]
    fn a_foreign_or_damaged_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        claim(&RealDisk, dir.path(), &cluster("a"), NodeId(1), &SystemRandom).unwrap();
        let other_node = claim(&RealDisk, dir.path(), &cluster("a"), NodeId(2), &SystemRandom);
        assert!(matches!(other_node, Err(StartError::ForeignData { .. })), "{other_node:?}");
        let other_cluster = claim(&RealDisk, dir.path(), &cluster("b"), NodeId(1), &SystemRandom);
        assert!(matches!(other_cluster, Err(StartError::ForeignData { .. })), "{other_cluster:?}");
        let path = dir.path().join(IDENTITY_FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let damaged = claim(&RealDisk, dir.path(), &cluster("a"), NodeId(1), &SystemRandom);
        assert!(matches!(damaged, Err(StartError::DamagedIdentity(_))), "{damaged:?}");
    }

    #[test]
    fn a_log_without_an_identity_is_not_adopted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        let claimed = claim(&RealDisk, dir.path(), &cluster("a"), NodeId(1), &SystemRandom);
        assert!(matches!(claimed, Err(StartError::DamagedIdentity(_))), "{claimed:?}");
    }

    #[test]
    fn an_older_start_is_refused_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::open(Arc::new(RealDisk), dir.path()).unwrap();
        let boot = |number, nonce| Boot { number, nonce };
        assert!(seen.admits(2, boot(3, 30)));
        assert!(seen.admits(2, boot(3, 30)));
        assert!(!seen.admits(2, boot(3, 31)), "the same number with another nonce is a copy");
        assert!(seen.admits(2, boot(4, 40)));
        drop(seen);
        let seen = Seen::open(Arc::new(RealDisk), dir.path()).unwrap();
        assert!(!seen.admits(2, boot(3, 30)));
        assert!(!seen.admits(2, boot(1, 99)), "an empty directory counts from one again");
        assert!(seen.admits(2, boot(4, 40)));
    }
}
