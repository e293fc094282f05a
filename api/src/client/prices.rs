//! Prices that move, typed: with what they were worked out from, so that they can be worked out again.

use boxoffice_ledger::pricing::{Inputs, Policy, PriceCause, PriceChange, Trail};
use boxoffice_ledger::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Client, ClientError};
use crate::check::{Check, moment};
use crate::json::PricePolicyBody;

/// Changes in a page.
const PAGE: usize = 100;

/// The prices of an event.
#[derive(Clone, Debug, Deserialize)]
pub struct Prices {
    /// By price level.
    pub levels: Vec<LevelPrice>,
}

/// The price of a level.
#[derive(Clone, Debug, Deserialize)]
pub struct LevelPrice {
    /// Its index.
    pub level: u16,
    /// Its name.
    pub name: String,
    /// The price.
    pub price: super::Money,
    /// The price's version.
    pub version: u32,
    /// Never cheaper.
    pub floor: super::Money,
    /// Never dearer.
    pub ceiling: super::Money,
    /// Places held or sold.
    pub taken: u32,
    /// Places free.
    pub free: u32,
    policy: PricePolicyBody,
    history_from: From,
}

#[derive(Clone, Debug, Deserialize)]
struct From {
    version: u32,
    price: u64,
    policy: PricePolicyBody,
}

/// A change as the API gives it.
#[derive(Deserialize)]
struct Change {
    level: u16,
    version: u32,
    at: String,
    from: u64,
    to: u64,
    cause: String,
    inputs: Option<ChangeInputs>,
    tier: Option<u16>,
    taken: Option<u32>,
    policy: Option<PricePolicyBody>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct ChangeInputs {
    capacity: u32,
    sold: u32,
    sold_before: u32,
    since: String,
    held: u32,
    smooth_before: u64,
}

impl LevelPrice {
    /// How the price moves.
    ///
    /// # Errors
    /// When it is no policy that this build knows.
    pub fn policy(&self) -> Result<Policy, ClientError> {
        policy(&self.policy)
    }

    /// Where its history begins.
    ///
    /// # Errors
    /// When its policy then is none that this build knows.
    pub fn root(&self) -> Result<Trail, ClientError> {
        let from = &self.history_from;
        Ok(Trail { version: from.version, price: from.price, policy: policy(&from.policy)? })
    }

    /// Works out every price of this level again from what was noted with its changes. Changes that came after the prices were read
    /// are checked too.
    ///
    /// # Errors
    /// What does not follow, in words.
    pub fn verify(&self, changes: &[(u16, PriceChange)]) -> Result<usize, String> {
        let mut trail = self.root().map_err(|error| error.to_string())?;
        let mut seen = trail.version == self.version && trail.price == self.price.amount;
        let mut count = 0;
        for (_, change) in changes.iter().filter(|(level, _)| *level == self.level) {
            trail.check(change)?;
            let (low, high) = (self.floor.amount, self.ceiling.amount);
            if change.to < low || change.to > high {
                return Err(format!("version {} is {}, outside of {low} to {high}", change.version, change.to));
            }
            seen |= trail.version == self.version && trail.price == self.price.amount;
            count += 1;
        }
        if seen { Ok(count) } else { Err(format!("its history never comes to version {} at {}", self.version, self.price.amount)) }
    }
}

impl Client {
    /// The prices of an event.
    ///
    /// # Errors
    /// `not_found` among others; see [`ClientError`].
    pub async fn prices(&self, event: &str) -> Result<Prices, ClientError> {
        typed(self.get(&format!("/event/{event}/price")).await?)
    }

    /// All changes of its prices that are kept, by level, and of each the oldest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn price_changes(&self, event: &str) -> Result<Vec<(u16, PriceChange)>, ClientError> {
        let lines = self.price_history(event, None).await?;
        lines.into_iter().map(|line| read_change(typed(line)?)).collect()
    }

    /// The same as the API gives it; of one level, or of all.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn price_history(&self, event: &str, level: Option<u16>) -> Result<Vec<Value>, ClientError> {
        let mut path = format!("/event/{event}/price/history?limit={PAGE}");
        if let Some(level) = level {
            path.push_str(&format!("&level={level}"));
        }
        let (mut all, mut next) = (Vec::new(), path.clone());
        loop {
            let mut page = self.get(&next).await?;
            if let Value::Array(lines) = page["data"].take() {
                all.extend(lines);
            }
            let Some(cursor) = page["next_cursor"].as_str() else { return Ok(all) };
            next = format!("{path}&cursor={cursor}");
        }
    }

    /// What happened to an event, of these types, the oldest first.
    ///
    /// # Errors
    /// When this client's token is not of a coordinator of the event, among others; see [`ClientError`].
    pub async fn changes(&self, event: &str, types: &str) -> Result<Vec<Value>, ClientError> {
        let path = format!("/changes?event={event}&type={types}&limit=1000");
        let (mut all, mut next) = (Vec::new(), path.clone());
        loop {
            let Value::Array(lines) = self.get(&next).await? else { return Err(ClientError::Answer("changes come as lines".into())) };
            let Some(last) = lines.last().and_then(|line| line["id"].as_str()) else { return Ok(all) };
            next = format!("{path}&after={last}");
            all.extend(lines);
        }
    }
}

/// A policy as JSON has it.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_policy(text: &[u8]) -> Result<Policy, ClientError> {
    let body = serde_json::from_slice(text).map_err(|error| ClientError::Answer(format!("no policy: {error}")))?;
    policy(&body)
}

/// A moment in RFC 3339.
#[must_use]
pub fn read_moment(text: &str) -> Option<Timestamp> {
    moment(text)
}

fn policy(body: &PricePolicyBody) -> Result<Policy, ClientError> {
    let mut check = Check::default();
    let policy = body.policy(&mut check, "", None);
    match check.found() {
        Ok(()) => Ok(policy),
        Err(problems) => {
            let texts: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.pointer, problem.detail)).collect();
            Err(ClientError::Answer(format!("no policy: {}", texts.join("; "))))
        }
    }
}

fn read_change(change: Change) -> Result<(u16, PriceChange), ClientError> {
    let lacks = |what: &str| ClientError::Answer(format!("a change of a price lacks {what}"));
    let at = |text: &str| moment(text).ok_or_else(|| ClientError::Answer(format!("{text} is no moment")));
    let taken = change.taken.ok_or_else(|| lacks("taken"));
    let tier = change.tier.ok_or_else(|| lacks("tier"));
    let cause = match change.cause.as_str() {
        "demand" => {
            let inputs = change.inputs.ok_or_else(|| lacks("inputs"))?;
            PriceCause::Demand(Inputs {
                capacity: inputs.capacity,
                sold: inputs.sold,
                sold_before: inputs.sold_before,
                since: at(&inputs.since)?,
                held: inputs.held,
                smooth_before: inputs.smooth_before,
            })
        }
        "tier_exhausted" => PriceCause::TierExhausted { tier: tier?, taken: taken? },
        "tier_reopened" => PriceCause::TierReopened { tier: tier?, taken: taken? },
        "policy" => PriceCause::Policy {
            policy: policy(&change.policy.ok_or_else(|| lacks("policy"))?)?,
            taken: taken?,
            reason: change.reason.unwrap_or_default(),
        },
        other => return Err(ClientError::Answer(format!("{other} is no cause that is known"))),
    };
    let noted = PriceChange { version: change.version, at: at(&change.at)?, from: change.from, to: change.to, cause };
    Ok((change.level, noted))
}

fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ClientError> {
    serde_json::from_value(value).map_err(|error| ClientError::Answer(error.to_string()))
}

#[cfg(test)]
mod tests {
    use boxoffice_ledger::plan::LevelIndex;
    use boxoffice_ledger::pricing::Tier;

    use super::*;
    use crate::json::PriceChangeOut;
    use crate::tests::fake::price::{changed, demand};

    #[test]
    fn a_change_reads_back_as_it_was() {
        let tiers = Policy::Tiers(vec![Tier { places: 5, price: 1 }, Tier { places: 0, price: 2 }]);
        let causes = [
            changed().cause,
            PriceCause::TierExhausted { tier: 1, taken: 5 },
            PriceCause::TierReopened { tier: 0, taken: 4 },
            PriceCause::Policy { policy: tiers, taken: 3, reason: "slow".into() },
            PriceCause::Policy { policy: demand(), taken: 3, reason: "fast".into() },
            PriceCause::Policy { policy: Policy::Fixed, taken: 0, reason: "enough".into() },
        ];
        for cause in causes {
            let change = PriceChange { cause, ..changed() };
            let json = serde_json::to_value(PriceChangeOut::new(LevelIndex(3), &change)).unwrap();
            assert_eq!(read_change(typed(json).unwrap()).unwrap(), (3, change));
        }
    }

    #[test]
    fn what_is_no_policy_says_where() {
        let error = read_policy(br#"{"type":"demand","floor":5,"ceiling":4}"#).unwrap_err();
        assert!(error.to_string().contains("/ceiling"), "{error}");
        assert!(read_policy(b"{}").is_err());
        assert_eq!(read_policy(br#"{"type":"fixed"}"#).unwrap(), Policy::Fixed);
    }
}
