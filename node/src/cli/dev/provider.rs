//! The sandbox provider of a development cluster: its files, its process, and what the nodes' configurations say of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use boxoffice_cluster_config::payment::{Payment, ProviderKind};

use crate::secret;

/// See the module.
pub struct Provider {
    folder: PathBuf,
    address: String,
}

impl Provider {
    /// Prepares its folder and its secrets; it will listen on this port.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn prepare(data: &Path, port: u16) -> anyhow::Result<Self> {
        let folder = data.join("provider");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        secret::create(&folder.join("key"))?;
        secret::create(&folder.join("webhook-secret"))?;
        Ok(Self { folder, address: format!("127.0.0.1:{port}") })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The file with the key that its callers need.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// What the nodes' configurations say of it. Buyers come back to `return_url`.
    pub fn payment(&self, return_url: String) -> Payment {
        Payment {
            provider: ProviderKind::Stripe,
            base_url: Some(self.url()),
            key_file: Some(self.key_file()),
            webhook_secret_files: vec![self.folder.join("webhook-secret")],
            return_url: Some(return_url),
            bank_time_s: None,
        }
    }

    /// Starts it. It stops when its standard input closes.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(&self, binary: &Path, log: std::fs::File, nodes: &[String]) -> anyhow::Result<Child> {
        let mut command = Command::new(binary);
        command.arg("sandbox-provider").arg("--until-stdin-closes").arg("--listen").arg(&self.address);
        command.arg("--data").arg(&self.folder).arg("--key-file").arg(self.key_file());
        command.arg("--webhook-secret-file").arg(self.folder.join("webhook-secret"));
        for node in nodes {
            command.arg("--webhook").arg(format!("{node}/payment/webhook"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().context("start the sandbox provider")
    }
}
