//! The HTTP client towards a payment provider and, in the sandbox, towards webhooks.

use std::time::Duration;

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long an answer may take, connecting included.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A client for these addresses. It follows no redirect: a key belongs to one host.
///
/// # Errors
/// When TLS cannot be set up, such as on a machine without root certificates.
pub fn client(urls: &[String]) -> reqwest::Result<reqwest::Client> {
    let builder = boxoffice_api::client::http();
    let builder = builder.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX).redirect(reqwest::redirect::Policy::none());
    // Root certificates are loaded only where one is needed.
    let needs_roots = urls.iter().any(|url| url.starts_with("https://"));
    if needs_roots { builder.build() } else { builder.tls_certs_only([]).build() }
}
