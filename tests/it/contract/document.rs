//! The document itself: valid by OpenAPI's own schema, its schemas well formed, its examples true.

use std::process::Command;

use boxoffice_tests::binary;
use jsonschema::Validator;
use serde_json::{Value, json};

/// The document that the program prints.
pub fn printed() -> Value {
    let output = Command::new(binary::boxoffice()).arg("openapi").output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A validator of a schema of the document.
///
/// # Panics
/// When the schema is not one.
pub fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&whole).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// What is wrong with a value, one line each.
pub fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn it_is_openapi_3_1() {
    let text = include_str!("../../data/openapi/schema-3.1.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    let rules = jsonschema::draft202012::new(&schema).expect("a schema");
    assert_eq!(complaints(&rules, &printed()), Vec::<String>::new());
    // The rules can fail.
    let mut broken = printed();
    broken["paths"]["/event"]["get"]["responses"]["200"]["description"] = Value::Null;
    assert!(!complaints(&rules, &broken).is_empty());
}

#[test]
fn its_examples_are_true() {
    let document = printed();
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let content = &operation["requestBody"]["content"]["application/json"];
            if content.is_null() {
                continue;
            }
            let wrong = complaints(&validator(&document, &content["schema"]), &content["example"]);
            assert_eq!(wrong, Vec::<String>::new(), "{method} {path}");
            count += 1;
        }
    }
    assert!(count > 20, "{count} examples");
}
