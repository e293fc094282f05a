//! Nodes that join a cluster after its start, and the command line as its operator uses it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;

use anyhow::{Context, ensure};
use boxoffice_cluster_config::file::Config;
use boxoffice_cluster_config::ids::NodeId;
use boxoffice_ledger::command::Role;
use serde_json::Value;

use super::{Cluster, NAME, Node};
use crate::ports::free_ports;
use crate::{binary, certificates};

impl Cluster {
    /// Prepares everything for one more node but its right to join: a folder, ports, a configuration like that of node 1, a certificate.
    /// Its number is the next one.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn make_room(&mut self) -> anyhow::Result<u64> {
        let node = self.options.nodes + 1;
        let text = fs::read_to_string(self.config(1))?;
        let first = Config::parse(&text).context("the configuration of node 1")?;
        let (ports, folder) = (free_ports(2)?, self.folder.join(format!("n{node}")));
        fs::create_dir_all(&folder)?;
        let config = Config {
            node: NodeId(node),
            data_dir: folder.join("data"),
            http: format!("127.0.0.1:{}", ports[0]),
            peer: format!("127.0.0.1:{}", ports[1]),
            tls: certificates::of_node(&self.folder.join("certificates"), NAME, node, self.options.https)?,
            ..first
        };
        fs::write(folder.join("config.toml"), toml::to_string(&config)?)?;
        self.nodes.push(Node { folder, http: ports[0], peer: ports[1], child: Mutex::new(None) });
        self.options.nodes = node;
        Ok(node)
    }

    /// Where a node that was prepared keeps its files.
    #[must_use]
    pub fn data_dir(&self, node: u64) -> PathBuf {
        self.node(node).folder.join("data")
    }

    /// Invites, joins and starts one more node; its number.
    ///
    /// # Errors
    /// When a step fails.
    pub fn add_node(&mut self) -> anyhow::Result<u64> {
        let node = self.make_room()?;
        let invited = self.json(&["cluster", "add", "--peer", &self.peer_address(node), "--http", &self.url(node), "-o", "json"])?;
        ensure!(invited["node"] == node, "the cluster counts otherwise: {invited}");
        let token = self.node(node).folder.join("token");
        fs::write(&token, invited["token"].as_str().context("there is a token")?)?;
        self.join(node, &token)?;
        self.spawn(node)?;
        Ok(node)
    }

    /// Runs `cluster join` for a node that was prepared.
    ///
    /// # Errors
    /// What the command complains of.
    pub fn join(&self, node: u64, token: &std::path::Path) -> anyhow::Result<()> {
        let words = ["cluster", "join", "--config", &self.config(node).display().to_string(), "--token-file", &token.display().to_string()];
        let output = self.command(&words);
        ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Runs `boxoffice` with these words, as an admin of this cluster.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Output {
        let running: Vec<String> = (1..=self.options.nodes).filter(|node| self.pid(*node).is_some()).map(|node| self.url(node)).collect();
        Command::new(binary::boxoffice())
            .args(words)
            .env("BOXOFFICE_ENDPOINT", running.join(","))
            .env("BOXOFFICE_TOKEN", self.someone(Role::Admin).token)
            .output()
            .expect("the command runs")
    }

    /// What a command prints as JSON.
    ///
    /// # Errors
    /// What it complains of.
    pub fn json(&self, words: &[&str]) -> anyhow::Result<Value> {
        let output = self.command(words);
        ensure!(output.status.success(), "{words:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
