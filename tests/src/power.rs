//! A cluster whose disks lose their power. Needs root.

use jepsen::disk::Disk;

use crate::cluster::{Cluster, Options};

/// Three nodes, each with its data on a disk of its own. Drop the cluster before the disks.
///
/// # Errors
/// When the disks cannot be made or the cluster does not start.
pub fn cluster_on_disks() -> anyhow::Result<(Cluster, Vec<Disk>)> {
    let folder = tempfile::Builder::new().prefix("disks-").tempdir_in(crate::binary::scratch())?.keep();
    let disks = (1..=3).map(|node| Disk::create(&folder, &format!("d{node}"), 768)).collect::<anyhow::Result<Vec<_>>>()?;
    let data = disks.iter().map(Disk::data).collect();
    let cluster = Cluster::start(Options { data, ..Options::default() })?;
    Ok((cluster, disks))
}
