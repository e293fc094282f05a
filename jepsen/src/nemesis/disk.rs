//! Faults of disks: full, hung and without power (each node has a file system of its own), syncs that fail or are late (strace), and
//! lost or old files.
#![allow(unsafe_code)] // Signals are only to be had from libc.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::{Fault, Nemesis};
use crate::cluster::run;

/// Whether syncs can be made to fail.
#[must_use]
pub fn has_strace() -> bool {
    Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

impl Nemesis<'_> {
    pub(super) async fn cut_power(&mut self, victims: &[u64]) -> anyhow::Result<(bool, String)> {
        // They stand still, so that the cuts of several disks are one moment.
        victims.iter().for_each(|node| self.cluster.signal(*node, libc::SIGSTOP));
        for node in victims {
            self.disks[*node as usize - 1].cut()?;
        }
        victims.iter().for_each(|node| self.cluster.kill(*node));
        self.rest().await;
        for node in victims {
            self.disks[*node as usize - 1].reboot()?;
            self.cluster.spawn(*node)?;
        }
        Ok((true, format!("nodes {victims:?}")))
    }

    pub(super) async fn fill_disk(&self, victim: u64) -> anyhow::Result<(bool, String)> {
        let path = self.disks[victim as usize - 1].path().join("ballast");
        let filled = fill(&path);
        self.rest().await;
        fs::remove_file(&path)?;
        Ok((filled? > 0, format!("node {victim}")))
    }

    pub(super) async fn hang_disk(&self, victim: u64) -> anyhow::Result<(bool, String)> {
        let mount = self.disks[victim as usize - 1].path();
        // Thaws by itself: whoever waits for a frozen disk cannot thaw it.
        let seconds = self.lasts.as_secs_f64();
        let script = format!("fsfreeze -f \"$0\" && sleep {seconds:.3}; fsfreeze -u \"$0\"");
        let mut frozen = Command::new("sh").arg("-c").arg(script).arg(mount).stdin(Stdio::null()).spawn()?;
        let status = tokio::task::spawn_blocking(move || frozen.wait()).await??;
        Ok((status.success(), format!("node {victim}, {seconds:.1} s")))
    }

    pub(super) async fn trace(&self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        let pid = self.cluster.pid(victim).context("the node does not run")?;
        let inject = if fault == Fault::SlowSync { "delay_enter=200000" } else { "error=EIO:when=1+" };
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", &format!("inject=fdatasync,fsync:{inject}")]);
        let mut strace = command.args(["-p", &pid.to_string()]).stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        self.rest().await;
        let runs = self.cluster.is_running(victim);
        // Detaches. SAFETY: kill touches no memory, and the child was not waited for.
        unsafe { libc::kill(strace.id() as i32, libc::SIGINT) };
        tokio::task::spawn_blocking(move || strace.wait()).await??;
        if fault == Fault::SlowSync {
            return Ok((runs, format!("node {victim}")));
        }
        // A failed sync ends the process: it cannot know what is durable.
        let ended = !self.cluster.is_running(victim);
        self.cluster.kill(victim);
        self.cluster.spawn(victim)?;
        Ok((ended, format!("node {victim} ended: {ended}")))
    }

    pub(super) async fn lose_data(&mut self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        let data = self.cluster.data(victim).to_owned();
        let old = data.with_extension("old");
        if fault == Fault::OldData {
            // A copy of now, put back after more has happened.
            self.cluster.kill(victim);
            run(Command::new("cp").arg("-a").arg(&data).arg(&old))?;
            self.cluster.spawn(victim)?;
            self.wait_for(victim).await?;
            self.rest().await;
        }
        self.cluster.kill(victim);
        fs::remove_dir_all(&data)?;
        if fault == Fault::OldData {
            fs::rename(&old, &data)?;
        }
        self.rest().await;
        self.cluster.spawn(victim)?;
        let kept_out = self.kept_out(victim).await;
        self.lost.push(victim);
        ensure!(kept_out, "node {victim} came back under its old number, without its data");
        Ok((true, format!("node {victim} is kept out")))
    }

    /// Whether a node that must not come back ends, or says that it is not ready, for a while.
    pub(super) async fn kept_out(&self, node: u64) -> bool {
        let since = tokio::time::Instant::now();
        while since.elapsed() < Duration::from_secs(5) {
            if !self.cluster.is_running(node) {
                return true;
            }
            if self.cluster.operators_view(node, "/readyz").await.is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }

    pub(super) async fn lose_index(&self, victim: u64) -> anyhow::Result<(bool, String)> {
        self.cluster.kill(victim);
        let index = self.cluster.data(victim).join("search");
        let was_there = index.exists();
        if was_there {
            fs::remove_dir_all(&index)?;
        }
        self.rest().await;
        self.cluster.spawn(victim)?;
        self.wait_for(victim).await?;
        Ok((was_there, format!("node {victim}")))
    }
}

/// Writes until nothing goes any more; gives how many bytes did.
fn fill(path: &Path) -> std::io::Result<u64> {
    let mut file = File::create(path)?;
    let (mut block, mut total) = (vec![0_u8; 1 << 20], 0);
    while !block.is_empty() {
        match file.write_all(&block) {
            Ok(()) => total += block.len() as u64,
            Err(_) => block.truncate(block.len() / 2),
        }
    }
    Ok(total)
}
