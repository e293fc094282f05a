//! This machine, as the node that a configuration is for: the files that it names, its disk, its limits.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use boxoffice_cluster_config::file::Config;
use boxoffice_raft::disk::{Disk, RealDisk};
use rustix::process::{Resource, getrlimit};

use super::{Finding, Verdict};
use crate::cli::serve::read_config;

const HERE: &str = "this machine";
/// Room on the disk of the data, in GiB.
const FREE_WARN_GIB: f64 = 10.0;
const FREE_FAIL_GIB: f64 = 1.0;
/// The slowest of some small writes, in milliseconds.
const SYNC_WARN_MS: f64 = 20.0;
const SYNC_FAIL_MS: f64 = 200.0;
const SYNCS: u32 = 20;
/// Files and sockets that a node may have open.
const FILES_WARN: u64 = 16_384;
const FILES_FAIL: u64 = 1_024;

/// Looks at everything.
pub fn look(path: &Path) -> Vec<Finding> {
    let config = match read_config(path) {
        Ok(config) => config,
        Err(error) => return vec![Finding::new(Verdict::Fail, "configuration", HERE, format!("{error:#}"), "correct the file")],
    };
    let mut findings = vec![configuration(&config, path), secret(&config), certificates(&config)];
    findings.extend(disk(&config.data_dir));
    findings.push(files());
    findings
}

fn configuration(config: &Config, path: &Path) -> Finding {
    match crate::secret::read(&config.secret_file).and_then(|_| crate::payment::open(config).map(|_| ())) {
        Ok(()) => Finding::new(Verdict::Ok, "configuration", HERE, format!("{} is right, node {}", path.display(), config.node.0), ""),
        Err(error) => Finding::new(Verdict::Fail, "configuration", HERE, format!("{error:#}"), "see `boxoffice config check`"),
    }
}

fn secret(config: &Config) -> Finding {
    let mode = fs::metadata(&config.secret_file).map(|found| found.permissions().mode() & 0o777);
    match mode {
        Ok(mode) if mode & 0o007 == 0 => Finding::new(Verdict::Ok, "secret", HERE, format!("mode {mode:03o}"), ""),
        Ok(mode) => Finding::new(Verdict::Warn, "secret", HERE, format!("mode {mode:03o}: everybody may read it"), "chmod 600"),
        Err(error) => Finding::new(Verdict::Fail, "secret", HERE, error.to_string(), "name a file that is there"),
    }
}

fn certificates(config: &Config) -> Finding {
    match crate::certificates::check(config) {
        Ok(notes) if notes.is_empty() => Finding::new(Verdict::Ok, "certificates", HERE, "good for a month and more, or not used", ""),
        Ok(notes) => Finding::new(Verdict::Warn, "certificates", HERE, notes.join("; "), "`boxoffice cluster cert renew`"),
        Err(error) => Finding::new(Verdict::Fail, "certificates", HERE, format!("{error:#}"), "`boxoffice cluster cert renew`"),
    }
}

fn disk(data: &Path) -> Vec<Finding> {
    if !data.is_dir() {
        return vec![Finding::new(Verdict::Warn, "disk", HERE, "the data directory is not there yet", "the node makes it when it starts")];
    }
    let free = match RealDisk.free_bytes(data) {
        Ok(bytes) => {
            let gib = bytes as f64 / f64::from(1 << 30);
            let verdict = Verdict::above(-gib, -FREE_WARN_GIB, -FREE_FAIL_GIB);
            Finding::new(verdict, "free space", HERE, format!("{gib:.0} GiB"), "make room: without it the node takes no bookings")
        }
        Err(error) => Finding::new(Verdict::Fail, "free space", HERE, error.to_string(), "see who may read the data directory"),
    };
    let synced = match slowest_sync(data) {
        Ok(took) => {
            let ms = took.as_secs_f64() * 1000.0;
            let detail = format!("{ms:.1} ms, the slowest of {SYNCS}");
            Finding::new(
                Verdict::above(ms, SYNC_WARN_MS, SYNC_FAIL_MS),
                "disk sync",
                HERE,
                detail,
                "every booking waits for it: a faster disk",
            )
        }
        Err(error) => Finding::new(Verdict::Fail, "disk sync", HERE, error.to_string(), "see who may write to the data directory"),
    };
    vec![free, synced]
}

/// Writes a small file some times, each made durable.
fn slowest_sync(data: &Path) -> io::Result<Duration> {
    let path = data.join(format!("doctor-{}.tmp", std::process::id()));
    let written = write_and_sync(&path);
    let _ = fs::remove_file(&path);
    written
}

fn write_and_sync(path: &Path) -> io::Result<Duration> {
    let mut file = File::create_new(path)?;
    let mut slowest = Duration::ZERO;
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        slowest = slowest.max(begun.elapsed());
    }
    Ok(slowest)
}

fn files() -> Finding {
    // A node takes as many as it is granted.
    let most = getrlimit(Resource::Nofile).maximum;
    let verdict = most.map_or(Verdict::Ok, |most| Verdict::above(-(most as f64), -(FILES_WARN as f64), -(FILES_FAIL as f64)));
    let detail = most.map_or_else(|| "no limit".to_owned(), |most| format!("at most {most}"));
    Finding::new(verdict, "open files", HERE, detail, "raise it (LimitNOFILE): each reader of a live map needs one")
}
