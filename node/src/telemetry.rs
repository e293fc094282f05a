//! Logs to stderr: text on a terminal, JSON otherwise. `BOXOFFICE_LOG` filters, as in `info,boxoffice_raft=debug`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging.
pub fn start() {
    let filter = EnvFilter::try_from_env("BOXOFFICE_LOG").unwrap_or_else(|_| {
        EnvFilter::new("warn,boxoffice=info,boxoffice_api=info,boxoffice_raft=info,boxoffice_search=info,boxoffice_tls=info")
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}
