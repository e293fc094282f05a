//! A copy in order, and a log of one entry of each kind.

use async_trait::async_trait;
use boxoffice_ledger::time::Timestamp;

use super::{Fake, GROUP};
use crate::backend::{Answer, CommandView, Context, EntryContent, EntryView, Failure, Finding, GroupCheck, Inspection, LogPage};

#[async_trait]
impl Inspection for Fake {
    async fn check_group(&self, _: Context, group: u32) -> Answer<GroupCheck> {
        self.enter("check_group")?;
        if group != GROUP {
            return Err(Failure::NotFound("group"));
        }
        let mut seats = Finding::new("tickets", "no two tickets that are good are for one seat");
        seats.look(None);
        seats.look(Some("seat 7 of evt_x has two tickets".into()));
        let at = Timestamp(1_790_000_000_000_000);
        Ok(GroupCheck { node: 1, group, kind: "events", index: 77, at, digest: 0xfeed, findings: vec![seats] })
    }

    async fn log_page(&self, _: Context, group: u32, from: u64, limit: usize) -> Answer<LogPage> {
        self.enter("log_page")?;
        if group != GROUP {
            return Err(Failure::NotFound("group"));
        }
        let hold = CommandView { name: "hold".into(), about: vec![("quantity", "2".into())] };
        let all = [
            EntryContent::Membership(vec![vec![1, 2, 3]], vec![1, 2, 3]),
            EntryContent::Blank,
            EntryContent::Batch(Timestamp(1_790_000_000_000_000), vec![hold]),
        ];
        let entries = (1..).zip(all).map(|(index, content)| EntryView { index, term: 2, leader: 1, content });
        Ok(LogPage { first: 1, applied: 3, entries: entries.filter(|entry| entry.index >= from).take(limit).collect() })
    }
}
