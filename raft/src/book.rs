//! The address book of a node: who the nodes of the cluster are, where they are reached, and whose number is never used again. It comes
//! from the configuration at first, then from whoever keeps the cluster's registry, and lies in the data directory, so that a node that
//! starts again finds the others at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxoffice_cluster_config::ids::{ClusterId, NodeId};
use parking_lot::RwLock;
use prost::Message;

use crate::disk::Disk;
use crate::identity::{is_claimed, read_checked, write_checked};
use crate::proto;

const BOOK_FILE: &str = "peers";

/// Who the nodes are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Grows with each change of the registry; 0 = from the configuration.
    pub revision: u64,
    /// The nodes with the `host:port` of their peer service.
    pub members: BTreeMap<NodeId, String>,
    /// Nodes that were removed: what they say is refused for ever.
    pub removed: BTreeSet<NodeId>,
}

/// Makes a data directory that of a node which joins a running cluster: with this book in it, the node finds the others and begins no
/// group of its own.
///
/// # Errors
/// `AlreadyExists` when the directory is that of a node already; else as the disk reports them.
pub fn prepare(disk: &dyn Disk, dir: &Path, cluster: &ClusterId, book: &Book) -> io::Result<()> {
    disk.create_dir_all(dir)?;
    if is_taken(disk, dir) {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "this is the data directory of a node already"));
    }
    write(disk, dir, cluster, book)
}

/// Whether a data directory is that of a node already.
#[must_use]
pub fn is_taken(disk: &dyn Disk, dir: &Path) -> bool {
    is_claimed(disk, dir) || is_prepared(disk, dir)
}

/// Whether a data directory has a book: its node has been part of a cluster, or is about to be.
#[must_use]
pub fn is_prepared(disk: &dyn Disk, dir: &Path) -> bool {
    disk.exists(&dir.join(BOOK_FILE))
}

impl From<&Book> for proto::PeerBook {
    fn from(book: &Book) -> Self {
        let line = |(node, address): (&NodeId, &String)| proto::PeerAddress { node: node.0, address: address.clone() };
        let members = book.members.iter().map(line).collect();
        let removed = book.removed.iter().map(|node| node.0).collect();
        Self { cluster: String::new(), members, removed, revision: book.revision }
    }
}

impl From<proto::PeerBook> for Book {
    fn from(book: proto::PeerBook) -> Self {
        Self {
            revision: book.revision,
            members: book.members.into_iter().map(|line| (NodeId(line.node), line.address)).collect(),
            removed: book.removed.into_iter().map(NodeId).collect(),
        }
    }
}

fn write(disk: &dyn Disk, dir: &Path, cluster: &ClusterId, book: &Book) -> io::Result<()> {
    let stored = proto::PeerBook { cluster: cluster.0.clone(), ..book.into() };
    write_checked(disk, dir, BOOK_FILE, &stored.encode_to_vec())
}

fn read(disk: &dyn Disk, dir: &Path, cluster: &ClusterId) -> io::Result<Option<Book>> {
    let bytes = match read_checked(disk, &dir.join(BOOK_FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let stored = proto::PeerBook::decode(bytes.as_slice()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    if stored.cluster != cluster.0 {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("it is that of cluster {}", stored.cluster)));
    }
    Ok(Some(stored.into()))
}

/// The book of a running node.
pub struct AddressBook {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    cluster: ClusterId,
    /// What the configuration says: it goes before the registry where both know a node, so that an operator can move nodes to other
    /// addresses while there is no quorum.
    given: BTreeMap<NodeId, String>,
    book: RwLock<Arc<Book>>,
}

impl AddressBook {
    /// The stored book, or what the configuration says.
    ///
    /// # Errors
    /// As the disk reports them; damage is an error too.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, cluster: &ClusterId, given: &BTreeMap<NodeId, String>) -> io::Result<Self> {
        let stored = read(disk.as_ref(), dir, cluster)?;
        let book = stored.unwrap_or_else(|| Book { members: given.clone(), ..Book::default() });
        let book = RwLock::new(Arc::new(corrected(book, given)));
        Ok(Self { disk, dir: dir.to_owned(), cluster: cluster.clone(), given: given.clone(), book })
    }

    /// As it is now.
    pub fn now(&self) -> Arc<Book> {
        self.book.read().clone()
    }

    /// Takes a later one up and keeps it on disk; whether anything changed.
    pub fn replace(&self, book: Book) -> bool {
        let book = corrected(book, &self.given);
        let mut known = self.book.write();
        if book.revision < known.revision || book.members.is_empty() || **known == book {
            return false;
        }
        if let Err(error) = write(self.disk.as_ref(), &self.dir, &self.cluster, &book) {
            tracing::warn!(%error, "the addresses of the nodes cannot be kept on disk");
        }
        *known = Arc::new(book);
        true
    }
}

fn corrected(mut book: Book, given: &BTreeMap<NodeId, String>) -> Book {
    for (node, address) in &mut book.members {
        if let Some(own) = given.get(node) {
            address.clone_from(own);
        }
    }
    book
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    fn book(revision: u64, members: &[(u64, &str)], removed: &[u64]) -> Book {
        let members = members.iter().map(|(node, address)| (NodeId(*node), (*address).to_owned())).collect();
        Book { revision, members, removed: removed.iter().copied().map(NodeId).collect() }
    }

    #[test]
    fn the_registry_is_kept_and_the_configuration_corrects_it() {
        let dir = tempfile::tempdir().unwrap();
        let cluster = ClusterId("a".to_owned());
        let given = book(0, &[(1, "one:1"), (2, "two:1")], &[]).members;
        let open = || AddressBook::open(Arc::new(RealDisk), dir.path(), &cluster, &given).unwrap();
        let first = open();
        assert_eq!(*first.now(), book(0, &[(1, "one:1"), (2, "two:1")], &[]));
        assert!(first.replace(book(2, &[(1, "old:1"), (4, "four:1")], &[2])));
        assert!(!first.replace(book(2, &[(1, "older:1"), (4, "four:1")], &[2])));
        assert!(!first.replace(book(1, &[(1, "one:1")], &[])), "an old one");
        assert_eq!(*open().now(), book(2, &[(1, "one:1"), (4, "four:1")], &[2]));
        let foreign = AddressBook::open(Arc::new(RealDisk), dir.path(), &ClusterId("b".to_owned()), &given);
        assert!(foreign.is_err(), "the book of another cluster");
    }

    #[test]
    fn only_an_empty_directory_is_prepared() {
        let dir = tempfile::tempdir().unwrap();
        let cluster = ClusterId("a".to_owned());
        assert!(!is_prepared(&RealDisk, dir.path()));
        prepare(&RealDisk, dir.path(), &cluster, &book(1, &[(4, "four:1")], &[])).unwrap();
        assert!(is_prepared(&RealDisk, dir.path()));
        let again = prepare(&RealDisk, dir.path(), &cluster, &Book::default());
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
}
