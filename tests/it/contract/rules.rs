//! What the document promises, made ready to be held against answers: operations with the validators of all they may say.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use boxoffice_ledger::command::Role;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::document::{complaints, validator};

/// The document, with what was made ready of it.
pub struct Rules {
    /// The document as it was served.
    pub document: Value,
    /// The document with every object of an answer closed: what is not described may not be there.
    closed: Value,
    /// All operations.
    pub operations: Vec<Operation>,
    /// The validators that were made, by the text of their schema.
    validators: RefCell<BTreeMap<String, Rc<Validator>>>,
}

/// One operation.
pub struct Operation {
    /// Its name.
    pub id: String,
    /// Method, in capitals.
    pub method: String,
    /// Path, with parameters in braces.
    pub path: String,
    /// The least role, if it is not open to everybody.
    pub role: Option<Role>,
    /// Its parameters, references followed.
    pub parameters: Vec<Value>,
    /// The schema of its body.
    pub body: Option<Value>,
    /// An example of its body, or null.
    pub example: Value,
    responses: BTreeMap<u16, Response>,
}

struct Response {
    headers: Map<String, Value>,
    /// Closed schemas by media type.
    content: BTreeMap<String, Value>,
}

/// An answer.
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers: names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body; `None` for a stream, which was not read.
    pub body: Option<Vec<u8>>,
}

impl Answer {
    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        self.body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default()
    }

    /// Whether all is well.
    pub fn is_success(&self) -> bool {
        self.status < 300
    }

    /// A problem's code, or "".
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The media type.
    fn kind(&self) -> &str {
        self.headers.get("content-type").map_or("", |kind| kind.split(';').next().unwrap_or_default().trim())
    }
}

impl Rules {
    /// Reads a document.
    pub fn new(document: Value) -> Self {
        let mut closed = document.clone();
        close(&mut closed["components"]["schemas"]);
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, told) in methods.as_object().into_iter().flatten() {
                operations.push(Operation::new(&document, path, method, told));
            }
        }
        Self { document, closed, operations, validators: RefCell::default() }
    }

    /// The operation of this name.
    pub fn operation(&self, id: &str) -> &Operation {
        self.operations.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
    }

    /// The methods that a path of the document knows.
    pub fn methods(&self, path: &str) -> Vec<&str> {
        self.operations.iter().filter(|operation| operation.path == path).map(|operation| operation.method.as_str()).collect()
    }

    /// Whether a body is one that the document allows.
    pub fn allows_body(&self, operation: &Operation, body: &Value) -> bool {
        operation.body.as_ref().is_none_or(|schema| self.validator(&self.document, "asked", schema).is_valid(body))
    }

    /// Whether the text of a parameter is one that the document allows.
    pub fn allows_text(&self, parameter: &Value, text: &str) -> bool {
        let schema = &parameter["schema"];
        let number = if schema["type"] == "integer" { serde_json::from_str::<u64>(text).ok() } else { None };
        self.validator(&self.document, "asked", schema).is_valid(&number.map_or_else(|| text.into(), Value::from))
    }

    fn validator(&self, document: &Value, which: &str, schema: &Value) -> Rc<Validator> {
        let mut known = self.validators.borrow_mut();
        Rc::clone(known.entry(format!("{which}: {schema}")).or_insert_with(|| Rc::new(validator(document, schema))))
    }

    /// Everything about an answer that the document does not say. A server's error is wrong even if it is described, except 503
    /// and 504 to a request that asks for a state that is not there yet (`waits`).
    pub fn judge(&self, operation: &Operation, answer: &Answer, waits: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        if answer.status >= 500 && !(waits && matches!(answer.status, 503 | 504)) {
            wrong.push("a server's error".to_owned());
        }
        let Some(response) = operation.responses.get(&answer.status) else {
            wrong.push("this status is not documented".to_owned());
            return wrong;
        };
        for (name, header) in &response.headers {
            match answer.headers.get(&name.to_lowercase()) {
                None if header["required"] == true => wrong.push(format!("the header {name} is missing")),
                Some(value) if header["schema"]["type"] == "integer" && value.parse::<u64>().is_err() => {
                    wrong.push(format!("the header {name} is no number: {value}"));
                }
                _ => {}
            }
        }
        self.judge_body(response, answer, &mut wrong);
        wrong
    }

    fn judge_body(&self, response: &Response, answer: &Answer, wrong: &mut Vec<String>) {
        let Some(body) = &answer.body else { return };
        if response.content.is_empty() {
            if !body.is_empty() {
                wrong.push("a body where none is documented".to_owned());
            }
            return;
        }
        let Some(schema) = response.content.get(answer.kind()) else {
            wrong.push(format!("the media type {:?} is not documented", answer.kind()));
            return;
        };
        if !answer.kind().ends_with("json") {
            return;
        }
        match serde_json::from_slice(body) {
            Ok(value) => wrong.extend(complaints(&self.validator(&self.closed, "answered", schema), &value)),
            Err(error) => wrong.push(format!("not JSON: {error}")),
        }
    }
}

impl Operation {
    fn new(document: &Value, path: &str, method: &str, told: &Value) -> Self {
        let role = told["security"].as_array().into_iter().flatten().find_map(|way| way["bearer"][0].as_str());
        let responses = told["responses"].as_object().into_iter().flatten();
        let list = told["parameters"].as_array().into_iter().flatten();
        Self {
            id: told["operationId"].as_str().unwrap_or_default().to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            role: role.map(role_of),
            parameters: list.map(|parameter| resolve(document, parameter).clone()).collect(),
            body: told["requestBody"]["content"]["application/json"].get("schema").cloned(),
            example: told["requestBody"]["content"]["application/json"]["example"].clone(),
            responses: responses
                .map(|(status, response)| (status.parse().expect("a status"), Response::new(document, resolve(document, response))))
                .collect(),
        }
    }

    /// Whether an Idempotency-Key must be sent.
    pub fn needs_key(&self) -> bool {
        self.header("Idempotency-Key").is_some_and(|parameter| parameter["required"] == true)
    }

    /// A header that it takes.
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.parameters.iter().find(|parameter| parameter["in"] == "header" && parameter["name"] == name)
    }
}

impl Response {
    fn new(document: &Value, told: &Value) -> Self {
        let headers = told["headers"].as_object().into_iter().flatten();
        let content = told["content"].as_object().into_iter().flatten();
        Self {
            headers: headers.map(|(name, header)| (name.clone(), resolve(document, header).clone())).collect(),
            content: content
                .map(|(kind, content)| {
                    let mut schema = content["schema"].clone();
                    close(&mut schema);
                    (kind.clone(), schema)
                })
                .collect(),
        }
    }
}

/// Follows a reference inside the document.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')).unwrap_or_else(|| panic!("{target} leads nowhere")),
        None => value,
    }
}

fn role_of(name: &str) -> Role {
    match name {
        "guest" => Role::Guest,
        "customer" => Role::Customer,
        "gate" => Role::Gate,
        "coordinator" => Role::Coordinator,
        "operator" => Role::Operator,
        "admin" => Role::Admin,
        other => panic!("no role {other}"),
    }
}

/// Closes every object of a schema that lists its members.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".into(), json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Answer {
        let always = [("x-request-id", "r"), ("boxoffice-revision", "1:1"), ("content-type", "application/json")];
        let headers = always.iter().chain(headers).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: Some(body.to_string().into_bytes()) }
    }

    /// The judge must be able to say no: a right answer passes, and each way to be wrong is noticed.
    #[test]
    fn wrong_answers_are_noticed() {
        let rules = Rules::new(super::super::document::printed());
        let key = rules.operation("rotateSigningKey");
        let right = json!({"object": "signing_key", "epoch": 3});
        let none: [&str; 0] = [];
        assert_eq!(rules.judge(key, &answer(200, &[], &right), false), none);
        let wrong = |answer: Answer, word: &str| {
            let found = rules.judge(key, &answer, false).join("; ");
            assert!(found.contains(word), "{word:?} is not in {found:?}");
        };
        wrong(answer(200, &[], &json!({"object": "signing_key"})), "epoch");
        wrong(answer(200, &[], &json!({"object": "signing_key", "epoch": "3"})), "epoch");
        wrong(answer(200, &[], &json!({"object": "key", "epoch": 3})), "signing_key");
        wrong(answer(200, &[], &json!({"object": "signing_key", "epoch": 3, "secret": "s"})), "secret");
        wrong(answer(201, &[], &right), "status");
        wrong(answer(418, &[], &right), "status");
        wrong(answer(200, &[("content-type", "text/html")], &right), "media type");
        wrong(Answer { body: Some(b"{".to_vec()), ..answer(200, &[], &right) }, "not JSON");
        let mut bare = answer(200, &[], &right);
        bare.headers.remove("boxoffice-revision");
        wrong(bare, "Boxoffice-Revision is missing");
        let problem = |code: &str, status: u16| {
            let text = "application/problem+json";
            let body = json!({
                "type": format!("/problem/{code}"), "title": "Your role does not allow this", "status": status, "detail": "d",
                "instance": "/", "code": code, "request_id": "r", "retryable": false,
            });
            answer(status, &[("content-type", text), ("www-authenticate", "Bearer")], &body)
        };
        assert_eq!(rules.judge(key, &problem("forbidden", 403), false), none);
        wrong(problem("seat_unavailable", 403), "not valid");
        wrong(problem("internal", 500), "server's error");
        wrong(problem("overloaded", 503), "server's error");
        let release = rules.operation("releaseHold");
        assert_eq!(rules.judge(release, &Answer { body: Some(Vec::new()), ..answer(204, &[], &right) }, false), none);
        assert!(!rules.judge(release, &answer(204, &[], &right), false).is_empty(), "a body after 204");
    }

    #[test]
    fn bodies_are_judged_before_they_are_sent() {
        let rules = Rules::new(super::super::document::printed());
        let role = rules.operation("setRole");
        assert!(rules.allows_body(role, &json!({"role": "gate"})));
        for body in [json!({}), json!({"role": "king"}), json!({"role": 1}), json!({"role": "gate", "more": 1}), json!([])] {
            assert!(!rules.allows_body(role, &body), "{body}");
        }
        assert_eq!((role.role, role.needs_key()), (Some(Role::Admin), true));
    }
}
