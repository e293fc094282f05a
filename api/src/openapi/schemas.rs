//! Schemas of the types that are read and written, under the names that they have in the document.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

const PLACE: &str = "#/components/schemas/";

/// A schema that is made when the document is.
pub type SchemaOf = fn(&mut Schemas) -> Value;

/// The schemas that the document refers to so far.
pub struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
    more: Map<String, Value>,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            bodies: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
            more: Map::new(),
        }
    }
}

/// The schema of a body that is read as `T`.
pub fn body<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    tidy(schemas.bodies.subschema_for::<T>().to_value())
}

/// The schema of an answer that is written from a `T`.
pub fn answer<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    tidy(schemas.answers.subschema_for::<T>().to_value())
}

impl Schemas {
    /// Puts a schema under a name; gives a reference to it.
    pub fn put(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.more.contains_key(name) {
            let schema = make(self);
            self.more.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("{PLACE}{name}")})
    }

    /// Whether a body of this schema has members that must be there.
    pub fn requires_something(&self, schema: &Value) -> bool {
        let name = schema["$ref"].as_str().and_then(|target| target.strip_prefix(PLACE));
        let whole = name.and_then(|name| self.bodies.definitions().get(name)).unwrap_or(schema);
        whole["required"].as_array().is_some_and(|names| !names.is_empty())
    }

    /// All of them by name.
    pub fn finish(self) -> Map<String, Value> {
        let Self { mut bodies, mut answers, mut more } = self;
        more.extend(bodies.take_definitions(true).into_iter().map(|(name, schema)| (short(&name), tidy(schema))));
        for (name, schema) in answers.take_definitions(true) {
            let mut schema = tidy(schema);
            without_absent_nulls(&mut schema);
            more.insert(short(&name), schema);
        }
        more
    }
}

/// The name of a type without the ending that tells answers apart in the code.
fn short(name: &str) -> String {
    name.replace("Out", "")
}

/// Short names; integers with the bounds of their type instead of the type's name.
fn tidy(mut schema: Value) -> Value {
    each(&mut schema, &|object| {
        if let Some(Value::String(target)) = object.get_mut("$ref") {
            *target = short(target);
        }
        let most: u64 = match object.get("format").and_then(Value::as_str) {
            Some("uint8") => u8::MAX.into(),
            Some("uint16") => u16::MAX.into(),
            Some("uint32") => u32::MAX.into(),
            Some("uint64" | "uint") => u64::MAX,
            _ => return,
        };
        object.remove("format");
        object.entry("maximum").or_insert(most.into());
    });
    schema
}

/// A member that is left out when it has no value is never null.
fn without_absent_nulls(schema: &mut Value) {
    each(schema, &|object| {
        let required = object.get("required").cloned().unwrap_or_default();
        let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
        let Some(Value::Object(members)) = object.get_mut("properties") else { return };
        for (_, member) in members.iter_mut().filter(|(name, _)| !is_required(name)) {
            never_null(member);
        }
    });
}

fn never_null(member: &mut Value) {
    if let Some(Value::Array(kinds)) = member.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            member["type"] = only.clone();
        }
    }
    if let Some(Value::Array(names)) = member.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::Array(choices)) = member.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            *member = only.clone();
        }
    }
}

/// Visits every object of a schema.
fn each(schema: &mut Value, visit: &impl Fn(&mut Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|value| each(value, visit));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| each(value, visit)),
        _ => {}
    }
}
