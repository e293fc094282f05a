//! Nodes that come and go while the cluster runs, by the commands that an operator uses; and its verdict on itself.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{Cluster, lock, run};

/// What a node says at a place where it can be made to die; only test builds have it.
const CRASH_WORDS: &str = "crash point reached";
/// Exit codes of commands that may be repeated with the same key: not executed, and not known whether it was.
const AGAIN: [i32; 2] = [6, 7];
/// How often such a command is repeated.
const TRIES: usize = 60;

impl Cluster {
    /// Who belongs to the cluster now: whom clients ask.
    #[must_use]
    pub fn nodes(&self) -> Vec<u64> {
        lock(&self.members).clone()
    }

    /// How many more nodes can join.
    #[must_use]
    pub fn spares_left(&self) -> u64 {
        self.nodes.len() as u64 - self.newest()
    }

    /// The highest number that a node ever had.
    fn newest(&self) -> u64 {
        let known = lock(&self.members).iter().copied().max().unwrap_or(0);
        let begun = (1..=self.nodes.len() as u64).filter(|node| self.node(*node).folder.join("log").exists()).max();
        known.max(begun.unwrap_or(0))
    }

    /// Invites, joins and starts one more node; gives its number.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn join(&self) -> anyhow::Result<u64> {
        let node = self.newest() + 1;
        ensure!(node <= self.nodes.len() as u64, "there is no room for node {node}");
        let (peer, http, key) = (self.node(node).peer.to_string(), self.url(node), format!("invite-{node}"));
        let invited = self.insist(&["cluster", "add", "--peer", &peer, "--http", &http, "--key", &key, "-o", "json"]).await?;
        let invited: Value = serde_json::from_str(&invited).context("read the invitation")?;
        ensure!(invited["node"] == node, "the cluster counts otherwise than node {node}: {invited}");
        let token = self.node(node).folder.join("token");
        fs::write(&token, invited["token"].as_str().context("there is a token")?)?;
        let (config, token, key) = (self.config(node).display().to_string(), token.display().to_string(), format!("join-{node}"));
        let asked = self.running();
        self.insist(&["cluster", "join", "--config", &config, "--token-file", &token, "--key", &key, "--endpoint", &asked]).await?;
        self.spawn(node)?;
        lock(&self.members).push(node);
        Ok(node)
    }

    /// Drains a node and waits for it.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn drain(&self, node: u64) -> anyhow::Result<()> {
        self.insist(&["cluster", "drain", &node.to_string(), "--yes", "-o", "json"]).await.map(drop)
    }

    /// Takes a node out for good and kills what is left of it.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn remove(&self, node: u64) -> anyhow::Result<()> {
        self.insist(&["cluster", "remove", &node.to_string(), "--yes", "-o", "json"]).await?;
        lock(&self.members).retain(|member| *member != node);
        self.kill(node);
        Ok(())
    }

    /// The number of the next rescue, from 1 on.
    #[must_use]
    pub fn next_rescue(&self) -> u64 {
        (1..).take_while(|number| self.options.folder.join(format!("rescue-{number}")).exists()).count() as u64 + 1
    }

    /// Makes a backup of what nodes that do not run have together, and a new life of the cluster from that. What they had is kept beside
    /// the new data.
    ///
    /// # Errors
    /// When a command fails.
    pub fn rescue(&self, nodes: &[u64], name: &str) -> anyhow::Result<()> {
        let place = self.options.folder.join(name);
        let configs = nodes.iter().map(|node| self.config(*node).display().to_string()).collect::<Vec<_>>().join(",");
        let backup = |words: &[&str]| run(Command::new(&self.options.binary).arg("backup").args(words)).map(drop);
        let place_name = place.display().to_string();
        backup(&["create", "--offline", "--config", &configs, "--to", &place_name])?;
        for node in nodes {
            fs::rename(self.data(*node), self.data(*node).with_extension(name))?;
        }
        backup(&["restore", "--from", &place_name, "--into", &configs])
    }

    /// Runs a command as an admin until it is done; gives what it printed.
    async fn insist(&self, words: &[&str]) -> anyhow::Result<String> {
        for _ in 0..TRIES {
            let output = self.command(words).await?;
            if output.status.success() {
                return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            let code = output.status.code().unwrap_or(-1);
            ensure!(AGAIN.contains(&code), "{words:?}: exit code {code}: {}", String::from_utf8_lossy(&output.stderr));
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
        anyhow::bail!("{words:?} came to no end")
    }

    /// Runs `boxoffice` with these words, as an admin of this cluster; the nodes that run are asked.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn command(&self, words: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.options.binary);
        command.args(words).env("BOXOFFICE_ENDPOINT", self.running()).env("BOXOFFICE_TOKEN", &self.admin);
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// The URLs of the members whose processes run.
    fn running(&self) -> String {
        let urls: Vec<String> = self.nodes().into_iter().filter(|node| self.is_running(*node)).map(|node| self.url(node)).collect();
        urls.join(",")
    }

    /// The file from which a node reads at which point it is to die.
    #[must_use]
    pub fn crash_file(&self, node: u64) -> PathBuf {
        self.node(node).folder.join("crash")
    }

    /// Whether nodes of this cluster look for armed crash points.
    #[must_use]
    pub fn can_crash(&self) -> bool {
        self.options.crashes
    }

    /// The timers of consensus that are in force, as the command line tells them: defaults too.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn timers(&self) -> anyhow::Result<String> {
        let config = self.config(1).display().to_string();
        let shown: Value = serde_json::from_str(&self.insist(&["config", "show", "--config", &config, "-o", "json"]).await?)?;
        let timer = |name: &str| {
            let told = shown["values"]["raft"][name].as_u64();
            format!("{name} = {}", told.or(shown["defaults"]["raft"][name].as_u64()).unwrap_or(0))
        };
        Ok(["heartbeat_ms", "election_min_ms", "election_max_ms"].map(timer).join(", "))
    }
}

/// Whether this program is a test build, whose crash points can be armed.
#[must_use]
pub fn is_test_build(binary: &std::path::Path) -> bool {
    Command::new("grep").args(["-q", "-a", "-F", CRASH_WORDS]).arg(binary).status().is_ok_and(|status| status.success())
}
