//! Making, changing and removing webhooks, and moving their cursors. Whose they are, the edge checked.

use alloc::format;

use super::check::malformed;
use super::put::{next_version, not_found};
use super::{CatalogLedger, answer};
use crate::change::ChangeId;
use crate::ids::{Request, WebhookId};
use crate::outcome::{Answer, CatalogOutcome, Rejection};
use crate::time::Timestamp;
use crate::webhooks::{
    CURSORS_MAX, DELIVERIES_MAX, GIVE_UP_AFTER, OLD_SECRET_FOR, OWNED_MAX, RECENT_MAX, TEXT_BYTES_MAX, TYPE_BYTES_MAX, TYPES_MAX,
    URL_BYTES_MAX, WEBHOOKS_MAX, Webhook, WebhookCommand, WebhookCursor, WebhookReport, Webhooks,
};

type Outcome = Result<CatalogOutcome, Rejection>;

impl CatalogLedger {
    /// Who is told of changes.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    pub(super) fn carry_out_webhook(&mut self, command: &WebhookCommand) -> Answer<CatalogOutcome> {
        match command {
            WebhookCommand::Put { request, webhook, after } => {
                self.once(*request, check(webhook, after), |ledger| ledger.put_webhook(webhook, after))
            }
            WebhookCommand::Rotate { request, webhook } => self.change_webhook(*request, *webhook, |ledger, hook| {
                let old_secret_until = ledger.at.plus(OLD_SECRET_FOR);
                let hook = Webhook { secret_epoch: hook.secret_epoch.saturating_add(1), old_secret_until, ..hook };
                ledger.webhooks.put(hook);
            }),
            WebhookCommand::Delete { request, webhook } => {
                self.change_webhook(*request, *webhook, |ledger, hook| ledger.webhooks.remove(hook.id))
            }
            WebhookCommand::Seek { request, webhook, after } => self.change_webhook(*request, *webhook, |ledger, hook| {
                let recent = ledger.webhooks.cursor(hook.id, after.group).map(|cursor| cursor.recent.clone()).unwrap_or_default();
                ledger.webhooks.put_cursor(WebhookCursor { recent, ..begin(hook.id, *after) });
                ledger.webhooks.put(hook);
            }),
            WebhookCommand::Report(report) => answer(check_report(report).map(|()| {
                self.take_report(report);
                CatalogOutcome::Done
            })),
        }
    }

    fn put_webhook(&mut self, new: &Webhook, after: &[ChangeId]) -> Outcome {
        let old = self.webhooks.get(new.id).cloned();
        let version = next_version("webhook", old.as_ref().map(|old| old.version), new.version)?;
        let Some(old) = old else {
            let owned = self.webhooks.all().filter(|hook| hook.owner == new.owner).count();
            if owned >= OWNED_MAX || self.webhooks.len() >= WEBHOOKS_MAX {
                return Err(Rejection::WrongState { detail: format!("at most {OWNED_MAX} webhooks of an account, {WEBHOOKS_MAX} in all") });
            }
            let made = Webhook { secret_epoch: 1, old_secret_until: Timestamp(0), created_at: self.at, given_up_at: None, ..new.clone() };
            self.webhooks.put(Webhook { version, ..made });
            after.iter().for_each(|&place| self.webhooks.put_cursor(begin(new.id, place)));
            return Ok(CatalogOutcome::Stored { id: new.id.0, version });
        };
        let (url, types) = (new.url.clone(), new.types.clone());
        let given_up_at = old.given_up_at.filter(|_| !new.active);
        if new.active {
            self.forgive(new.id);
        }
        self.webhooks.put(Webhook { url, types, event: new.event, active: new.active, given_up_at, version, ..(*old).clone() });
        Ok(CatalogOutcome::Stored { id: new.id.0, version })
    }

    /// Lets a webhook be tried at once, as if it had not failed.
    fn forgive(&mut self, id: WebhookId) {
        let failing: alloc::vec::Vec<WebhookCursor> =
            self.webhooks.cursors(id).filter(|cursor| cursor.failures > 0).map(|cursor| (**cursor).clone()).collect();
        for cursor in failing {
            self.webhooks.put_cursor(WebhookCursor { recent: cursor.recent, ..begin(id, cursor.after) });
        }
    }

    /// Changes a webhook that is there; raises its version first.
    fn change_webhook(&mut self, request: Request, id: WebhookId, change: impl FnOnce(&mut Self, Webhook)) -> Answer<CatalogOutcome> {
        self.once(request, Ok(()), |ledger| {
            let old = ledger.webhooks.get(id).ok_or_else(|| not_found("webhook"))?;
            let version = old.version.saturating_add(1);
            let hook = Webhook { version, ..(**old).clone() };
            change(ledger, hook);
            Ok(CatalogOutcome::Stored { id: id.0, version })
        })
    }

    /// A report of a leader that is not one any more, or of a webhook that is gone, changes nothing.
    fn take_report(&mut self, report: &WebhookReport) {
        let Some(hook) = self.webhooks.get(report.webhook).cloned() else { return };
        let standing = self.webhooks.cursor(report.webhook, report.from.group);
        let Some(old) = standing.filter(|cursor| cursor.after == report.from).cloned() else { return };
        let mut cursor = WebhookCursor { recent: old.recent.clone(), ..begin(hook.id, report.to) };
        // A message that is tried again has one line.
        cursor.recent.retain(|known| !report.deliveries.iter().any(|new| new.message == known.message));
        cursor.recent.extend(report.deliveries.iter().cloned());
        let surplus = cursor.recent.len().saturating_sub(RECENT_MAX);
        cursor.recent.drain(..surplus);
        if let Some(next_try) = report.next_try {
            let fails_on = report.to == report.from && old.failures > 0;
            cursor.failures = if fails_on { old.failures.saturating_add(1) } else { 1 };
            cursor.failing_since = if fails_on { old.failing_since } else { self.at.max(Timestamp(1)) };
            cursor.next_try = next_try;
            if hook.active && self.at >= cursor.failing_since.plus(GIVE_UP_AFTER) {
                let version = hook.version.saturating_add(1);
                self.webhooks.put(Webhook { active: false, given_up_at: Some(self.at), version, ..(*hook).clone() });
            }
        }
        self.webhooks.put_cursor(cursor);
    }
}

/// A cursor that has not failed.
fn begin(webhook: WebhookId, after: ChangeId) -> WebhookCursor {
    let (failing_since, next_try) = (Timestamp(0), Timestamp(0));
    WebhookCursor { webhook, after, failures: 0, failing_since, next_try, recent: alloc::vec::Vec::new() }
}

fn check(webhook: &Webhook, after: &[ChangeId]) -> Result<(), Rejection> {
    if webhook.url.is_empty() || webhook.url.len() > URL_BYTES_MAX {
        return Err(malformed("/url", "an address of at most 500 bytes"));
    }
    if webhook.types.len() > TYPES_MAX || webhook.types.iter().any(|kind| kind.is_empty() || kind.len() > TYPE_BYTES_MAX) {
        return Err(malformed("/types", "at most 32 types, each of at most 40 bytes"));
    }
    if after.len() > CURSORS_MAX || after.windows(2).any(|pair| pair[0].group >= pair[1].group) {
        return Err(malformed("/after", "at most one place a group, ascending"));
    }
    Ok(())
}

fn check_report(report: &WebhookReport) -> Result<(), Rejection> {
    if report.to.group != report.from.group {
        return Err(malformed("/to", "the places are of different groups"));
    }
    let fits = |text: &str| text.len() <= TEXT_BYTES_MAX;
    let sound = report.deliveries.iter().all(|one| fits(&one.message) && fits(&one.kind) && fits(&one.error));
    if report.deliveries.len() > DELIVERIES_MAX || !sound {
        return Err(malformed("/deliveries", "at most 64, with short texts"));
    }
    Ok(())
}
