//! Where a request becomes an answer: key check, faults, idempotency, the change itself, and the wait until it is durable.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::books::{Books, Settling};
use super::call::{Call, Reply};
use super::draft::{After, Draft};
use super::faults::Faults;
use super::journal::Journal;
use super::record::{Delivery, Event, Intent, Key, Record};
use super::trouble::Trouble;
use super::{intents, refunds};
use crate::mint;

/// See the module.
pub struct Desk {
    inner: Mutex<Inner>,
    journal: Journal,
    key: String,
    site: String,
    /// Rung when something new is due.
    pub bell: Notify,
}

struct Inner {
    books: Books,
    line: u64,
    /// How often each key has come; what faults are drawn by.
    tries: HashMap<String, u32>,
    down_until: Option<Instant>,
}

impl Inner {
    /// Writes changes down; gives what to wait for.
    fn write(&mut self, journal: &Journal, records: Vec<Record>) -> u64 {
        if !records.is_empty() {
            self.line += 1;
            journal.append(self.line, &serde_json::to_string(&records).unwrap_or_default());
            records.into_iter().for_each(|record| self.books.apply(record));
        }
        self.line
    }

    fn try_number(&mut self, key: &str) -> u32 {
        let tries = self.tries.entry(key.to_owned()).or_default();
        *tries += 1;
        *tries - 1
    }
}

impl Desk {
    /// A desk with these books. `site` is where it is reached, without a slash at the end.
    pub fn new(books: Books, journal: Journal, key: String, site: String) -> Self {
        let inner = Inner { books, line: 0, tries: HashMap::new(), down_until: None };
        Self { inner: Mutex::new(inner), journal, key, site, bell: Notify::new() }
    }

    /// Whether the caller has the key, as Bearer or as the user of Basic.
    pub fn is_authorized(&self, call: &Call) -> bool {
        let Some((scheme, rest)) = call.authorization.as_deref().and_then(|header| header.split_once(' ')) else { return false };
        if scheme.eq_ignore_ascii_case("bearer") {
            return rest == self.key;
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(rest).unwrap_or_default();
        scheme.eq_ignore_ascii_case("basic") && decoded.split(|&byte| byte == b':').next() == Some(self.key.as_bytes())
    }

    /// Whether the provider plays dead.
    pub fn is_down(&self) -> bool {
        self.inner.lock().down_until.is_some_and(|until| Instant::now() < until)
    }

    /// Plays dead for so long.
    pub fn go_down(&self, how_long: Duration) {
        self.inner.lock().down_until = Some(Instant::now() + how_long);
    }

    /// Switches faults.
    pub async fn set_faults(&self, faults: Faults) {
        let line = {
            let mut inner = self.inner.lock();
            inner.tries.clear();
            inner.write(&self.journal, vec![Record::Faults(faults)])
        };
        self.journal.wait(line).await;
    }

    /// Answers a request to `/v1`; `None` drops the connection.
    pub async fn answer(&self, call: &Call) -> Option<Reply> {
        if !self.is_authorized(call) {
            return Some(Trouble::unauthorized().into());
        }
        let (faults, key, nth) = {
            let mut inner = self.inner.lock();
            let key = call.fault_key(&inner.books);
            let faults = inner.books.faults().clone();
            let nth = if faults == Faults::default() { 0 } else { inner.try_number(&key) };
            (faults, key, nth)
        };
        if faults.strikes("lost_request", &key, nth) {
            return None;
        }
        if faults.strikes("down", &key, nth) {
            return Some(Trouble::down().into());
        }
        let (reply, after, line) = self.carry_out(call);
        self.journal.wait(line).await;
        self.bell.notify_one();
        match after {
            After::Lost => return None,
            After::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            After::Answer => {}
        }
        if faults.strikes("lost_answer", &key, nth) {
            return None;
        }
        if faults.strikes("slow", &key, nth) {
            tokio::time::sleep(Duration::from_millis(faults.slow_ms)).await;
        }
        Some(reply)
    }

    fn carry_out(&self, call: &Call) -> (Reply, After, u64) {
        let now_ms = mint::now_ms();
        let fingerprint = call.form().fingerprint(&call.path);
        let key = call.key.as_ref().filter(|_| call.method == "POST");
        let mut inner = self.inner.lock();
        if let Some(known) = key.and_then(|key| inner.books.key(key, now_ms)) {
            let reply = if known.fingerprint == fingerprint {
                let header = Some(("idempotent-replayed", "true".to_owned()));
                Reply { status: known.status, kind: "application/json", header, body: known.body.clone().into() }
            } else {
                Trouble::key_reused().into()
            };
            return (reply, After::Answer, inner.line);
        }
        let mut draft = Draft::new(&inner.books, &self.site, now_ms);
        let reply = match call.run(&mut draft) {
            Ok(body) => Reply::json(200, &body),
            Err(trouble) => Reply::from(trouble),
        };
        let (after, mut records) = (draft.after, draft.records);
        // What changed nothing need not be remembered: asked again it does the same, or what has become possible meanwhile.
        if let Some(key) = key.filter(|_| !records.is_empty()) {
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            records.push(Record::Key(Key { key: key.clone(), fingerprint, at_ms: now_ms, status: reply.status, body }));
        }
        let line = inner.write(&self.journal, records);
        (reply, after, line)
    }

    /// What the buyer's page shows.
    pub fn intent(&self, id: &str) -> Option<Intent> {
        self.inner.lock().books.intent(id).cloned()
    }

    /// The buyer's word on our page.
    ///
    /// # Errors
    /// When nobody waits for it.
    pub async fn act(&self, id: &str, accepts: bool) -> Result<Intent, Trouble> {
        let (result, line) = {
            let mut inner = self.inner.lock();
            let mut draft = Draft::new(&inner.books, &self.site, mint::now_ms());
            let result = intents::act(&mut draft, id, accepts);
            let records = draft.records;
            (result, inner.write(&self.journal, records))
        };
        self.journal.wait(line).await;
        self.bell.notify_one();
        result
    }

    /// Looks at the books, once everything in them is durable.
    pub async fn look<T>(&self, see: impl FnOnce(&Books) -> T) -> T {
        let (seen, line) = {
            let inner = self.inner.lock();
            (see(&inner.books), inner.line)
        };
        self.journal.wait(line).await;
        seen
    }

    /// Decides what is due, and gives the events that are to be sent and when to come again.
    pub async fn due(&self, most: usize) -> (Vec<Event>, Option<u64>) {
        let (events, next, line) = {
            let now_ms = mint::now_ms();
            let mut inner = self.inner.lock();
            for what in inner.books.due_settling(now_ms) {
                let mut draft = Draft::new(&inner.books, &self.site, now_ms);
                match what {
                    Settling::Intent(id) => intents::settle(&mut draft, &id),
                    Settling::Refund(id) => refunds::settle(&mut draft, &id),
                }
                let records = draft.records;
                inner.write(&self.journal, records);
            }
            (inner.books.due_events(now_ms, most), inner.books.next_due_ms(), inner.line)
        };
        self.journal.wait(line).await;
        (events, next)
    }

    /// Notes how the delivery of events went. Need not be durable: an event may be sent twice.
    pub fn delivered(&self, deliveries: Vec<Delivery>) {
        let mut inner = self.inner.lock();
        inner.write(&self.journal, deliveries.into_iter().map(Record::Delivery).collect());
    }
}
