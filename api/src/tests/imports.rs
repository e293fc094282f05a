//! Imports: each event has its own outcome, in the order in which they were sent.

use serde_json::{Value, json};

use super::harness::Edge;

fn event(key: &str) -> Value {
    json!({
        "key": key, "name": "Evening", "venue": {"name": "Hall", "city": "Berlin", "country": "DE", "time_zone": "Europe/Berlin",
        "capacity": 500}, "performers": [{"name": "Somebody", "genre": "piano"}], "starts_at": "2027-05-01T19:30:00+02:00",
        "currency": "EUR", "price": 4500,
    })
}

#[tokio::test]
async fn each_event_has_its_own_outcome() {
    let edge = Edge::new();
    let mut wrong = event("wrong");
    wrong["venue"]["time_zone"] = json!("Moon/Sea");
    wrong["starts_at"] = json!("soon");
    let body = json!({"events": [wrong, event("new"), event("old"), event("new")]});
    let done = edge.staff("POST", "/event/import", &body.to_string()).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let statuses: Vec<&str> = done.json["data"].as_array().unwrap().iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["refused", "created", "existing", "refused"]);
    assert_eq!((&done.json["created"], &done.json["existing"], &done.json["refused"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!(done.json["venues"], json!({"created": 1, "reused": 0}));
    let pointers: Vec<&str> =
        done.json["data"][0]["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/venue/time_zone", "/starts_at"]);
    assert_eq!(done.json["data"][3]["errors"][0]["code"], "duplicate");
    assert_eq!(edge.fake.writes(), ["import new old"]);
}

#[tokio::test]
async fn what_is_no_import_is_refused_as_a_whole() {
    let edge = Edge::new();
    let many: Vec<Value> = (0..501).map(|number| event(&number.to_string())).collect();
    for body in
        [json!({}), json!({"events": []}), json!({"events": many}), json!({"events": [{"key": 1}]}), json!({"events": [{}], "x": 1})]
    {
        let reply = edge.staff("POST", "/event/import", &body.to_string()).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
    }
    assert_eq!(edge.as_role(boxoffice_ledger::command::Role::Customer, "POST", "/event/import", "{}").await.status, 403);
}
