//! A disk that loses its power: an ext4 file system on a loop device, shut down so that everything that was not synced is gone, then
//! mounted again as after a reboot. Needs root.
#![allow(unsafe_code)] // The ioctl is only to be had from libc.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::cluster::run;

/// `EXT4_IOC_SHUTDOWN`: `_IOR('X', 125, __u32)`.
const EXT4_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587d;
/// Do not write the journal out first: what was not synced is lost.
static NO_LOG_FLUSH: u32 = 2;

/// A mounted file system of its own.
pub struct Disk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Why disks cannot be made here; `None` when they can.
    #[must_use]
    pub fn unavailable() -> Option<&'static str> {
        // SAFETY: geteuid touches no memory and cannot fail.
        let is_root = unsafe { libc::geteuid() } == 0;
        let has_tools = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"].iter().any(|path| Path::new(path).exists());
        match (is_root, has_tools) {
            (false, _) => Some("disks of its own need root"),
            (true, false) => Some("disks of its own need mkfs.ext4"),
            (true, true) => None,
        }
    }

    /// Makes and mounts a file system of so many MiB below `folder`.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn create(folder: &Path, name: &str, mib: u64) -> anyhow::Result<Self> {
        let (image, mount) = (folder.join(format!("{name}.img")), folder.join(name));
        fs::create_dir_all(&mount)?;
        File::create(&image)?.set_len(mib << 20)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        let mut disk = Self { image, mount, mounted: false };
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.mount
    }

    /// Where a node can keep its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.mount.join("data")
    }

    /// Cuts the power: from now on every access fails, and what was not synced is gone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn cut(&self) -> anyhow::Result<()> {
        let root = File::open(&self.mount).context("open the mount point")?;
        // SAFETY: the descriptor is open, and the call reads one u32 from the pointer, which outlives it.
        let result = unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_SHUTDOWN, &raw const NO_LOG_FLUSH) };
        ensure!(result == 0, "EXT4_IOC_SHUTDOWN: {}", std::io::Error::last_os_error());
        Ok(())
    }

    /// Mounts it again, as after a reboot. Nobody may have files open on it.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn reboot(&mut self) -> anyhow::Result<()> {
        run(Command::new("umount").arg(&self.mount))?;
        self.mounted = false;
        self.mount()
    }

    fn mount(&mut self) -> anyhow::Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.mount))?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Not thawed by itself, and not unmounted while frozen.
            let _ = Command::new("fsfreeze").arg("-u").arg(&self.mount).stderr(Stdio::null()).status();
            // Also where a process that is being killed still has files open: it goes with the last of them.
            let _ = run(Command::new("umount").arg("--lazy").arg(&self.mount));
        }
        let _ = fs::remove_file(&self.image);
        let _ = fs::remove_dir(&self.mount);
        // Goes with the last disk, if nothing else is there.
        let _ = self.image.parent().map(fs::remove_dir);
    }
}
