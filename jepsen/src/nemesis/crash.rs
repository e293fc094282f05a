//! A node that dies at a named place of the program.

use std::time::Duration;

use super::Nemesis;

/// Places that every write comes by.
const OFTEN: [&str; 4] = ["log.before_write", "log.after_write", "log.after_sync", "snapshot.before_rename"];
/// Places that only payments come by.
const PAYING: [&str; 9] = [
    "saga.after_pay_begin",
    "saga.after_authorize",
    "saga.after_unknown",
    "saga.after_settle",
    "saga.after_tell",
    "saga.after_capture",
    "saga.after_void",
    "saga.after_refund_begin",
    "saga.after_refund_sent",
];
/// How long a node may take until it comes by.
const PATIENCE: Duration = Duration::from_secs(6);

impl Nemesis<'_> {
    pub(super) async fn crash(&mut self, victim: u64) -> anyhow::Result<(bool, String)> {
        let wish = if self.draw.percent(50) { *self.draw.one(&PAYING) } else { *self.draw.one(&OFTEN) };
        let mut died_at = None;
        // What nobody comes by is told, and another place is taken.
        for point in [wish, "log.after_write"] {
            if died_at.is_none() && self.dies_at(victim, point).await? {
                died_at = Some(point);
            }
        }
        self.rest().await;
        self.cluster.kill(victim);
        self.cluster.spawn(victim)?;
        let note = match died_at {
            Some(point) if point == wish => format!("node {victim} died at {point}"),
            Some(point) => format!("node {victim} died at {point}; it did not come by {wish}"),
            None => format!("node {victim} did not come by {wish}"),
        };
        Ok((died_at.is_some(), note))
    }

    async fn dies_at(&self, victim: u64, point: &str) -> anyhow::Result<bool> {
        let file = self.cluster.crash_file(victim);
        std::fs::write(&file, point)?;
        let since = tokio::time::Instant::now();
        while since.elapsed() < PATIENCE && self.cluster.is_running(victim) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Gone already if it died there.
        let _ = std::fs::remove_file(&file);
        Ok(!self.cluster.is_running(victim))
    }
}
