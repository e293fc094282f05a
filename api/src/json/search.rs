//! Answers to searches.

use schemars::JsonSchema;
use serde::Serialize;

use super::{EventOut, Expand, Named};
use crate::backend::{Availability, Facet, FacetValue, Found, FoundEvent, Suggestion, SuggestionKind};

/// Events that were found.
#[derive(Serialize, JsonSchema)]
pub struct SearchOut<'a> {
    #[schemars(extend("const" = "list"))]
    object: &'static str,
    data: Vec<FoundOut<'a>>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<Vec<FacetOut<'a>>>,
}

/// An event with how much is left of it.
#[derive(Serialize, JsonSchema)]
pub struct FoundOut<'a> {
    #[serde(flatten)]
    event: EventOut<'a>,
    #[schemars(with = "Named<Availability>")]
    availability: &'static str,
}

/// Counts of all hits by one property.
#[derive(Serialize, JsonSchema)]
pub struct FacetOut<'a> {
    #[schemars(with = "Named<Facet>")]
    facet: &'static str,
    values: Vec<FacetValueOut<'a>>,
}

/// How many hits have a value.
#[derive(Serialize, JsonSchema)]
pub struct FacetValueOut<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    events: u64,
}

/// A text that goes on from what was typed.
#[derive(Serialize, JsonSchema)]
pub struct SuggestionOut<'a> {
    #[schemars(extend("const" = "suggestion"))]
    object: &'static str,
    #[schemars(with = "Named<SuggestionKind>")]
    kind: &'static str,
    text: &'a str,
    events: u64,
}

impl<'a> SearchOut<'a> {
    /// What was found, with what is asked for given whole.
    #[must_use]
    pub fn new(found: &'a Found, expand: Expand) -> Self {
        let event =
            |hit: &'a FoundEvent| FoundOut { event: EventOut::new(&hit.view, expand), availability: availability(hit.availability) };
        let value = |value: &'a FacetValue| FacetValueOut { value: &value.value, name: value.name.as_deref(), events: value.events };
        let facets =
            found.facets.iter().map(|(facet, values)| FacetOut { facet: facet_name(*facet), values: values.iter().map(value).collect() });
        Self {
            object: "list",
            data: found.items.iter().map(event).collect(),
            has_more: found.next.is_some(),
            next_cursor: found.next.as_deref(),
            facets: (!found.facets.is_empty()).then(|| facets.collect()),
        }
    }
}

impl<'a> SuggestionOut<'a> {
    /// A suggestion.
    #[must_use]
    pub fn new(suggestion: &'a Suggestion) -> Self {
        Self { object: "suggestion", kind: suggestion_kind(suggestion.kind), text: &suggestion.text, events: suggestion.events }
    }
}

/// Name of how much is left.
#[must_use]
pub fn availability(class: Availability) -> &'static str {
    match class {
        Availability::Available => "available",
        Availability::Few => "few",
        Availability::SoldOut => "sold_out",
    }
}

/// Name of a facet.
#[must_use]
pub fn facet_name(facet: Facet) -> &'static str {
    match facet {
        Facet::Category => "category",
        Facet::City => "city",
        Facet::Venue => "venue",
        Facet::Month => "month",
    }
}

/// Name of what a suggestion names.
#[must_use]
pub fn suggestion_kind(kind: SuggestionKind) -> &'static str {
    match kind {
        SuggestionKind::Event => "event",
        SuggestionKind::Performer => "performer",
        SuggestionKind::Venue => "venue",
        SuggestionKind::City => "city",
    }
}
