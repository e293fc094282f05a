//! A network of its own for each node: a namespace with an address, all on one bridge, and packets that are dropped where they arrive, so
//! that nobody is told. Clients are cut off as nodes are. Needs root, `ip`, `nft` and `nsenter`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail, ensure};

use crate::cluster::run;
use crate::links::Link;

/// The number by which clients are known: they live outside all namespaces.
pub const CLIENTS: u64 = 0;
/// The third byte of the network's addresses is one of so many.
const NETWORKS: u32 = 250;
/// Where nodes listen, each at its own address.
const PORTS: [u16; 2] = [7480, 7580];
/// Where the payment provider listens, at the address of clients.
const PROVIDER_PORT: u16 = 7999;

/// The namespaces of one cluster. They go when it is dropped; whatever runs in them must have ended.
pub struct Namespaces {
    number: u32,
    nodes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    links: BTreeMap<(u64, u64), Link>,
    /// Packets that rules which are gone have dropped.
    dropped: u64,
}

/// Why there can be no namespaces here; `None` when there can.
#[must_use]
pub fn unavailable() -> Option<String> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Path::new);
    let missing = ["ip", "nft", "nsenter"].into_iter().find(|tool| !folders.iter().any(|folder| folder.join(tool).exists()));
    match (is_root, missing) {
        (false, _) => Some("network namespaces need root".into()),
        (true, Some(tool)) => Some(format!("network namespaces need {tool}, which is not installed")),
        (true, None) => None,
    }
}

impl Namespaces {
    /// Makes them for so many nodes.
    ///
    /// # Errors
    /// When a tool fails.
    pub fn create(nodes: u64) -> anyhow::Result<Self> {
        for attempt in 0..NETWORKS {
            let number = (std::process::id() + attempt) % NETWORKS + 1;
            if run(Command::new("ip").args(["link", "add", &bridge(number), "type", "bridge"])).is_ok() {
                let made = Self { number, nodes, state: Mutex::default() };
                made.fill().context("make network namespaces")?;
                return Ok(made);
            }
        }
        bail!("no bridge can be made")
    }

    fn fill(&self) -> anyhow::Result<()> {
        let ip = |line: &str| run(Command::new("ip").args(line.split_whitespace())).map(drop);
        let bridge = bridge(self.number);
        ip(&format!("address add {}/24 dev {bridge}", self.address(CLIENTS)))?;
        ip(&format!("link set {bridge} up"))?;
        for node in 1..=self.nodes {
            let (name, cable) = (self.name(node), format!("{bridge}v{node}"));
            ip(&format!("netns add {name}"))?;
            ip(&format!("link add {cable} type veth peer name eth0 netns {name}"))?;
            ip(&format!("link set {cable} master {bridge} up"))?;
            ip(&format!("-n {name} address add {}/24 dev eth0", self.address(node)))?;
            ip(&format!("-n {name} link set eth0 up"))?;
            ip(&format!("-n {name} link set lo up"))?;
            self.rules(node, "add table inet jepsen\nadd chain inet jepsen in { type filter hook input priority 0; }\n")?;
        }
        Ok(())
    }

    fn name(&self, node: u64) -> String {
        format!("{}n{node}", bridge(self.number))
    }

    fn address(&self, node: u64) -> Ipv4Addr {
        let last = if node == CLIENTS { 254 } else { node as u8 };
        Ipv4Addr::new(10, 77, self.number as u8, last)
    }

    /// Where a node listens for clients, and for other nodes.
    #[must_use]
    pub fn addresses(&self, node: u64) -> [SocketAddr; 2] {
        PORTS.map(|port| SocketAddr::from((self.address(node), port)))
    }

    /// Where the payment provider listens.
    #[must_use]
    pub fn provider(&self) -> SocketAddr {
        SocketAddr::from((self.address(CLIENTS), PROVIDER_PORT))
    }

    /// A command that runs a program in a node's namespace, with the same process id.
    #[must_use]
    pub fn command(&self, node: u64, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name(node))).arg(program);
        command
    }

    /// Changes what happens to packets from one to another. Only cuts and losses can be had: this kernel need not know of delays.
    pub fn set(&self, from: u64, to: u64, link: Link) {
        if to == CLIENTS || from == to {
            return;
        }
        self.state().links.insert((from, to), link);
        self.apply(to);
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        let changed: Vec<u64> = self.state().links.iter().filter(|(_, link)| **link != Link::default()).map(|((_, to), _)| *to).collect();
        self.state().links.clear();
        changed.into_iter().collect::<std::collections::BTreeSet<u64>>().into_iter().for_each(|node| self.apply(node));
    }

    /// How many packets faults have dropped so far.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.state().dropped + (1..=self.nodes).map(|node| self.dropped_at(node)).sum::<u64>()
    }

    fn apply(&self, node: u64) {
        let before = self.dropped_at(node);
        let mut text = "flush chain inet jepsen in\n".to_owned();
        {
            let mut state = self.state();
            state.dropped += before;
            for ((from, _), link) in state.links.iter().filter(|((_, to), _)| *to == node) {
                let from = self.address(*from);
                if link.is_cut {
                    text.push_str(&format!("add rule inet jepsen in ip saddr {from} counter drop\n"));
                } else if link.reset_permille > 0 {
                    let share = link.reset_permille;
                    text.push_str(&format!("add rule inet jepsen in ip saddr {from} numgen random mod 1000 < {share} counter drop\n"));
                }
            }
        }
        if let Err(error) = self.rules(node, &text) {
            // Shows as a fault that was not real, and makes the run void.
            eprintln!("nft: {error:#}");
        }
    }

    fn rules(&self, node: u64, text: &str) -> anyhow::Result<()> {
        let mut nft = self.command(node, Path::new("nft"));
        let mut nft = nft.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("start nft")?;
        nft.stdin.take().context("nft reads")?.write_all(text.as_bytes())?;
        let status = nft.wait()?;
        ensure!(status.success(), "nft: {status}");
        Ok(())
    }

    fn dropped_at(&self, node: u64) -> u64 {
        let listed = run(self.command(node, Path::new("nft")).args(["list", "chain", "inet", "jepsen", "in"])).unwrap_or_default();
        packets(&listed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let quietly = |line: &str| Command::new("ip").args(line.split_whitespace()).stderr(Stdio::null()).status();
        for node in 1..=self.nodes {
            let _ = quietly(&format!("netns delete {}", self.name(node)));
        }
        let _ = quietly(&format!("link delete {}", bridge(self.number)));
    }
}

fn bridge(number: u32) -> String {
    format!("jp{number}")
}

/// The sum of the packets that rules have counted.
fn packets(listed: &str) -> u64 {
    let words: Vec<&str> = listed.split_whitespace().collect();
    words.windows(2).filter(|pair| pair[0] == "packets").filter_map(|pair| pair[1].parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn counters_are_summed() {
        let listed = "ip saddr 10.77.1.2 counter packets 3 bytes 180 drop\n ip saddr 10.77.1.3 counter packets 4 bytes 9 drop";
        assert_eq!(super::packets(listed), 7);
    }
}
