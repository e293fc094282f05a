//! What buyers do, each after the dice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use boxoffice_ledger::command::Role;
use serde_json::{Value, json};

use super::state::Tried;
use super::{Dice, Round};
use crate::http::{Client, Reply, new_key};
use crate::shop;

/// How long one buyer insists on an answer before they look later.
const INSIST: Duration = Duration::from_secs(20);

/// How often a buyer looks at a payment that is under way.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What a buyer's card does, and what they do at their bank: one in ten each, the rest pays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Pays,
    Declined,
    LacksFunds,
    Accepts,
    Declines,
    Abandons,
    Slow,
    LostAnswer,
}

impl Way {
    fn draw(dice: &mut Dice) -> Self {
        let ways = [Self::Declined, Self::LacksFunds, Self::Accepts, Self::Declines, Self::Abandons, Self::Slow, Self::LostAnswer];
        ways.get(dice.below(10) as usize).copied().unwrap_or(Self::Pays)
    }

    fn method(self) -> &'static str {
        match self {
            Self::Pays => "pm_test_ok",
            Self::Declined => "pm_test_declined",
            Self::LacksFunds => "pm_test_insufficient_funds",
            Self::Accepts | Self::Declines | Self::Abandons => "pm_test_3ds",
            Self::Slow => "pm_test_slow",
            Self::LostAnswer => "pm_test_lost_answer",
        }
    }
}

impl Round {
    /// Lets everybody buy while processes are killed; gives how many were.
    pub(super) async fn buy_all(self: Arc<Self>) -> anyhow::Result<u64> {
        let killer = {
            let round = Arc::clone(&self);
            std::thread::spawn(move || round.kill_on())
        };
        let buyers = (0..self.plan.buyers).map(|number| tokio::spawn(Arc::clone(&self).buy_on(number)));
        let ended = futures::future::join_all(buyers).await;
        self.is_over.store(true, Ordering::Relaxed);
        let killed = tokio::task::spawn_blocking(move || killer.join()).await?;
        killed.map_err(|_| anyhow::anyhow!("the killer panicked"))??;
        ended.into_iter().collect::<Result<Vec<_>, _>>().context("a buyer panicked")?;
        Ok(self.kills.load(Ordering::Relaxed))
    }

    async fn buy_on(self: Arc<Self>, number: u64) {
        let mut dice = Dice(self.plan.seed.wrapping_mul(1000).wrapping_add(number));
        let http = Client::at(&self.cluster.url(1));
        while self.begun.fetch_add(1, Ordering::Relaxed) < self.plan.purchases {
            if !self.buy(&http, &mut dice).await {
                self.begun.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// One purchase; whether there was something to pay.
    async fn buy(&self, http: &Client, dice: &mut Dice) -> bool {
        let event = &self.events[dice.below(self.events.len() as u64) as usize];
        let someone = self.cluster.someone(Role::Customer);
        let buyer = http.with_token(&someone.token);
        let best = json!({"best": {"quantity": 1 + dice.below(3), "split": true}});
        let Some(held) = self.insist(&buyer, dice, &format!("/event/{event}/hold"), &best).await.filter(|reply| reply.status == 201) else {
            return false;
        };
        let hold = shop::id(&held.body);
        self.journal.note(&Tried { event: event.clone(), hold: hold.clone(), user: someone.user });
        let path = format!("/event/{event}/hold/{hold}");
        let way = match Way::draw(dice) {
            Way::Abandons if !self.plan.abandon => Way::Accepts,
            way => way,
        };
        self.pay(&buyer, dice, &path, way).await;
        true
    }

    async fn pay(&self, buyer: &Client, dice: &mut Dice, hold: &str, way: Way) {
        let pay = format!("{hold}/pay");
        let Some(mut paid) = self.insist(buyer, dice, &pay, &json!({"payment_method": way.method()})).await else { return };
        if paid.status == 202 && way != Way::Abandons {
            self.follow(buyer, dice, hold, way == Way::Accepts).await;
        }
        if paid.status == 402 && dice.below(2) == 0 {
            let Some(again) = self.insist(buyer, dice, &pay, &json!({"payment_method": Way::Pays.method()})).await else { return };
            paid = again;
        }
        if paid.status == 200 && dice.below(10) == 0 {
            let path = format!("/order/{}/refund", shop::id(&paid.body));
            let _ = self.insist(buyer, dice, &path, &json!({"reason": "changed plans"})).await;
        }
    }

    /// Looks at a hold that is being paid until it is not, and does what the bank asks for: the address may come later than the
    /// first answer.
    async fn follow(&self, buyer: &Client, dice: &mut Dice, hold: &str, accepts: bool) {
        let since = Instant::now();
        while since.elapsed() < INSIST {
            let node = 1 + dice.below(self.cluster.size());
            if let Ok(reply) = buyer.moved_to(&self.cluster.url(node)).try_get(hold).await.map(|reply| reply.body) {
                if let Some(url) = reply["next_action"]["url"].as_str() {
                    let _ = self.cluster.provider().try_act(url, accepts).await;
                } else if reply["state"].is_string() && reply["state"] != "paying" {
                    return;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Writes with one key at one node after another until the outcome is definite, or patience ends.
    async fn insist(&self, buyer: &Client, dice: &mut Dice, path: &str, body: &Value) -> Option<Reply> {
        let (key, since) = (new_key(), Instant::now());
        while since.elapsed() < INSIST {
            let node = 1 + dice.below(self.cluster.size());
            match buyer.moved_to(&self.cluster.url(node)).try_post(path, &key, body).await {
                Ok(reply) if !reply.is_retryable() => return Some(reply),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        None
    }
}
