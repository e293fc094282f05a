//! Backups.

use crate::json::{BackupOut, BackupStatusOut};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::schemas::answer;

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        post("/backup", "askBackup", "Ask for a full backup")
            .says("The node that leads the catalog makes it. While one that was asked for is not there yet, that one is meant.")
            .gives(202, "The backup: look at it again until it is done or failed.", answer::<BackupOut>)
            .written()
            .located(),
        get("/backup", "getBackups", "See how backups stand")
            .says("Where they go and how often, the last good one, the next one; after a restore, whether sales are open again.")
            .gives(200, "How they stand.", answer::<BackupStatusOut>)
            .read(),
        get("/backup/{id}", "getBackup", "See how a backup stands")
            .says(
                "One that was asked for, the last good one, or the last one if it failed. What lies at the target is listed by \
                   `boxoffice backup list`.",
            )
            .gives(200, "The backup.", answer::<BackupOut>)
            .read(),
    ]
}
