//! How commands reach a running cluster: the same flags everywhere.

use boxoffice_api::client::{Client, ClientError};
use clap::Args;

/// The flags of a command that talks to a cluster.
#[derive(Args, Clone, Debug)]
pub struct Connection {
    /// Base URLs of the cluster's nodes, comma separated; the first that answers is asked.
    #[arg(long, env = "BOXOFFICE_ENDPOINT", value_delimiter = ',', default_value = "http://127.0.0.1:7480")]
    pub endpoint: Vec<String>,
    /// A token, where one is needed; see `boxoffice token`.
    #[arg(long, env = "BOXOFFICE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

impl Connection {
    /// A client for these nodes.
    ///
    /// # Errors
    /// When no client can be made of them.
    pub fn client(&self) -> Result<Client, ClientError> {
        Client::new(self.endpoint.clone(), self.token.clone())
    }

    /// A client for each of these nodes alone.
    ///
    /// # Errors
    /// When no client can be made of one.
    pub fn each(&self) -> Result<Vec<Client>, ClientError> {
        self.endpoint.iter().map(|url| Client::new(vec![url.clone()], self.token.clone())).collect()
    }
}
