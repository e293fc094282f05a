//! Backups as operators ask for them and see them, and sales that are closed after a restore.

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::BackupId;

use super::fake::backup::backup_id;
use super::fake::event_id;
use super::harness::Edge;
use crate::backend::Failure;

#[tokio::test]
async fn operators_ask_for_backups_and_see_how_they_stand() {
    let edge = Edge::new();
    let operator = format!("authorization: Bearer {}", edge.token(Role::Operator, 1));
    let asked = edge.send("POST", "/backup", &[&operator, "idempotency-key: k"], "").await;
    assert_eq!((asked.status.as_u16(), asked.header("location")), (202, format!("/backup/{}", backup_id()).as_str()));
    assert_eq!((&asked.json["object"], &asked.json["state"]), (&"backup".into(), &"asked".into()));

    let status = edge.send("GET", "/backup", &[&operator], "").await.json;
    assert_eq!((&status["last"]["state"], &status["last"]["until"]), (&"done".into(), &"1970-01-01T00:00:02Z".into()));
    assert_eq!((&status["failed"]["failure"], &status["failed"]["bytes"]), (&"the disk is full".into(), &serde_json::Value::Null));
    assert_eq!((&status["running"]["groups_done"], &status["recovery"]["state"]), (&1.into(), &"reconciling".into()));
    let done = edge.send("GET", &format!("/backup/{}", BackupId(76)), &[&operator], "").await;
    assert_eq!((done.status.as_u16(), &done.json["bytes"]), (200, &12_345.into()));
    assert_eq!(edge.send("GET", &format!("/backup/{}", BackupId(1)), &[&operator], "").await.status, 404);
}

#[tokio::test]
async fn nothing_is_sold_while_payments_are_settled_after_a_restore() {
    let edge = Edge::new();
    edge.fake.fail(Some(Failure::Restoring));
    let refused = edge.user("POST", &format!("/event/{}/hold", event_id()), r#"{"seats":[1]}"#).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "restoring"));
    assert!(!refused.header("retry-after").is_empty());
}
