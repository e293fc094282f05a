//! A sandbox provider as a process: started, killed, told to misbehave, and its books read.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use boxoffice_cluster_config::payment::{Payment, ProviderKind};
use serde_json::Value;

use crate::binary;
use crate::http::{Client, Reply};
use crate::ports::free_ports;
use crate::process::{self, Signal};

/// How long it may take until it listens, on a busy machine with an unoptimised build.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// See the module. Dropping it ends the process.
pub struct Provider {
    folder: PathBuf,
    address: String,
    webhooks: Vec<String>,
    key: String,
    webhook_secret: String,
    child: Mutex<Option<Child>>,
}

impl Provider {
    /// Writes its secrets into a folder, unless they are there, and starts nothing. It will listen on `address` and tell these webhooks.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn prepare(folder: &Path, address: &str, webhooks: Vec<String>) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let secret = |name: &str| -> anyhow::Result<String> {
            if let Ok(known) = fs::read_to_string(folder.join(name)) {
                return Ok(known);
            }
            let mut entropy = [0_u8; 16];
            File::open("/dev/urandom")?.read_exact(&mut entropy)?;
            let text: String = entropy.iter().map(|byte| format!("{byte:02x}")).collect();
            fs::write(folder.join(name), &text)?;
            Ok(text)
        };
        let (key, webhook_secret) = (secret("key")?, secret("webhook-secret")?);
        Ok(Self { folder: folder.to_owned(), address: address.to_owned(), webhooks, key, webhook_secret, child: Mutex::new(None) })
    }

    /// One of its own in this folder, running, on a free port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(folder: &Path, webhooks: Vec<String>) -> anyhow::Result<Self> {
        let provider = Self::prepare(folder, &format!("127.0.0.1:{}", free_ports(1)?[0]), webhooks)?;
        provider.spawn()?;
        Ok(provider)
    }

    /// What a node's configuration says of it.
    #[must_use]
    pub fn payment(&self) -> Payment {
        Payment {
            provider: ProviderKind::Stripe,
            base_url: Some(self.url()),
            key_file: Some(self.folder.join("key")),
            webhook_secret_files: vec![self.folder.join("webhook-secret")],
            return_url: Some("http://127.0.0.1/".into()),
            bank_time_s: None,
        }
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The key that its callers need.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What its events are signed with.
    #[must_use]
    pub fn webhook_secret(&self) -> &str {
        &self.webhook_secret
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// When it does not.
    pub fn spawn(&self) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(binary::boxoffice());
        command.arg("sandbox-provider").arg("--listen").arg(&self.address).arg("--data").arg(self.folder.join("data"));
        command.arg("--key-file").arg(self.folder.join("key"));
        command.arg("--webhook-secret-file").arg(self.folder.join("webhook-secret"));
        for url in &self.webhooks {
            command.arg("--webhook").arg(url);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).env("NO_COLOR", "1");
        let mut child = process::spawn(command).context("start the sandbox provider")?;
        let since = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            let over = child.try_wait()?.is_some() || since.elapsed() > READY_PATIENCE;
            ensure!(!over, "the sandbox provider does not start: {}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(5));
        }
        *self.child() = Some(child);
        Ok(())
    }

    /// Kills it where it stands.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            process::signal(&child, Signal::Kill);
            let _ = child.wait();
        }
    }

    /// Its journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.folder.join("data/journal")
    }

    /// A caller with its key.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::at(&self.url()).with_token(&self.key)
    }

    /// Switches faults by chance, such as `{"lost_answer": 0.1, "seed": 7}`; `{}` switches them off.
    pub async fn set_faults(&self, faults: &Value) {
        let _ = self.client().post("/sandbox/faults", faults).await.expect(200);
    }

    /// Drops every connection for so long.
    pub async fn go_down(&self, how_long: Duration) {
        let _ = self.client().post("/sandbox/down", &serde_json::json!({"seconds": how_long.as_secs_f64()})).await.expect(200);
    }

    /// What it did: one line an attempt, oldest first.
    ///
    /// # Panics
    /// When a line is no JSON.
    pub async fn ledger(&self) -> Vec<Value> {
        let reply = self.client().get("/sandbox/ledger").await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Acts as the buyer on the provider's page, at the address that a payment's next action names.
    ///
    /// # Panics
    /// When the page does not answer.
    pub async fn act(&self, url: &str, accepts: bool) -> Reply {
        self.try_act(url, accepts).await.expect("the page answers")
    }

    /// As [`Provider::act`], at a provider that may be down.
    ///
    /// # Errors
    /// When the page does not answer.
    pub async fn try_act(&self, url: &str, accepts: bool) -> reqwest::Result<Reply> {
        // A browser would go on to the shop; here it is looked at where the page sends the buyer.
        boxoffice_tls::install();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]).build()?;
        let body = if accepts { "decision=accept" } else { "decision=decline" };
        Client::at(url).send(http.post(url).body(body)).await
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.kill();
    }
}
