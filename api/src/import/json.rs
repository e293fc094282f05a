//! Reading foreign JSON with bounded memory, and walking it without ever panicking.
//!
//! Charts repeat dozens of fields per seat that a plan has no use for. [`parse`] keeps only the fields that an importer names
//! and counts what it keeps, so that a hostile upload cannot cost many times its size.

use std::cell::Cell;
use std::fmt;

use boxoffice_ledger::plan::NAME_BYTES_MAX;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{Code, Problems};

/// Most objects an upload may hold.
const OBJECTS_MAX: u32 = 400_000;
/// Most values of any kind that are kept.
const VALUES_MAX: u32 = 4_000_000;
/// Longest label, in bytes: a plan's longest name, less room for a number behind it.
pub(super) const LABEL_BYTES_MAX: usize = NAME_BYTES_MAX - 20;
/// Largest coordinate, in the upload's own unit, either sign. A hundred times this fits an `i32`.
pub(super) const COORDINATE_MAX: f64 = 20_000_000.0;

static NULL: Value = Value::Null;

/// Parses an upload, keeping only fields that are in `fields`.
///
/// # Errors
/// Not JSON, nested deeper than 128 levels, or more values than the bounds above.
pub(super) fn parse(bytes: &[u8], fields: &[&str]) -> Result<Value, serde_json::Error> {
    let (objects, values) = (Cell::new(0), Cell::new(0));
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Lean { fields, objects: &objects, values: &values }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Builds a [`Value`] of the wanted fields.
#[derive(Clone, Copy)]
struct Lean<'a> {
    fields: &'a [&'a str],
    objects: &'a Cell<u32>,
    values: &'a Cell<u32>,
}

impl Lean<'_> {
    fn count<E: Error>(counter: &Cell<u32>, limit: u32, what: &str) -> Result<(), E> {
        counter.set(counter.get() + 1);
        if counter.get() > limit { Err(E::custom(format_args!("more than {limit} {what}"))) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Lean<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Self::count(self.values, VALUES_MAX, "values")?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Lean<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        Self::count(self.objects, OBJECTS_MAX, "objects")?;
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.fields.contains(&name.as_str()) {
                fields.insert(name, map.next_value_seed(self)?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(fields))
    }
}

/// A value and the way to it. Absent fields read as null.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    value: &'a Value,
    step: Step<'a>,
    parent: Option<&'a At<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    /// The whole upload.
    pub fn root(value: &'a Value) -> Self {
        At { value, step: Step::Root, parent: None }
    }

    /// A field; null if it is absent or this is no object.
    pub fn field(&'a self, name: &'a str) -> At<'a> {
        At { value: self.value.get(name).unwrap_or(&NULL), step: Step::Field(name), parent: Some(self) }
    }

    /// The items of an array. Null has none; anything else is a problem.
    pub fn items(&'a self, problems: &mut Problems) -> impl Iterator<Item = At<'a>> + use<'a> {
        let items = match self.value {
            Value::Array(items) => items.as_slice(),
            Value::Null => &[],
            _ => {
                self.wrong(problems, "an array");
                &[]
            }
        };
        items.iter().enumerate().map(|(index, value)| At { value, step: Step::Item(index), parent: Some(self) })
    }

    /// Its JSON pointer.
    pub fn pointer(&self) -> String {
        let mut pointer = self.parent.map_or_else(String::new, At::pointer);
        match self.step {
            Step::Root => {}
            Step::Field(name) => {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Item(index) => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
        pointer
    }

    /// Whether it is absent or null.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Whether it is an array with something in it.
    pub fn has_items(&self) -> bool {
        self.value.as_array().is_some_and(|items| !items.is_empty())
    }

    /// An object, or a problem.
    pub fn expect_object(&self, problems: &mut Problems) -> bool {
        if !self.value.is_object() {
            self.wrong(problems, "an object");
        }
        self.value.is_object()
    }

    /// A text; null and "" read as none, anything else is a problem.
    pub fn text(&self, problems: &mut Problems) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Value::Null => None,
            _ => {
                self.wrong(problems, "a text");
                None
            }
        }
    }

    /// A label: a text or a whole number, tidied. "?" stands for a label that nobody gave.
    pub fn label(&self, problems: &mut Problems) -> Option<String> {
        let label = match self.value {
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => self.text(problems)?.to_owned(),
        };
        if label.len() > LABEL_BYTES_MAX || label.chars().any(char::is_control) {
            let detail = || format!("A label has at most {LABEL_BYTES_MAX} bytes and no control characters.");
            problems.add(Code::BadLabel, || (self.pointer(), detail()));
        }
        Some(label).filter(|label| label != "?")
    }

    /// A flag; absent reads as false.
    pub fn flag(&self, problems: &mut Problems) -> bool {
        match self.value {
            Value::Bool(flag) => *flag,
            Value::Null => false,
            _ => {
                self.wrong(problems, "true or false");
                false
            }
        }
    }

    /// A number of the drawing; absent or odd ones are a problem and read as 0.
    pub fn coordinate(&self, problems: &mut Problems) -> f64 {
        match self.number() {
            Some(number) if number.abs() <= COORDINATE_MAX => number,
            _ => {
                let detail = || (self.pointer(), format!("A coordinate is a number from -{COORDINATE_MAX} to {COORDINATE_MAX}."));
                problems.add(Code::BadCoordinate, detail);
                0.0
            }
        }
    }

    /// A finite number, if it is one.
    pub fn number(&self) -> Option<f64> {
        self.value.as_f64().filter(|number| number.is_finite())
    }

    /// A whole number from 0; none if it is anything else.
    pub fn whole(&self) -> Option<u64> {
        self.value.as_u64()
    }

    /// The key of a category: a whole number or a text.
    pub fn key(&self, problems: &mut Problems) -> Option<String> {
        match self.value {
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            _ => self.text(problems).map(str::to_owned),
        }
    }

    fn wrong(&self, problems: &mut Problems, wanted: &str) {
        problems.add(Code::WrongType, || (self.pointer(), format!("This should be {wanted}.")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wanted_fields_are_kept() {
        let value = parse(br#"{"a":[1,{"b":2,"c":3}],"junk":{"a":1}}"#, &["a", "b"]).unwrap();
        assert_eq!(value, serde_json::json!({"a": [1, {"b": 2}]}));
    }

    #[test]
    fn counts_are_bounded() {
        let objects = format!("[{}{{}}]", "{},".repeat(OBJECTS_MAX as usize));
        assert!(parse(objects.as_bytes(), &[]).unwrap_err().to_string().contains("objects"));
        let values = format!("[{}0]", "0,".repeat(VALUES_MAX as usize));
        assert!(parse(values.as_bytes(), &[]).unwrap_err().to_string().contains("values"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse(deep.as_bytes(), &[]).is_err());
    }

    #[test]
    fn pointers_escape_and_lead_back() {
        let value = serde_json::json!({"a/b~": [{"x": 1}]});
        let root = At::root(&value);
        let list = root.field("a/b~");
        let item = list.items(&mut Problems::default()).next().unwrap();
        let pointer = item.field("x").pointer();
        assert_eq!(pointer, "/a~1b~0/0/x");
        assert_eq!(value.pointer(&pointer), Some(&serde_json::json!(1)));
    }
}
