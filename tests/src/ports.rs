//! Ports for the processes of a cluster: free ones, and those that a cluster had before.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context, bail};

/// The ports of the cluster in a folder: those that it had, or free ones, written down.
pub(crate) fn ports_of(folder: &Path, count: usize) -> anyhow::Result<Vec<u16>> {
    let file = folder.join("ports");
    if let Ok(text) = fs::read_to_string(&file) {
        return text.split_whitespace().map(|port| port.parse().context("a port")).collect();
    }
    let ports = free_ports(count)?;
    fs::write(file, ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))?;
    Ok(ports)
}

/// Ports that nobody listens on, below those that the kernel gives to outgoing connections, so that a node's port is still
/// free when it is started again.
pub(crate) fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let lowest: u16 = range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768);
    let span = u64::from(lowest.max(11_000)) - 10_000;
    let mut kept = Vec::new();
    let mut entropy = [0_u8; 8];
    for _ in 0..10_000 {
        File::open("/dev/urandom")?.read_exact(&mut entropy)?;
        let port = 10_000 + (u64::from_le_bytes(entropy) % span) as u16;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            kept.push((port, listener));
        }
        if kept.len() == count {
            return Ok(kept.into_iter().map(|(port, _)| port).collect());
        }
    }
    bail!("no {count} free ports")
}
