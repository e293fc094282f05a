//! Request bodies. Unknown fields are refused; what serde cannot say is checked by the routes.

use std::borrow::Cow;
use std::fmt;

use boxoffice_ledger::command::RefundWho;
use boxoffice_ledger::ids::{MediaHash, PerformerId, TicketId, VenueId};
use boxoffice_ledger::plan::SeatIndex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::{Named, PricePolicyBody, Text};
use crate::error::{Code, HttpProblem};
use crate::route::{event, hold, performer, refund, sale, venue};

/// One line of text for people that is not blank.
pub(super) const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*$";

/// Reads a JSON body; an empty one counts as `{}`.
///
/// # Errors
/// 400 when it is not JSON (or too deep), 422 with a pointer when a field is of the wrong kind, missing or unknown.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpProblem> {
    let body = if body.is_empty() { b"{}" } else { body };
    // Serde would take a list for the fields in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(no_object(body));
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) if error.classify() == Category::Data => Err(wrong_field::<T>(body)),
        Err(error) => Err(HttpProblem::new(Code::MalformedRequest, format!("The body is not JSON: {error}."))),
    }
}

#[cold]
fn no_object(body: &[u8]) -> HttpProblem {
    // Text that is skipped is not looked at for UTF-8.
    let Ok(text) = std::str::from_utf8(body) else {
        return HttpProblem::new(Code::MalformedRequest, "The body is not JSON: it is not UTF-8.");
    };
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => HttpProblem::field("", "wrong_type", "expected an object"),
        Err(error) => HttpProblem::new(Code::MalformedRequest, format!("The body is not JSON: {error}.")),
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

/// The schema of an index below 2^32 or a text.
fn index_or_text(what: &str) -> Schema {
    json_schema!({"description": what, "anyOf": [{"type": "integer", "minimum": 0, "maximum": u32::MAX}, {"type": "string"}]})
}

impl JsonSchema for SeatRef {
    fn schema_name() -> Cow<'static, str> {
        "SeatRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        index_or_text("A seat: its index in the layout, or its label `SECTION-ROW-SEAT`.")
    }
}

impl JsonSchema for AreaRef {
    fn schema_name() -> Cow<'static, str> {
        "AreaRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        index_or_text("A section or area: its index in the layout, or its name.")
    }
}

/// `POST /event/{id}/hold`.
#[derive(Debug, Deserialize, JsonSchema)]
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
    /// A promo code.
    pub promo: Option<String>,
}

/// Places in an area.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacesBody {
    /// Which area.
    pub area: AreaRef,
    /// How many places.
    #[schemars(range(min = 1))]
    pub quantity: u32,
}

/// Best available.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestBody {
    /// How many seats.
    #[schemars(range(min = 1))]
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

impl JsonSchema for TotalBody {
    fn schema_name() -> Cow<'static, str> {
        "TotalBody".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let amount = json_schema!({"type": "integer", "minimum": 0, "maximum": u64::MAX});
        json_schema!({
            "description": "A total in minor units, alone or with its currency.",
            "anyOf": [amount, {
                "type": "object", "properties": {"amount": amount, "currency": {"type": "string"}},
                "required": ["amount", "currency"], "additionalProperties": false,
            }],
        })
    }
}

/// `POST /event/{id}/hold/{hold}/pay`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayBody {
    /// The provider's token; not needed when the total is zero.
    #[schemars(length(max = hold::METHOD_BYTES_MAX))]
    pub payment_method: Option<String>,
}

/// `POST /event/{id}/block`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {
    /// Which seats.
    #[schemars(length(min = 1, max = sale::SEATS_MAX))]
    pub seats: Vec<SeatRef>,
    /// `block`, `unblock` or `kill`.
    #[schemars(extend("enum" = ["block", "unblock", "kill"]))]
    pub action: String,
    /// Why.
    #[schemars(length(max = sale::REASON_BYTES_MAX), pattern(LINE))]
    pub reason: String,
}

/// Prices: a list by level index, or an object by level name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a list of amounts by level, or an object from level name to amount; amounts in minor units")]
pub enum PricesBody {
    /// By level index.
    ByIndex(Vec<u64>),
    /// By level name.
    ByName(std::collections::BTreeMap<String, u64>),
}

/// `POST /event`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EventBody {
    #[schemars(length(max = event::NAME_BYTES_MAX), pattern(LINE))]
    pub name: String,
    #[schemars(length(max = event::DESCRIPTION_BYTES_MAX))]
    pub description: Option<String>,
    #[schemars(length(max = event::CATEGORY_BYTES_MAX))]
    pub category: Option<String>,
    #[schemars(with = "Text<VenueId>")]
    pub venue: String,
    #[schemars(with = "Option<Vec<Text<PerformerId>>>", length(max = event::PERFORMERS_MAX))]
    pub performers: Option<Vec<String>>,
    #[schemars(extend("format" = "date-time"))]
    pub starts_at: String,
    #[schemars(extend("pattern" = "^[A-Z]{3}$"))]
    pub currency: String,
    pub prices: PricesBody,
    #[schemars(range(max = event::PER_USER_MAX))]
    pub per_user_limit: Option<u32>,
    #[schemars(range(max = event::LAPSES_MAX))]
    pub lapses_max: Option<u32>,
    #[schemars(range(min = event::HOLD_TTL_S_MIN, max = event::HOLD_TTL_S_MAX))]
    pub hold_ttl_s: Option<u64>,
    pub orphan_rule: Option<bool>,
    #[schemars(extend("format" = "date-time"))]
    pub on_sale_at: Option<String>,
    pub entry: Option<super::EntryBody>,
    pub draft: Option<bool>,
    pub refunds: Option<PolicyBody>,
    /// How prices move, by price level; the levels past the end of the list are fixed, and all of them if there is no list.
    pub pricing: Option<Vec<PricePolicyBody>>,
    #[schemars(with = "Option<Vec<Text<MediaHash>>>", length(max = event::IMAGES_MAX))]
    pub images: Option<Vec<String>>,
}

/// An event's refund policy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PolicyBody {
    #[schemars(with = "Named<RefundWho>")]
    pub who: String,
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    #[schemars(range(max = event::HOURS_BEFORE_MAX))]
    pub until_hours_before: Option<u64>,
    #[schemars(range(max = 10_000))]
    pub keep_bps: Option<u32>,
    #[schemars(range(max = event::PRICE_MAX))]
    pub keep_fixed: Option<u64>,
}

/// `POST /order/{id}/refund`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct RefundBody {
    #[schemars(with = "Option<Vec<Text<TicketId>>>", length(max = refund::TICKETS_MAX))]
    pub tickets: Option<Vec<String>>,
    #[schemars(range(min = 1))]
    pub amount: Option<u64>,
    #[schemars(length(max = refund::REASON_BYTES_MAX))]
    pub reason: Option<String>,
    pub block: Option<bool>,
}

/// `POST /user/ticket/{id}/refund`; that of an order takes more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct TicketRefundBody {
    #[schemars(length(max = refund::REASON_BYTES_MAX))]
    pub reason: Option<String>,
}

/// `POST /order/{id}/cancel`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct CancelBody {
    #[schemars(length(max = refund::REASON_BYTES_MAX), pattern(LINE))]
    pub reason: String,
    pub block: Option<bool>,
}

/// `PATCH /event/{id}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct EventPatchBody {
    #[schemars(length(max = event::NAME_BYTES_MAX), pattern(LINE))]
    pub name: Option<String>,
    #[schemars(length(max = event::DESCRIPTION_BYTES_MAX))]
    pub description: Option<String>,
    #[schemars(length(max = event::CATEGORY_BYTES_MAX))]
    pub category: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    pub starts_at: Option<String>,
    #[schemars(with = "Option<Vec<Text<PerformerId>>>", length(max = event::PERFORMERS_MAX))]
    pub performers: Option<Vec<String>>,
    /// As when the event is made; of a draft only. PATCH /event/{id}/price is for later.
    pub pricing: Option<Vec<PricePolicyBody>>,
    #[schemars(with = "Option<Vec<Text<MediaHash>>>", length(max = event::IMAGES_MAX))]
    pub images: Option<Vec<String>>,
}

/// `POST /event/{id}/postpone`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostponeBody {
    /// The new start.
    #[schemars(extend("format" = "date-time"))]
    pub starts_at: String,
}

/// `POST /venue` and `PATCH /venue/{id}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct VenueBody {
    #[schemars(length(max = venue::NAME_BYTES_MAX), pattern(LINE))]
    pub name: Option<String>,
    #[schemars(length(max = venue::CITY_BYTES_MAX), pattern(LINE))]
    pub city: Option<String>,
    #[schemars(extend("pattern" = "^([A-Z]{2})?$"))]
    pub country: Option<String>,
    pub time_zone: Option<String>,
}

/// `POST /performer` and `PATCH /performer/{id}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // The names are the contract's.
pub struct PerformerBody {
    #[schemars(length(max = performer::NAME_BYTES_MAX), pattern(LINE))]
    pub name: Option<String>,
    #[schemars(length(max = performer::GENRE_BYTES_MAX))]
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
