//! How commands reach a running cluster: the same flags everywhere.

use boxoffice_api::client::Client;
use clap::Args;

use super::context::Contexts;

/// Where a node listens that nobody configured otherwise.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:7480";

/// The flags of a command that talks to a cluster.
#[derive(Args, Clone, Debug)]
pub struct Connection {
    /// Base URLs of the cluster's nodes, comma separated; the first that answers is asked. Default: those of the context in use, or
    /// http://127.0.0.1:7480.
    #[arg(long, env = "BOXOFFICE_ENDPOINT", value_delimiter = ',')]
    endpoint: Vec<String>,
    /// A cluster by the name that `boxoffice context set` gave it.
    #[arg(long, env = "BOXOFFICE_CONTEXT", value_name = "NAME", conflicts_with = "endpoint")]
    context: Option<String>,
    /// A token, where one is needed; see `boxoffice token`. Default: the context's.
    #[arg(long, env = "BOXOFFICE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What the flags, the environment and the contexts come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Base URLs, the first one preferred.
    pub endpoints: Vec<String>,
    /// The token to speak with.
    pub token: Option<String>,
}

impl Connection {
    /// Where to go, and for whom. What a flag or a variable says comes before the context's; a context that is named comes before the
    /// one in use, which counts only where no endpoint is given, so that a token never goes to another cluster than its own.
    ///
    /// # Errors
    /// When there is no context of that name, or its token cannot be read.
    pub fn target(&self) -> anyhow::Result<Target> {
        let token = self.token.clone();
        if !self.endpoint.is_empty() {
            return Ok(Target { endpoints: self.endpoint.clone(), token });
        }
        let contexts = Contexts::open()?;
        let Some((_, context)) = contexts.chosen(self.context.as_deref())? else {
            return Ok(Target { endpoints: vec![DEFAULT_ENDPOINT.to_owned()], token });
        };
        let token = match token {
            Some(token) => Some(token),
            None => context.token()?,
        };
        Ok(Target { endpoints: context.endpoint.clone(), token })
    }

    /// A client for these nodes.
    ///
    /// # Errors
    /// As [`Self::target`], and when no client can be made of the addresses.
    pub fn client(&self) -> anyhow::Result<Client> {
        let target = self.target()?;
        Ok(Client::new(target.endpoints, target.token)?)
    }

    /// A client for each of these nodes alone.
    ///
    /// # Errors
    /// As [`Self::client`].
    pub fn each(&self) -> anyhow::Result<Vec<Client>> {
        let target = self.target()?;
        target.endpoints.into_iter().map(|url| Ok(Client::new(vec![url], target.token.clone())?)).collect()
    }
}
