//! Values by schema, the same for the same seed; and values that are spoilt in every place.

use std::collections::BTreeMap;

use boxoffice_tests::people::new_email;
use serde_json::{Map, Value, json};

use super::rules::resolve;

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of a list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Makes values of schemas. What exists already, such as ids, is taken from a pool.
pub struct Maker<'a> {
    /// Where references of schemas lead.
    pub document: &'a Value,
    /// The dice.
    pub dice: Dice,
    /// Ids of things that are there, by prefix.
    pub pool: BTreeMap<String, Vec<String>>,
}

impl Maker<'_> {
    /// A value that the schema allows, as far as this goes: what asks must check it.
    pub fn value(&mut self, name: &str, schema: &Value) -> Value {
        let schema = resolve(self.document, schema);
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(choices) = schema["enum"].as_array() {
            return self.dice.pick(choices).clone();
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let choice = self.dice.pick(choices).clone();
            return self.value(name, &choice);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.dice.pick(kinds).clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("object") => self.object(schema),
            Some("array") => {
                let (least, most) = (size(schema, "minItems", 0), size(schema, "maxItems", 3).min(3));
                (0..least.max(self.dice.below(most + 1))).map(|_| self.value(name, &schema["items"])).collect()
            }
            Some("integer") => self.number(schema).into(),
            Some("boolean") => self.dice.once_in(2).into(),
            Some("string") => self.text(name, schema).into(),
            _ => Value::Null,
        }
    }

    /// A text that a parameter of this schema allows.
    pub fn parameter(&mut self, parameter: &Value) -> String {
        match self.value(parameter["name"].as_str().unwrap_or_default(), &parameter["schema"]) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// An example of the document, with ids of things that are there.
    pub fn example(&mut self, example: &Value) -> Value {
        match example {
            Value::String(text) if text.get(4..).is_some_and(|rest| rest == "0".repeat(26)) => self.id(&text[..4]).into(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.example(member))).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut members = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&name.as_str()) || self.dice.once_in(2) {
                members.insert(name.clone(), self.value(name, member));
            }
        }
        if schema["additionalProperties"].is_object() && self.dice.once_in(2) {
            members.insert("Standard".into(), self.value("", &schema["additionalProperties"]));
        }
        members.into()
    }

    fn number(&mut self, schema: &Value) -> u64 {
        let (least, most) = (schema["minimum"].as_u64().unwrap_or(0), schema["maximum"].as_u64().unwrap_or(u64::MAX));
        match self.dice.below(8) {
            0 => least,
            1 => most,
            _ => (least + self.dice.below(9) as u64).min(most),
        }
    }

    fn text(&mut self, name: &str, schema: &Value) -> String {
        let (least, most) = (size(schema, "minLength", 0), size(schema, "maxLength", 80));
        let known: &[&str] = match (schema["format"].as_str(), name) {
            (Some("email"), _) | (_, "email") => return new_email("contract"),
            (Some("date-time"), _) => &["2031-05-01T19:30:00Z", "2030-12-31T23:59:59.999+14:00", "1999-01-01T00:00:00-05:00"],
            (Some("date"), _) => &["2031-05-01", "2000-02-29"],
            (_, "time_zone") => &["Europe/Oslo", "America/New_York", "Nowhere/Land"],
            (_, "payment_method") => &["pm_test_ok", "pm_test_declined", ""],
            (_, "password" | "old_password") => &["correct horse battery", "a better one than that"],
            (_, "section" | "area") => &["A", "B", "Nowhere"],
            (_, "Boxoffice-Min-Revision") => &["0:1", "1:1", "2:1", "9:1", "1:1:1"],
            (_, "If-Match" | "If-None-Match") => &["\"1\"", "W/\"2\"", "*", "\"1\", \"2\"", "nonsense"],
            (_, "expand") => &["venue", "performers", "event", "venue,performers,event"],
            (_, "Idempotency-Key") => &["one key", "~"],
            (_, "currency") => &["EUR", "USD", "XXX"],
            (_, "country") => &["DE", ""],
            (_, "seats") => &["A-1-1", "A-1-2", "Z-9-9"],
            _ => {
                let pattern = schema["pattern"].as_str().unwrap_or_default();
                if let Some(prefix) = pattern.strip_prefix('^').and_then(|rest| rest.get(..4)).filter(|rest| rest.ends_with('_')) {
                    return self.id(prefix);
                }
                &["Zo\u{eb} & S\u{f8}n <b>", "x", "\u{1f3ad} quartet", "An Evening of Tests", "0", "' OR 1=1 --", " padded ", "null"]
            }
        };
        let mut text = (*self.dice.pick(known)).to_owned();
        if self.dice.once_in(12) {
            text = "m".repeat(most);
        }
        while text.chars().count() < least {
            text.push('x');
        }
        text
    }

    /// An id of something that is there, or now and then of nothing.
    fn id(&mut self, prefix: &str) -> String {
        let is_there = !self.dice.once_in(8);
        match self.pool.get(prefix).filter(|ids| is_there && !ids.is_empty()) {
            Some(ids) => self.dice.pick(ids).clone(),
            None if prefix == "lay_" || prefix == "img_" => format!("{prefix}{:064x}", self.dice.next()),
            None => format!("{prefix}{:026}", self.dice.next()),
        }
    }
}

fn size(schema: &Value, name: &str, default: usize) -> usize {
    schema[name].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(default)
}

/// A value with one place of it spoilt, for every place and every way; whether that is wrong is for the schema to say.
pub fn spoilt(value: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = replacements();
    // A list of what the members hold is not the object.
    all.extend(value.as_object().map(|members| members.values().cloned().collect()));
    let mut places = Vec::new();
    collect(value, "", &mut places);
    for place in &places {
        for replacement in replacements() {
            let mut changed = value.clone();
            if let Some(spot) = changed.pointer_mut(place) {
                *spot = replacement;
            }
            all.push(changed);
        }
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        let mut changed = value.clone();
        if let Some(Value::Object(members)) = changed.pointer_mut(parent)
            && members.remove(name).is_some()
        {
            all.push(changed);
        }
    }
    for place in places.iter().map(String::as_str).chain([""]) {
        let mut changed = value.clone();
        if let Some(Value::Object(members)) = changed.pointer_mut(place) {
            members.insert("surprise".into(), json!(1));
            all.push(changed);
        }
    }
    all
}

fn replacements() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(1e30),
        json!(""),
        json!("\u{0}"),
        json!("\u{202e}\u{1f3ab}\u{fffd}"),
        json!("w".repeat(9000)),
        json!([]),
        json!({}),
        json!([[[[1]]]]),
        json!({"a": {"b": null}}),
    ]
}

/// JSON pointers of all places below the root; of lists only the first.
fn collect(value: &Value, at: &str, places: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(items) => items.first().map(|item| ("0".to_owned(), item)).into_iter().collect(),
        _ => Vec::new(),
    };
    for (name, member) in members {
        let place = format!("{at}/{name}");
        collect(member, &place, places);
        places.push(place);
    }
}

#[test]
fn the_same_seed_makes_the_same_values() {
    let schema = json!({
        "type": "object", "required": ["a", "b"],
        "properties": {"a": {"type": "integer", "maximum": 9}, "b": {"type": "array", "items": {"type": "string"}}},
    });
    let none = Value::Null;
    let make = |seed| {
        let mut maker = Maker { document: &none, dice: Dice::new(seed), pool: BTreeMap::new() };
        (0..9).map(|_| maker.value("", &schema)).collect::<Vec<_>>()
    };
    assert_eq!(make(7), make(7));
    assert_ne!(make(7), make(8));
    assert!(make(7).iter().all(|value| value["a"].as_u64() <= Some(9) && value["b"].is_array()), "{:?}", make(7));
}

#[test]
fn every_place_is_spoilt() {
    let all = spoilt(&json!({"a": 1, "b": [{"c": "x"}, 2]}));
    for one in [json!({"b": [{"c": "x"}, 2]}), json!({"a": "", "b": [{"c": "x"}, 2]}), json!({"a": 1, "b": [{"c": "x", "surprise": 1}, 2]})]
    {
        assert!(all.contains(&one), "{one}");
    }
}
