//! The configuration file of one node: TOML text to a checked [`Config`], reporting every mistake at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::backup::Backup;
use crate::changes::{Changes, Webhooks};
use crate::groups::GroupCounts;
use crate::ids::{ClusterId, NodeId};
use crate::media::Media;
use crate::payment::Payment;
use crate::tls::Tls;

/// One node's configuration, as in the file. `check` says whether it makes sense.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cluster's name; the same on every node.
    pub cluster: ClusterId,
    /// This node's number: one of `members`, or the one that the node got by joining later.
    pub node: NodeId,
    /// Where this node keeps its files. Relative paths are relative to the working directory.
    pub data_dir: PathBuf,
    /// Address to serve HTTP on, `host:port`.
    pub http: String,
    /// Address to serve the other nodes on, `host:port`.
    pub peer: String,
    /// A file with the cluster's secret: 64 hexadecimal digits, the same on every node. Tokens are signed with it.
    pub secret_file: PathBuf,
    /// Origins of other sites whose pages may call this cluster with an access token, such as `https://shop.example`.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// The nodes that found the cluster. Nodes that join later are noted in the cluster itself, and find it through these.
    pub members: Vec<Member>,
    /// How many groups there are; the same on every node, fixed at the cluster's creation.
    #[serde(default)]
    pub groups: GroupCounts,
    /// Limits on callers.
    #[serde(default)]
    pub limits: Limits,
    /// Raft's timers and sizes.
    #[serde(default)]
    pub raft: RaftTuning,
    /// How many threads work at once.
    #[serde(default)]
    pub threads: Threads,
    /// Who takes the money.
    #[serde(default)]
    pub payment: Payment,
    /// Letters to people.
    #[serde(default)]
    pub mail: Mail,
    /// Images.
    #[serde(default)]
    pub media: Media,
    /// Which keys sign tickets; the same on every node, but for the time of a change.
    #[serde(default)]
    pub tickets: TicketKeys,
    /// How much of what happened is kept for those who follow.
    #[serde(default)]
    pub changes: Changes,
    /// Customers' own programs that are told of changes.
    #[serde(default)]
    pub webhooks: Webhooks,
    /// Where backups go, and how often.
    #[serde(default)]
    pub backup: Backup,
    /// Certificates, towards the other nodes and towards clients.
    #[serde(default)]
    pub tls: Tls,
}

/// Letters to people: links to set a password, notices.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Where this node puts letters, as `.eml` files for any mail program to send; default: `mail` in `data_dir`.
    pub dir: Option<PathBuf>,
    /// The sender's address.
    pub from: String,
    /// Where links in letters lead: the public address of the page, such as `https://tickets.example`. Default: this node's own.
    /// With https, cookies are sent over TLS only, and browsers are told to come back over TLS only.
    pub links: Option<String>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { dir: None, from: "boxoffice@localhost".into(), links: None }
    }
}

/// Which keys sign tickets. Each epoch has a key of its own, derived from the cluster's secret.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TicketKeys {
    /// The epoch whose key signs new codes. Raise it by one, on one node after the other.
    pub signing_epoch: u32,
    /// The oldest epoch whose codes are still good. Raise it when a key is not to be trusted any more.
    pub oldest_epoch: u32,
}

impl Default for TicketKeys {
    fn default() -> Self {
        Self { signing_epoch: 1, oldest_epoch: 1 }
    }
}

/// A node of the cluster.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its number; never reused.
    pub node: NodeId,
    /// Where the other nodes reach it, `host:port`.
    pub peer: String,
    /// Where clients reach it, such as `http://host:port`.
    pub http: String,
}

/// Limits on callers. All are per node.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Networks (CIDR) whose addresses have no per-address limit: load balancers, load generators.
    pub trusted_networks: Vec<String>,
    /// Requests a minute of one address.
    pub address_per_minute: u32,
    /// Requests a minute of one account.
    pub user_per_minute: u32,
    /// Registrations and log-ins a minute of one address.
    pub log_ins_per_minute: u32,
    /// Requests under way at once; the next one is refused.
    pub requests_max: usize,
    /// Open live sockets.
    pub sockets_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trusted_networks: Vec::new(),
            address_per_minute: 6_000,
            user_per_minute: 3_000,
            log_ins_per_minute: 20,
            requests_max: 4096,
            sockets_max: 10_000,
        }
    }
}

/// Raft's timers and sizes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RaftTuning {
    /// Between heartbeats, in milliseconds.
    pub heartbeat_ms: u64,
    /// Shortest wait of a follower before it campaigns, in milliseconds; counted from the end of the leader's lease.
    pub election_min_ms: u64,
    /// Longest such wait, and the lease that a leader has after each heartbeat, in milliseconds: a dead leader is replaced within
    /// twice this, if votes do not split.
    pub election_max_ms: u64,
    /// A group is snapshotted after this many entries.
    pub snapshot_entries: u64,
    /// Entries kept behind a snapshot for followers that are a little late.
    pub keep_entries: u64,
    /// Batches of one group under way at once.
    pub batches_in_flight: usize,
    /// Size of a log segment, in MiB.
    pub segment_mib: u64,
}

impl Default for RaftTuning {
    fn default() -> Self {
        Self {
            heartbeat_ms: 100,
            election_min_ms: 400,
            election_max_ms: 700,
            snapshot_entries: 20_000,
            keep_entries: 10_000,
            batches_in_flight: 2,
            segment_mib: 64,
        }
    }
}

/// How many threads work at once. Consensus has its own, so that a flood of requests cannot cost a node an election.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Threads {
    /// Threads that serve HTTP; 0 = one a core.
    pub http: usize,
    /// Threads that drive consensus and apply entries; 0 = half the cores, at least one and at most four.
    pub consensus: usize,
}

impl Threads {
    /// The numbers for a machine with so many cores.
    #[must_use]
    pub fn on(self, cores: usize) -> Self {
        let or = |set: usize, default: usize| if set == 0 { default } else { set };
        Self { http: or(self.http, cores.max(1)), consensus: or(self.consensus, (cores / 2).clamp(1, 4)) }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} mistake(s):", self.0.len())?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

impl Config {
    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// Every mistake that was found; a syntax error stands alone.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError(vec![error.to_string()]))?;
        let mistakes = config.mistakes();
        if mistakes.is_empty() { Ok(config) } else { Err(ConfigError(mistakes)) }
    }

    /// The peers' addresses by node.
    #[must_use]
    pub fn peers(&self) -> BTreeMap<NodeId, String> {
        self.members.iter().map(|member| (member.node, member.peer.clone())).collect()
    }

    /// Whether this node was there from the beginning.
    #[must_use]
    pub fn is_founder(&self) -> bool {
        self.members.iter().any(|member| member.node == self.node)
    }

    /// The public address of the page, without a slash at its end.
    #[must_use]
    pub fn links(&self) -> String {
        // A node that joined later sends people to one that was there before: each serves the page.
        let own = || self.members.iter().find(|member| member.node == self.node).or(self.members.first());
        let links = self.mail.links.clone().or_else(|| own().map(|member| member.http.clone())).unwrap_or_default();
        links.trim_end_matches('/').into()
    }

    fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |good: bool, mistake: String| {
            if !good {
                found.push(mistake);
            }
        };
        check(self.cluster.is_legal(), format!("cluster = {:?}: use 1 to 64 of a-z, 0-9 and -", self.cluster.0));
        check(self.node.0 > 0, "node = 0: node numbers start at 1".into());
        let mut seen = BTreeMap::new();
        for member in &self.members {
            check(member.node.0 > 0, "members: node = 0: node numbers start at 1".into());
            check(seen.insert(member.node, ()).is_none(), format!("members: node {} is listed twice", member.node.0));
            check(has_port(&member.peer), format!("members: peer = {:?} of node {}: write host:port", member.peer, member.node.0));
            let url = member.http.strip_prefix("http://").or_else(|| member.http.strip_prefix("https://"));
            check(url.is_some(), format!("members: http = {:?} of node {}: write http://host:port", member.http, member.node.0));
        }
        check(seen.len() % 2 == 1, format!("members: {} nodes: use an odd number, so that a majority is well defined", seen.len()));
        for (name, address) in [("http", &self.http), ("peer", &self.peer)] {
            check(has_port(address), format!("{name} = {address:?}: write host:port"));
        }
        for (name, count) in [("events", self.groups.events), ("users", self.groups.users)] {
            check((1..=64).contains(&count), format!("groups.{name} = {count}: use 1 to 64"));
        }
        let line = |text: &str| !text.chars().any(|letter| letter.is_control() || letter.is_whitespace());
        check(self.mail.from.contains('@') && line(&self.mail.from), format!("mail.from = {:?}: write name@host", self.mail.from));
        let is_site = |text: &str| (text.starts_with("http://") || text.starts_with("https://")) && line(text);
        if let Some(links) = &self.mail.links {
            check(is_site(links), format!("mail.links = {links:?}: write https://host"));
        }
        for origin in &self.allowed_origins {
            let plain = is_site(origin) && origin.split("://").nth(1).is_some_and(|host| !host.contains('/'));
            check(plain, format!("allowed_origins: {origin:?}: write https://host, without a path"));
        }
        let keys = self.tickets;
        check(
            (1..=keys.signing_epoch).contains(&keys.oldest_epoch) && keys.signing_epoch - keys.oldest_epoch < 64,
            format!("tickets.oldest_epoch = {}: from 1 to signing_epoch, and at most 63 before it", keys.oldest_epoch),
        );
        let raft = &self.raft;
        check(raft.heartbeat_ms >= 20, format!("raft.heartbeat_ms = {}: at least 20", raft.heartbeat_ms));
        check(
            raft.election_min_ms >= 3 * raft.heartbeat_ms && raft.election_max_ms > raft.election_min_ms,
            "raft: election_min_ms must be at least 3 heartbeats, and election_max_ms above it".into(),
        );
        check((4..=1024).contains(&raft.segment_mib), format!("raft.segment_mib = {}: use 4 to 1024", raft.segment_mib));
        check((1..=16).contains(&raft.batches_in_flight), format!("raft.batches_in_flight = {}: use 1 to 16", raft.batches_in_flight));
        for (name, count) in [("http", self.threads.http), ("consensus", self.threads.consensus)] {
            check(count <= 256, format!("threads.{name} = {count}: use at most 256, or 0 to go by the cores"));
        }
        check(raft.snapshot_entries >= 10, format!("raft.snapshot_entries = {}: at least 10", raft.snapshot_entries));
        found.extend(self.changes.mistake());
        found.extend(self.payment.mistakes());
        found.extend(self.media.mistakes());
        found.extend(self.backup.mistakes());
        found.extend(self.tls_mistakes());
        found
    }
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: [&str; 4] = [
        include_str!("../examples/one-node.toml"),
        include_str!("../examples/three-nodes-n1.toml"),
        include_str!("../examples/three-nodes-n2.toml"),
        include_str!("../examples/three-nodes-n3.toml"),
    ];

    #[test]
    fn the_examples_are_right() {
        for text in EXAMPLES {
            Config::parse(text).unwrap();
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let text = EXAMPLES[1].replacen("node = 1\n", "node = 0\n", 1).replace("cluster = \"", "cluster = \"No Spaces ");
        let mistakes = Config::parse(&text).unwrap_err().0;
        assert!(mistakes.iter().any(|mistake| mistake.contains("cluster")), "{mistakes:?}");
        assert!(mistakes.iter().any(|mistake| mistake.contains("node numbers start at 1")), "{mistakes:?}");
    }

    #[test]
    fn a_node_that_joins_later_is_not_among_the_members() {
        let text = EXAMPLES[1].replacen("node = 1\n", "node = 9\n", 1).replace("links = ", "# links = ");
        let config = Config::parse(&text).unwrap();
        assert!(!config.is_founder());
        assert_eq!(config.links(), "http://box1.example.net:7480");
        assert!(Config::parse(EXAMPLES[1]).unwrap().is_founder());
    }

    #[test]
    fn threads_go_by_the_cores_unless_said() {
        let said = |threads: Threads, cores| (threads.on(cores).http, threads.on(cores).consensus);
        assert_eq!([1, 2, 8, 64].map(|cores| said(Threads::default(), cores)), [(1, 1), (2, 1), (8, 4), (64, 4)]);
        assert_eq!(said(Threads { http: 3, consensus: 5 }, 2), (3, 5));
    }

    #[test]
    fn mistakes_about_payment_are_among_them() {
        let text = EXAMPLES[1].replacen("node = 1\n", "node = 0\n", 1).replace("key_file", "#key_file");
        let mistakes = Config::parse(&text).unwrap_err().0;
        assert!(mistakes.iter().any(|mistake| mistake.contains("payment.key_file")), "{mistakes:?}");
        assert!(mistakes.iter().any(|mistake| mistake.contains("node numbers start at 1")), "{mistakes:?}");
    }

    #[test]
    fn letters_and_origins_are_checked() {
        let text =
            format!("allowed_origins = [\"https://a.example/x\"]\n{}\n[mail]\nfrom = \"nobody\"\nlinks = \"ftp://x\"\n", EXAMPLES[0]);
        assert_eq!(Config::parse(&text).unwrap_err().0.len(), 3);
        let text = format!("allowed_origins = [\"https://a.example\"]\n{}\n[mail]\nlinks = \"https://b.example/\"\n", EXAMPLES[0]);
        assert_eq!(Config::parse(&text).unwrap().links(), "https://b.example");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = Config::parse(&format!("{}\n[limits]\nadress_per_minute = 3\n", EXAMPLES[0])).unwrap_err();
        assert!(error.to_string().contains("adress_per_minute"), "{error}");
    }
}
