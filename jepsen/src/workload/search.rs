//! A catalog that changes while people search: events are made as drafts or at once, published, renamed and cancelled, each by one client;
//! everybody looks for them. In the end every node is asked what it finds of each.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};

use super::buyer::{Buyer, Outcome, Read, Shared, Write};
use super::sale::read;
use super::seat::{self, Habits};
use super::{ValueOf, Work, setup};
use crate::check::{Verdict, catalog};
use crate::client::{Answer, Reply, Request};
use crate::draw::Draw;
use crate::history::{Kind, Op, operations};
use crate::recorder::Details;

/// How long the index of a node may take to follow once all is well.
const SETTLE: Duration = Duration::from_secs(60);
/// So many events a client makes; then it changes those that it has.
const EVENTS_EACH: usize = 12;

/// What all clients know.
pub struct Catalog {
    venue: String,
    coordinator: String,
    /// An event that stays as it is.
    first: String,
    /// Events, and the words that each was ever found by, the newest last.
    known: Mutex<Vec<(String, Vec<String>)>>,
}

/// An event of one client, as it is now.
struct Own {
    place: usize,
    id: String,
    version: u64,
    is_draft: bool,
    is_over: bool,
}

impl Catalog {
    /// A house, and one event in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn open(shared: &Shared) -> anyhow::Result<Self> {
        let (cluster, http) = (&shared.cluster, &shared.http);
        let coordinator = cluster.token("coordinator", None)?;
        let venue = setup::venue(cluster, http, &coordinator, "Catalog", 4).await?;
        let body = setup::event_body("Firstling", &venue, 0);
        let first = setup::id(&setup::insist(cluster, http, Some(&coordinator), "/event", "first", &body).await?)?;
        Ok(Self { venue, coordinator, first, known: Mutex::default() })
    }

    async fn go(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) {
        let mut buyer = Buyer::new(&shared, Draw::of(habits.seed, "client", number), habits.copies);
        let (mut own, mut turn): (Vec<Own>, u64) = (Vec::new(), 0);
        while !habits.stop.load(Relaxed) {
            turn += 1;
            match buyer.draw.below(100) {
                0..40 => self.find(&mut buyer).await,
                40..60 => self.show(&mut buyer).await,
                _ if own.len() < EVENTS_EACH => own.extend(self.make(&mut buyer, &format!("{number}-{turn}")).await),
                _ => {
                    let which = buyer.draw.below(own.len() as u64) as usize;
                    if !self.change(&mut buyer, &mut own[which], &format!("{number}-{turn}")).await {
                        // How it is now is not known before the end.
                        own.remove(which);
                    }
                }
            }
            habits.rest(&mut buyer.draw).await;
        }
    }

    async fn make(&self, buyer: &mut Buyer, name: &str) -> Option<Own> {
        let (word, is_draft) = (word(&mut buyer.draw), buyer.draw.percent(60));
        let mut body = setup::event_body(&word, &self.venue, 0);
        body["draft"] = is_draft.into();
        let asked = json!({"word": word, "draft": is_draft});
        let made = ask(buyer, self.write("make", name, asked, Method::POST, "/event".into(), body, None)).await?;
        let id = made["id"].as_str()?.to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((id.clone(), vec![word]));
        let place = known.len() - 1;
        Some(Own { place, id, version: made["version"].as_u64()?, is_draft, is_over: false })
    }

    /// Publishes, renames or cancels; gives whether it is known what came of it.
    async fn change(&self, buyer: &mut Buyer, own: &mut Own, name: &str) -> bool {
        let (path, asked) = (format!("/event/{}", own.id), json!({"event": own.id}));
        let changed = match buyer.draw.below(10) {
            _ if own.is_over => return true,
            0..4 if own.is_draft => {
                let done = ask(buyer, self.write("publish", name, asked, Method::POST, path + "/publish", json!({}), None)).await;
                own.is_draft &= done.is_none();
                done
            }
            9 if !own.is_draft => {
                let done = ask(buyer, self.write("cancel", name, asked, Method::POST, path + "/cancel", json!({}), None)).await;
                own.is_over = done.is_some();
                return done.is_some();
            }
            _ => {
                let word = word(&mut buyer.draw);
                let (asked, body) = (json!({"event": own.id, "word": word}), json!({"name": word}));
                // Found by the new word as soon as it may have been written.
                self.known.lock().unwrap_or_else(PoisonError::into_inner)[own.place].1.push(word);
                ask(buyer, self.write("rename", name, asked, Method::PATCH, path, body, Some(own.version))).await
            }
        };
        let version = changed.as_ref().and_then(|event| event["version"].as_u64());
        own.version = version.unwrap_or(own.version);
        changed.is_some()
    }

    /// Somebody's event, and one of its words.
    fn some(&self, draw: &mut Draw) -> Option<(String, String)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = &known[known.len().saturating_sub(30)..];
        if newest.is_empty() {
            return None;
        }
        let (event, words) = draw.one(newest);
        Some((event.clone(), draw.one(words).clone()))
    }

    async fn find(&self, buyer: &mut Buyer) {
        let Some((event, word)) = self.some(&mut buyer.draw) else { return };
        let (path, asked) = (format!("/event/search/{word}"), json!({"event": event, "word": word}));
        let look = Read { f: "search", asked, path: &path, token: None, absent: None };
        let _ = buyer.look(look, |reply| found(&reply.body, &event)).await;
    }

    async fn show(&self, buyer: &mut Buyer) {
        let Some((event, _)) = self.some(&mut buyer.draw) else { return };
        let (path, asked) = (format!("/event/{event}"), json!({"event": event}));
        let look = Read { f: "show", asked, path: &path, token: None, absent: Some(json!({"name": null})) };
        let _ = buyer.look(look, |reply| Some(json!({"name": reply.body["name"], "status": reply.body["status"]}))).await;
    }

    #[allow(clippy::too_many_arguments)] // One line a write at each caller, which is what matters.
    fn write(&self, f: &'static str, name: &str, asked: Value, method: Method, path: String, body: Value, if_match: Option<u64>) -> Write {
        Write { f, asked, method, path, key: format!("{f}-{name}"), body, token: self.coordinator.clone(), if_match }
    }

    /// What the catalog says of an event, and what each node finds by each of its words, once they agree or time is over.
    async fn agree(&self, shared: &Shared, ops: &[Op], (event, words): (&str, &[String]), since: Instant) -> anyhow::Result<Value> {
        let path = format!("/event/{event}?consistency=linearizable");
        loop {
            let catalog = read(shared, &path, Some(&self.coordinator)).await?.body;
            let catalog = json!({"name": catalog["name"], "status": catalog["status"]});
            let mut told = Vec::new();
            for node in shared.cluster.nodes() {
                for word in words {
                    let (base, path) = (shared.cluster.url(node), format!("/event/search/{word}"));
                    let request = Request { base: &base, path: &path, ..Request::default() };
                    let found = match shared.http.send(&request).await {
                        Answer::Definite(reply) if reply.status == 200 => found(&reply.body, event),
                        _ => None,
                    };
                    told.push(json!({"node": node, "word": word, "found": found}));
                }
            }
            let seen = json!({"event": event, "catalog": catalog, "told": told});
            if catalog::is_as_it_should(ops, &seen) || since.elapsed() > SETTLE {
                return Ok(seen);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Work for Catalog {
    fn event(&self) -> &str {
        &self.first
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Box::pin(self.go(shared, number, habits))
    }

    fn value(&self) -> ValueOf {
        value
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(async move {
            let (process, since) = (shared.next_process(), Instant::now());
            let ops = operations(&shared.recorder.records());
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            // Those whose making was acknowledged only now.
            for op in ops.iter().filter(|op| op.f == "make" && op.end == Kind::Ok) {
                let (event, word) = (op.got["event"].as_str().unwrap_or_default(), op.asked["word"].as_str().unwrap_or_default());
                if known.iter().all(|(id, _)| id != event) {
                    known.push((event.to_owned(), vec![word.to_owned()]));
                }
            }
            for (event, words) in known {
                let newest = &words[words.len().saturating_sub(3)..];
                shared.recorder.note(process, Kind::Invoke, "final", json!({"event": event}), Details::default());
                let seen = self.agree(shared, &ops, (&event, newest), since).await?;
                shared.recorder.note(process, Kind::Ok, "final", seen, Details::default());
            }
            Ok(Verdict::default())
        })
    }
}

async fn ask(buyer: &mut Buyer, write: Write) -> Option<Value> {
    match buyer.write(write.clone(), |reply| value(&write, reply)).await {
        Outcome::Reply(reply) => (reply.status < 300).then_some(reply.body),
        Outcome::Nothing | Outcome::Open => None,
    }
}

/// What the history says of an answer.
fn value(write: &Write, reply: &Reply) -> Result<Value, (String, Value)> {
    match (write.f, reply.status) {
        // 202: it is there, and its seats are about to be on sale.
        ("make", 201 | 202) => Ok(json!({"event": reply.body["id"]})),
        ("publish" | "rename" | "cancel", 200..300) => Ok(json!({"version": reply.body["version"]})),
        _ => seat::value(write, reply),
    }
}

/// The name and the status of an event in a list; nulls when it is not there.
fn found(list: &Value, event: &str) -> Option<Value> {
    let hit = list["data"].as_array()?.iter().find(|hit| hit["id"] == event);
    Some(json!({"name": hit.map(|hit| &hit["name"]), "status": hit.map(|hit| &hit["status"])}))
}

/// A word that no other event has, and that is not close to another one.
fn word(draw: &mut Draw) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz";
    (0..14).map(|_| char::from(*draw.one(LETTERS))).collect()
}
