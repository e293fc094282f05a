//! From a node's configuration to the edge's.

use std::sync::Arc;

use anyhow::bail;
use boxoffice_api::config::{ApiConfig, Network, Rate};
use boxoffice_cluster_config::file::Config;
use boxoffice_tls::clients::Clients;

/// What the edge is told.
///
/// # Errors
/// When a trusted network is not written as `address/bits`.
pub fn config(config: &Config, secret: [u8; 32], tls: Option<Arc<Clients>>) -> anyhow::Result<ApiConfig> {
    let mut api = ApiConfig::new(config.cluster.0.clone(), secret);
    api.tls = tls;
    for text in &config.limits.trusted_networks {
        match Network::parse(text) {
            Some(network) => api.trusted_networks.push(network),
            None => bail!("limits.trusted_networks: {text:?}: write address/bits, such as 10.0.0.0/8"),
        }
    }
    api.allowed_origins.clone_from(&config.allowed_origins);
    api.media_base = config.media.base().into();
    api.secure_cookies = config.links().starts_with("https://");
    // A fifteenth of a minute's requests may come at once, but never fewer than a page load needs.
    let rate = |per_minute: u32| Rate { per_minute: per_minute.max(1), burst: (per_minute / 15).max(20) };
    api.limits.address = rate(config.limits.address_per_minute);
    api.limits.user = rate(config.limits.user_per_minute);
    api.limits.login_address = rate(config.limits.log_ins_per_minute);
    api.requests_max = config.limits.requests_max;
    api.sockets_max = config.limits.sockets_max;
    Ok(api)
}
