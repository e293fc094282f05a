//! The import half of the fake: an event is there if its key says so.

use async_trait::async_trait;

use super::*;

#[async_trait]
impl Imports for Fake {
    async fn import_events(&self, _: Context, _: Caller, items: Vec<ImportItem>) -> Answer<Written<ImportReport>> {
        let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
        self.enter(&format!("import {}", keys.join(" ")))?;
        let outcome = |item: &ImportItem| match item.key.as_str() {
            "old" => ImportOutcome::Existing(event_id()),
            _ => ImportOutcome::Created(event_id()),
        };
        let outcomes = items.iter().map(outcome).collect();
        let venues = ImportTally { created: 1, reused: 0 };
        self.written(ImportReport { outcomes, venues, performers: ImportTally::default() })
    }
}
