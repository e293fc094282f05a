//! The document is whole: every route is described, every reference leads somewhere, the copy in the repository is current.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_route_is_described_once() {
    let tags = describe::tags();
    let missing: Vec<String> = ROUTES
        .iter()
        .filter(|route| find(&tags, route).is_none())
        .map(|route| format!("{} {}: add an entry in api/src/openapi/describe/", verb(route.method), route.path))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let operations: Vec<&Operation> = tags.iter().flat_map(|tag| &tag.operations).collect();
    for operation in &operations {
        let known = ROUTES.iter().filter(|route| route.method == operation.verb && route.path == operation.path).count();
        assert_eq!(known, 1, "{} {} is no route", verb(operation.verb), operation.path);
        assert!(!operation.summary.is_empty() && !operation.answers.is_empty(), "{}", operation.id);
    }
    let names: BTreeSet<&str> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(names.len(), operations.len(), "operationIds are unique, and each route has one entry");
}

#[test]
fn bodies_are_described_where_they_are_taken() {
    let tags = describe::tags();
    for route in ROUTES {
        for name in route.query {
            assert!(parameters::in_query(route.path, name).is_some(), "{}?{name}: describe it in parameters.rs", route.path);
        }
        let (_, operation) = find(&tags, route).expect("every route is described");
        assert!(operation.body.is_none() || route.body_max > 0, "{}", route.path);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay in the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str).map(String::from));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn the_copy_in_the_repository_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let copy = std::fs::read_to_string(path).unwrap_or_default();
    let changed = || now.lines().zip(copy.lines()).find(|(now, copy)| now != copy);
    assert!(now == copy, "run UPDATE_OPENAPI=1 cargo test -p boxoffice-api --lib openapi; first change: {:?}", changed());
}
