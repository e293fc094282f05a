//! Full load without a history: as many holds and releases as the cluster takes, and clients that do one thing again and again and note
//! when it worked, so that it shows for how long it did not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::{Answer, Http, Reply, Request};
use crate::cluster::Cluster;
use crate::draw::Draw;
use crate::workload::setup::{self, Person};

/// Seats of the house.
const SEATS: u64 = 900;
/// How long a client waits for one node before it asks another one.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries, and between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What a client does again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Holds a seat and gives it back.
    Book,
    /// Looks at the event.
    Event,
    /// Searches it.
    Search,
    /// Looks at its seats.
    Map,
}

/// When something worked: when the request that worked was sent, and when its answer came.
pub type Times = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// A house on sale, and everybody who is busy with it.
pub struct Load {
    cluster: Arc<Cluster>,
    event: String,
    group: u64,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Puts a house on sale and lets so many clients book as fast as they can.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn begin(cluster: &Arc<Cluster>, clients: u64, seed: u64) -> anyhow::Result<Self> {
        let (http, coordinator) = (Http::new()?, cluster.token("coordinator", None)?);
        let event = setup::event(cluster, &http, &coordinator, "Full House", SEATS, 0).await?;
        let position = setup::position_of(cluster, &event).await.context("the event is somewhere")?;
        let (stop, done) = (Arc::default(), Arc::default());
        let mut load = Self { cluster: cluster.clone(), event, group: position.group.into(), stop, done, tasks: Vec::new() };
        for number in 0..clients {
            let _ = load.client(Doing::Book, &format!("load-{number}"), seed, Duration::ZERO).await?;
        }
        Ok(load)
    }

    /// The group of the house.
    #[must_use]
    pub fn group(&self) -> u64 {
        self.group
    }

    /// How many bookings were done so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// One more client that does this; gives when it worked.
    ///
    /// # Errors
    /// When it has no account.
    pub async fn client(&mut self, doing: Doing, name: &str, seed: u64, pause: Duration) -> anyhow::Result<Times> {
        let times = Times::default();
        let http = Http::new()?;
        let client = Client {
            person: setup::person(&self.cluster, &http, name).await?,
            http,
            cluster: self.cluster.clone(),
            event: self.event.clone(),
            draw: Draw::of(seed, name, 0),
            times: times.clone(),
            keeps: pause > Duration::ZERO,
        };
        let (stop, done) = (self.stop.clone(), self.done.clone());
        self.tasks.push(tokio::spawn(client.run(doing, pause, stop, done)));
        Ok(times)
    }

    /// Looks in short turns.
    ///
    /// # Errors
    /// As [`client`](Self::client).
    pub async fn watch(&mut self, doing: Doing) -> anyhow::Result<Times> {
        self.client(doing, &format!("watch-{doing:?}").to_lowercase(), 0, PAUSE).await
    }

    /// Stops everybody.
    pub async fn end(self) {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

struct Client {
    cluster: Arc<Cluster>,
    http: Http,
    person: Person,
    event: String,
    draw: Draw,
    times: Times,
    /// Whether it notes when it worked.
    keeps: bool,
}

impl Client {
    async fn run(mut self, doing: Doing, pause: Duration, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
        let mut turn = 0_u64;
        while !stop.load(Relaxed) {
            turn += 1;
            let worked = match doing {
                Doing::Book => self.book(turn, &stop).await,
                Doing::Event => self.look(&format!("/event/{}", self.event)).await,
                Doing::Search => self.look("/event/search/full%20house").await,
                Doing::Map => self.look(&format!("/event/{}/seat", self.event)).await,
            };
            if let Some(times) = worked.filter(|_| self.keeps) {
                self.times.lock().unwrap_or_else(PoisonError::into_inner).push(times);
            }
            done.fetch_add(u64::from(worked.is_some() && doing == Doing::Book), Relaxed);
            tokio::time::sleep(if worked.is_some() { pause } else { PAUSE }).await;
        }
    }

    /// Asks one node.
    async fn ask(&mut self, method: Method, path: &str, key: &str, body: Option<&Value>) -> Answer {
        let base = self.cluster.url(*self.draw.one(&self.cluster.nodes()));
        let (token, key) = (Some(self.person.token.as_str()), (method != Method::GET).then_some(key));
        self.http.send(&Request { method, base: &base, path, token, key, body, if_match: None, within: Some(PATIENCE) }).await
    }

    /// A seat is held as soon as anybody says so; that is when it worked. It is given back afterwards.
    async fn book(&mut self, turn: u64, stop: &AtomicBool) -> Option<(Instant, Instant)> {
        let (path, body) = (format!("/event/{}/hold", self.event), json!({"best": {"quantity": 1, "split": true}}));
        let (held, sent) = self.insist(Method::POST, &path, &format!("hold-{turn}"), Some(&body), stop).await?;
        let times = (held.status == 201).then(|| (sent, Instant::now()));
        let path = format!("{path}/{}", held.body["id"].as_str()?);
        if self.keeps {
            // Nobody waits for it: it is not part of what is measured.
            let (http, base, token) =
                (self.http.clone(), self.cluster.url(*self.draw.one(&self.cluster.nodes())), self.person.token.clone());
            tokio::spawn(async move {
                let (method, token, key) = (Method::DELETE, Some(token.as_str()), Some(path.as_str()));
                http.send(&Request { method, base: &base, path: &path, token, key, ..Request::default() }).await
            });
        } else {
            let _ = self.insist(Method::DELETE, &path, &format!("release-{turn}"), None, stop).await;
        }
        times
    }

    /// Asks one node after the other, with the same key, until one gives a definite answer; and when it was asked.
    async fn insist(&mut self, method: Method, path: &str, key: &str, body: Option<&Value>, stop: &AtomicBool) -> Option<(Reply, Instant)> {
        while !stop.load(Relaxed) {
            let sent = Instant::now();
            if let Answer::Definite(reply) = self.ask(method.clone(), path, key, body).await {
                return Some((reply, sent));
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    async fn look(&mut self, path: &str) -> Option<(Instant, Instant)> {
        let sent = Instant::now();
        match self.ask(Method::GET, path, "", None).await {
            Answer::Definite(reply) if reply.status == 200 => Some((sent, Instant::now())),
            _ => None,
        }
    }
}

/// From a moment to the answer to the first request that was sent after it and worked.
#[must_use]
pub fn back(times: &Times, from: Instant) -> Option<Duration> {
    let times = times.lock().unwrap_or_else(PoisonError::into_inner);
    times.iter().find(|(begun, _)| *begun >= from).map(|(_, ended)| *ended - from)
}

/// The longest while between two that worked, of those that ended in this while; its edges count as such.
#[must_use]
pub fn gap(times: &Times, from: Instant, to: Instant) -> Duration {
    let times = times.lock().unwrap_or_else(PoisonError::into_inner);
    let within = times.iter().map(|(_, ended)| *ended).filter(|ended| (from..=to).contains(ended));
    let mut last = from;
    let mut longest = Duration::ZERO;
    for ended in within.chain([to]) {
        longest = longest.max(ended - last);
        last = ended;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_work_shows_as_a_gap() {
        let (begun, ms) = (Instant::now(), Duration::from_millis);
        let at = |from: u64, to: u64| (begun + ms(from), begun + ms(to));
        // The second was asked for before the leader was killed.
        let times = Times::new(Mutex::new(vec![at(0, 5), at(6, 18), at(400, 900), at(910, 915)]));
        let killed = begun + ms(10);
        assert_eq!(back(&times, killed), Some(ms(890)));
        assert_eq!(back(&times, begun + ms(911)), None);
        assert_eq!(gap(&times, killed, begun + ms(1000)), ms(882));
        assert_eq!(gap(&times, begun + ms(916), begun + ms(1000)), ms(84));
    }
}
