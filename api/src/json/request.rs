//! Request bodies. Unknown fields are refused; what serde cannot say is checked by the routes.

use std::fmt;

use boxoffice_ledger::plan::SeatIndex;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::error::{Code, HttpProblem};

/// Reads a JSON body; an empty one counts as `{}`.
///
/// # Errors
/// 400 when it is not JSON (or too deep), 422 with a pointer when a field is of the wrong kind, missing or unknown.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpProblem> {
    let body = if body.is_empty() { b"{}" } else { body };
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) if error.classify() == Category::Data => Err(wrong_field::<T>(body)),
        Err(error) => Err(HttpProblem::new(Code::MalformedRequest, format!("The body is not JSON: {error}."))),
    }
}

/// Reads the body once more, slower, to learn which field is wrong.
#[cold]
fn wrong_field<T: DeserializeOwned>(body: &[u8]) -> HttpProblem {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return HttpProblem::new(Code::MalformedRequest, format!("The body is not JSON: {error}."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) else {
        return HttpProblem::new(Code::MalformedRequest, "The body is followed by something else.");
    };
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            serde_path_to_error::Segment::Map { key } => pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {}
        }
    }
    let text = error.into_inner().to_string();
    let detail = text.rsplit_once(" at line ").map_or(text.as_str(), |(detail, _)| detail);
    let code = if detail.starts_with("unknown field") {
        "unknown_field"
    } else if detail.starts_with("missing field") || detail.starts_with("duplicate field") {
        // These are found when the object ends: the field is named in the text only.
        if let Some(name) = detail.split('`').nth(1) {
            pointer.push_str(&format!("/{name}"));
        }
        if detail.starts_with("missing") { "missing" } else { "duplicate" }
    } else {
        "wrong_type"
    };
    HttpProblem::field(pointer, code, detail)
}

/// A seat by index or by label `SECTION-ROW-SEAT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatRef {
    /// Index in the layout.
    Index(SeatIndex),
    /// Label.
    Label(String),
}

/// An area, section or price level by index or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AreaRef {
    /// Index in the layout.
    Index(u32),
    /// Name.
    Name(String),
}

/// Reads an index below 2^32 or a text.
struct IndexOrText(&'static str);

impl Visitor<'_> for IndexOrText {
    type Value = AreaRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<AreaRef, E> {
        u32::try_from(value).map(AreaRef::Index).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<AreaRef, E> {
        Ok(AreaRef::Name(value.into()))
    }
}

impl<'de> Deserialize<'de> for SeatRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match deserializer.deserialize_any(IndexOrText("a seat: its index in the layout or its label SECTION-ROW-SEAT"))? {
            AreaRef::Index(index) => Self::Index(SeatIndex(index)),
            AreaRef::Name(label) => Self::Label(label),
        })
    }
}

impl<'de> Deserialize<'de> for AreaRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IndexOrText("its index in the layout or its name"))
    }
}

/// `POST /event/{id}/hold`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// Numbered seats.
    pub seats: Option<Vec<SeatRef>>,
    /// Places in areas.
    pub areas: Option<Vec<PlacesBody>>,
    /// Best available instead.
    pub best: Option<BestBody>,
    /// The total that the buyer saw.
    pub expect_total: Option<TotalBody>,
}

/// Places in an area.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacesBody {
    /// Which area.
    pub area: AreaRef,
    /// How many places.
    pub quantity: u32,
}

/// Best available.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestBody {
    /// How many seats.
    pub quantity: u32,
    /// Only in this section.
    pub section: Option<AreaRef>,
    /// No seat dearer than this, in minor units.
    pub max_price: Option<u64>,
    /// Whether the party may be split.
    #[serde(default)]
    pub split: bool,
    /// Whether accessible seats are wanted.
    #[serde(default)]
    pub accessible: bool,
}

/// A total: minor units, alone or with their currency.
#[derive(Debug, PartialEq, Eq)]
pub struct TotalBody {
    /// Minor units.
    pub amount: u64,
    /// ISO 4217; must be the event's if given.
    pub currency: Option<String>,
}

impl<'de> Deserialize<'de> for TotalBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            amount: u64,
            currency: String,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = TotalBody;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in minor units, or {\"amount\", \"currency\"}")
            }

            fn visit_u64<E: serde::de::Error>(self, amount: u64) -> Result<TotalBody, E> {
                Ok(TotalBody { amount, currency: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TotalBody, A::Error> {
                let whole = Whole::deserialize(MapAccessDeserializer::new(map)).map_err(A::Error::custom)?;
                Ok(TotalBody { amount: whole.amount, currency: Some(whole.currency) })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// `POST /event/{id}/hold/{hold}/pay`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayBody {
    /// The provider's token; not needed when the total is zero.
    pub payment_method: Option<String>,
}

/// `POST /event/{id}/block`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {
    /// Which seats.
    pub seats: Vec<SeatRef>,
    /// `block`, `unblock` or `kill`.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// Prices: a list by level index, or an object by level name.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a list of amounts by level, or an object from level name to amount; amounts in minor units")]
pub enum PricesBody {
    /// By level index.
    ByIndex(Vec<u64>),
    /// By level name.
    ByName(std::collections::BTreeMap<String, u64>),
}

/// `POST /event`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EventBody {
    pub name: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub venue: String,
    pub performers: Option<Vec<String>>,
    pub starts_at: String,
    pub currency: String,
    pub prices: PricesBody,
    pub per_user_limit: Option<u32>,
    pub hold_ttl_s: Option<u64>,
    pub orphan_rule: Option<bool>,
    pub on_sale_at: Option<String>,
    pub entry: Option<super::EntryBody>,
    pub draft: Option<bool>,
    pub refunds: Option<PolicyBody>,
}

/// An event's refund policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PolicyBody {
    pub who: String,
    pub until: Option<String>,
    pub until_hours_before: Option<u64>,
    pub keep_bps: Option<u32>,
    pub keep_fixed: Option<u64>,
}

/// `POST /order/{id}/refund`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RefundBody {
    pub tickets: Option<Vec<String>>,
    pub amount: Option<u64>,
    pub reason: Option<String>,
    pub block: Option<bool>,
}

/// `POST /order/{id}/cancel`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct CancelBody {
    pub reason: String,
    pub block: Option<bool>,
}

/// `PATCH /event/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EventPatchBody {
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub starts_at: Option<String>,
    pub performers: Option<Vec<String>>,
}

/// `POST /venue` and `PATCH /venue/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct VenueBody {
    pub name: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub time_zone: Option<String>,
}

/// `POST /performer` and `PATCH /performer/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PerformerBody {
    pub name: Option<String>,
    pub genre: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (Code, String) {
        let problem = parse::<HoldBody>(body.as_bytes()).unwrap_err();
        let pointer = problem.more.members.iter().find(|(name, _)| *name == "errors").map(|(_, errors)| errors[0]["pointer"].clone());
        (problem.code, pointer.and_then(|pointer| pointer.as_str().map(String::from)).unwrap_or_default())
    }

    #[test]
    fn bodies_are_read() {
        let body: HoldBody = parse(br#"{"seats":[3,"A-1-2"],"expect_total":{"amount":5,"currency":"EUR"}}"#).unwrap();
        assert_eq!(body.seats.unwrap(), [SeatRef::Index(SeatIndex(3)), SeatRef::Label("A-1-2".into())]);
        assert_eq!(body.expect_total, Some(TotalBody { amount: 5, currency: Some("EUR".into()) }));
        assert!(parse::<PayBody>(b"").unwrap().payment_method.is_none());
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let deep = "[".repeat(100_000);
        for (body, code, pointer) in [
            ("{", Code::MalformedRequest, ""),
            ("{\"seats\":[1]} x", Code::MalformedRequest, ""),
            (deep.as_str(), Code::MalformedRequest, ""),
            ("{\"seats\":[1e400]}", Code::MalformedRequest, ""),
            ("{\"seats\":[NaN]}", Code::MalformedRequest, ""),
            ("[]", Code::ValidationFailed, ""),
            ("{\"seats\":[0,-1]}", Code::ValidationFailed, "/seats/1"),
            ("{\"seats\":[4294967296]}", Code::ValidationFailed, "/seats/0"),
            ("{\"seats\":[1.5]}", Code::ValidationFailed, "/seats/0"),
            ("{\"seats\":[null]}", Code::ValidationFailed, "/seats/0"),
            ("{\"seats\":7}", Code::ValidationFailed, "/seats"),
            ("{\"best\":{\"quantity\":2147483648000}}", Code::ValidationFailed, "/best/quantity"),
            ("{\"best\":{\"quantity\":-1}}", Code::ValidationFailed, "/best/quantity"),
            ("{\"best\":{}}", Code::ValidationFailed, "/best/quantity"),
            ("{\"price\":0}", Code::ValidationFailed, "/price"),
            ("{\"seats\":[],\"seats\":[]}", Code::ValidationFailed, "/seats"),
            ("{\"expect_total\":-5}", Code::ValidationFailed, "/expect_total"),
        ] {
            let shown: String = body.chars().take(60).collect();
            assert_eq!(refused(body), (code, pointer.to_owned()), "{shown}");
        }
    }
}
