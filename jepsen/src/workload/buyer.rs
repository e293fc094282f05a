//! Somebody who asks until there is an answer, as the documentation tells clients to, and writes down what was asked and what came back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Http, Reply, Request};
use crate::cluster::Cluster;
use crate::draw::Draw;
use crate::history::Kind;
use crate::recorder::{Details, Recorder};

/// How long somebody insists before the outcome is left open until the end of the run.
const INSIST: Duration = Duration::from_secs(10);
/// How long somebody who looks waits for one node.
const LOOK: Duration = Duration::from_millis(700);
/// How long the end of the run waits for an open outcome.
const RESOLVE: Duration = Duration::from_secs(60);

/// What all clients of a run share.
pub struct Shared {
    /// What is asked.
    pub cluster: Arc<Cluster>,
    /// How.
    pub http: Http,
    /// Where it is written down.
    pub recorder: Arc<Recorder>,
    /// Writes whose outcome is open.
    pub open: Mutex<Vec<Open>>,
    /// Numbers of processes.
    pub processes: std::sync::atomic::AtomicU64,
}

/// A write, with all that is needed to ask again.
#[derive(Clone, Debug)]
pub struct Write {
    /// `hold`, `confirm`, ...
    pub f: &'static str,
    /// What is written into the history.
    pub asked: Value,
    /// How.
    pub method: Method,
    /// Where.
    pub path: String,
    /// Under this key.
    pub key: String,
    /// With this body.
    pub body: Value,
    /// By whom.
    pub token: String,
    /// The version that is to be changed, where one has to be named.
    pub if_match: Option<u64>,
}

/// A read.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    /// `read`, ...
    pub f: &'a str,
    /// What is written into the history.
    pub asked: Value,
    /// Where.
    pub path: &'a str,
    /// By whom.
    pub token: Option<&'a str>,
    /// What it says when there is no such thing; without that a 404 is unexpected.
    pub absent: Option<Value>,
}

/// A write whose outcome is open, and the process that waits for it.
pub struct Open {
    process: u64,
    write: Write,
}

/// A client.
pub struct Buyer {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// What it draws.
    pub draw: Draw,
    /// Its number in the history.
    pub process: u64,
    /// Every write is sent so many times.
    copies: u64,
}

/// How a write came out.
pub enum Outcome {
    /// A definite answer.
    Reply(Reply),
    /// Nothing happened.
    Nothing,
    /// It is left open.
    Open,
}

impl Buyer {
    /// A client that sends every write so many times.
    #[must_use]
    pub fn new(shared: &Arc<Shared>, draw: Draw, copies: u64) -> Self {
        Self { shared: shared.clone(), draw, process: shared.next_process(), copies }
    }

    /// Writes; `value` turns a definite answer into what the history says of it, or into why it failed.
    pub async fn write(&mut self, write: Write, value: impl Fn(&Reply) -> Result<Value, (String, Value)>) -> Outcome {
        let shared = self.shared.clone();
        shared.recorder.note(self.process, Kind::Invoke, write.f, write.asked.clone(), Details::default());
        let (since, mut unknown, mut last) = (Instant::now(), false, String::new());
        while since.elapsed() < INSIST {
            let node = *self.draw.one(&shared.cluster.nodes());
            match self.send(&write, node).await {
                Answer::Definite(reply) => {
                    shared.complete(self.process, &write, &reply, Some(node), value(&reply));
                    return Outcome::Reply(reply);
                }
                Answer::Again(why) => last = why,
                Answer::Unknown(why) => (unknown, last) = (true, why),
            }
            tokio::time::sleep(Duration::from_millis(20 + self.draw.below(150))).await;
        }
        if !unknown {
            let details = Details { error: Some(format!("nothing happened: {last}")), ..Details::default() };
            shared.recorder.note(self.process, Kind::Fail, write.f, Value::Null, details);
            return Outcome::Nothing;
        }
        shared.open.lock().unwrap_or_else(PoisonError::into_inner).push(Open { process: self.process, write });
        self.process = shared.next_process();
        Outcome::Open
    }

    /// Sends a write to this node, and its copies to others at the same time. Answers that differ are a definite answer that says so.
    async fn send(&mut self, write: &Write, node: u64) -> Answer {
        let shared = self.shared.clone();
        let known = shared.cluster.nodes();
        let nodes: Vec<u64> = [node].into_iter().chain((1..self.copies).map(|_| *self.draw.one(&known))).collect();
        let sent = nodes.into_iter().map(|node| shared.send(write, node));
        let mut definite: Vec<Reply> = Vec::new();
        let mut other = None;
        for answer in futures::future::join_all(sent).await {
            match answer {
                Answer::Definite(reply) => definite.push(reply),
                Answer::Unknown(why) => other = Some(Answer::Unknown(why)),
                Answer::Again(why) => other = other.or(Some(Answer::Again(why))),
            }
        }
        // The first in effect says where that was.
        definite.sort_by_key(|reply| reply.replayed);
        let same = |a: &Reply, b: &Reply| a.status == b.status && a.body["id"] == b.body["id"] && a.code() == b.code();
        let differs = definite.windows(2).any(|pair| !same(&pair[0], &pair[1]));
        match definite.into_iter().next() {
            Some(mut reply) if differs => {
                reply.status = 599;
                reply.body = json!({"code": "answers to one key differ"});
                Answer::Definite(reply)
            }
            Some(reply) => Answer::Definite(reply),
            None => other.unwrap_or(Answer::Again("nothing was sent".into())),
        }
    }

    /// Reads at a node that is drawn; `value` turns the answer into what the history says of it.
    pub async fn read(&mut self, read: Read<'_>, value: impl Fn(&Reply) -> Option<Value>) -> Option<Reply> {
        let node = *self.draw.one(&self.shared.cluster.nodes());
        self.read_at(read, value, &[node], None).await
    }

    /// Looks as [`read`](Self::read) does, and goes on to the next node when one does not answer within a moment.
    pub async fn look(&mut self, read: Read<'_>, value: impl Fn(&Reply) -> Option<Value>) -> Option<Reply> {
        let mut nodes = self.shared.cluster.nodes();
        self.draw.shuffle(&mut nodes);
        // Twice around: a node can be restarted while the others are asked.
        let nodes = [nodes.clone(), nodes].concat();
        self.read_at(read, value, &nodes, Some(LOOK)).await
    }

    async fn read_at(
        &mut self,
        read: Read<'_>,
        value: impl Fn(&Reply) -> Option<Value>,
        nodes: &[u64],
        within: Option<Duration>,
    ) -> Option<Reply> {
        let Read { f, asked, path, token, absent } = read;
        let shared = self.shared.clone();
        shared.recorder.note(self.process, Kind::Invoke, f, asked, Details::default());
        let (mut reply, mut error, mut node) = (None, None, 0);
        for at in nodes {
            node = *at;
            let base = shared.cluster.url(node);
            let request = Request { base: &base, path, token, within, ..Request::default() };
            match shared.http.send(&request).await {
                Answer::Definite(definite) => reply = Some(definite),
                Answer::Again(why) | Answer::Unknown(why) => error = Some(why),
            }
            if reply.is_some() {
                error = None;
                break;
            }
        }
        let read = match &reply {
            Some(reply) if reply.status == 404 => absent,
            Some(reply) if reply.status == 200 => value(reply),
            _ => None,
        };
        let position = reply.as_ref().and_then(|reply| reply.position);
        let status = || reply.as_ref().map(|reply| format!("unexpected answer to a read: {} {}", reply.status, reply.code()));
        match read {
            Some(value) => shared.recorder.note(self.process, Kind::Ok, f, value, Details { position, node: Some(node), error: None }),
            None => {
                let details = Details { position: None, node: Some(node), error: error.or_else(status) };
                shared.recorder.note(self.process, Kind::Fail, f, Value::Null, details)
            }
        };
        reply
    }
}

impl Shared {
    /// A number that no process has yet.
    pub fn next_process(&self) -> u64 {
        self.processes.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    async fn send(&self, write: &Write, node: u64) -> Answer {
        let base = self.cluster.url(node);
        let (token, key) = (Some(write.token.as_str()), Some(write.key.as_str()));
        let body = (write.method != Method::DELETE).then_some(&write.body);
        let (method, path, if_match) = (write.method.clone(), write.path.as_str(), write.if_match);
        self.http.send(&Request { method, base: &base, path, token, key, body, if_match, within: None }).await
    }

    fn complete(&self, process: u64, write: &Write, reply: &Reply, node: Option<u64>, value: Result<Value, (String, Value)>) {
        let position = reply.position;
        let (kind, value, error) = match value {
            Ok(mut value) => {
                if reply.replayed && value.is_object() {
                    value["replayed"] = true.into();
                }
                (Kind::Ok, value, None)
            }
            Err((why, value)) => (Kind::Fail, value, Some(why)),
        };
        let position = position.filter(|_| !reply.replayed);
        self.recorder.note(process, kind, write.f, value, Details { position, node, error });
    }

    /// Asks for every open outcome again, with the same key, now that all is well. What stays open is written down as such.
    pub async fn resolve(&self, value: impl Fn(&Write, &Reply) -> Result<Value, (String, Value)>) -> u64 {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        let mut left = 0;
        for Open { process, write } in open {
            let (since, mut turn) = (Instant::now(), 0);
            let (mut node, mut reply) = (0, None);
            while reply.is_none() && since.elapsed() < RESOLVE {
                let nodes = self.cluster.nodes();
                node = nodes[turn % nodes.len()];
                turn += 1;
                match self.send(&write, node).await {
                    Answer::Definite(found) => reply = Some(found),
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
            match reply {
                Some(reply) => self.complete(process, &write, &reply, Some(node), value(&write, &reply)),
                None => {
                    left += 1;
                    self.recorder.note(process, Kind::Info, write.f, Value::Null, Details::default());
                }
            }
        }
        left
    }
}
