//! Pages from memory: once a version, in every coding, with tags and revisions; and what else lists and pages give.

use boxoffice_ledger::change::{Change, EventChange};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::EventId;
use boxoffice_ledger::outcome::SeatState;
use serde_json::{Value, json};

use super::fake::event_id;
use super::harness::Edge;

fn calls(edge: &Edge, name: &str) -> usize {
    edge.fake.inner.lock().calls.iter().filter(|call| *call == name).count()
}

#[tokio::test]
async fn a_page_is_rendered_once_a_version_in_every_coding() {
    let edge = Edge::new();
    let path = format!("/event/{}", event_id());
    let mut tags = Vec::new();
    for (accept, coding) in [("br", ""), ("gzip", "gzip"), ("gzip, zstd", "zstd")] {
        let accept = format!("accept-encoding: {accept}");
        let page = edge.send("GET", &path, &[&accept], "").await;
        assert_eq!((page.status.as_u16(), page.header("content-encoding")), (200, coding));
        assert_eq!((page.header("vary"), page.header("content-type")), ("accept, accept-encoding", "application/json"));
        assert_eq!(page.header("boxoffice-revision"), "0:100,3:100", "the catalog's and the event's");
        let tag = page.header("etag").to_owned();
        let same = edge.send("GET", &path, &[&accept, &format!("if-none-match: W/\"x\", {tag}")], "").await;
        assert_eq!((same.status.as_u16(), same.header("etag"), same.header("content-encoding")), (304, tag.as_str(), ""));
        assert_eq!(same.header("cache-control"), "public, max-age=1, stale-while-revalidate=5");
        let head = edge.send("HEAD", &path, &[&accept], "").await;
        assert_eq!((head.header("etag"), head.text.as_str()), (tag.as_str(), ""));
        assert!(head.header("content-length").parse::<usize>().unwrap() > 100);
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "each representation has its own tag: {tags:?}");
    assert_eq!(calls(&edge, "event"), 1);
    edge.fake.publish(101, &[Change::CatalogEvent { event: EventId(1), what: EventChange::Updated }]);
    edge.get(&path).await;
    assert_eq!(calls(&edge, "event"), 1, "another event's change moves nothing");
    edge.fake.move_seats(&[1], SeatState::Held);
    assert_eq!(edge.get(&path).await.header("etag"), tags[0], "the same bytes have the same tag on every node and in every version");
    assert_eq!(calls(&edge, "event"), 2);
    let views = edge.api.edge().hub.take_views();
    assert_eq!(views, [(event_id(), 11)]);
    assert!(edge.api.edge().hub.take_views().is_empty());
}

#[tokio::test]
async fn drafts_are_not_kept() {
    let edge = Edge::new();
    edge.fake.inner.lock().draft = true;
    let path = format!("/event/{}", event_id());
    for _ in 0..2 {
        assert_eq!(edge.staff("GET", &path, "").await.status.as_u16(), 200);
        assert_eq!(edge.get(&path).await.status.as_u16(), 404);
    }
    assert!(edge.api.edge().hub.take_views().is_empty());
}

#[tokio::test]
async fn an_event_speaks_schema_org_and_icalendar() {
    let edge = Edge::new();
    let path = format!("/event/{}", event_id());
    let linked = edge.get(&format!("{path}.jsonld")).await;
    assert_eq!(linked.header("content-type"), "application/ld+json");
    assert_eq!((&linked.json["@type"], &linked.json["startDate"]), (&json!("MusicEvent"), &json!("2027-01-15T09:00:00+01:00")));
    assert_eq!(linked.json["location"]["address"]["addressLocality"], "Berlin");
    assert_eq!((&linked.json["offers"]["lowPrice"], &linked.json["offers"]["highPrice"]), (&json!("99.00"), &json!("125.00")));
    assert_eq!(linked.json["offers"]["availability"], "https://schema.org/InStock");
    assert_eq!(linked.json["performer"][0]["name"], "Midnight Radio");
    let asked = edge.send("GET", &path, &["accept: application/ld+json, application/json;q=0.5"], "").await;
    assert_eq!(asked.json, linked.json);
    let calendar = edge.get(&format!("{path}.ics")).await;
    assert_eq!(calendar.header("content-type"), "text/calendar; charset=utf-8");
    for line in ["BEGIN:VEVENT", "DTSTART:20270115T080000Z", "SUMMARY:Midnight Radio\\, Arena North", "LOCATION:Hall\\, Berlin\\, DE"] {
        assert!(calendar.text.split("\r\n").any(|found| found == line), "{line} in {}", calendar.text);
    }
    assert_eq!(edge.get(&format!("{path}.pdf")).await.status.as_u16(), 404);
}

#[tokio::test]
async fn two_revisions_can_be_asked_for() {
    let edge = Edge::new();
    let path = format!("/event/{}", event_id());
    let seen = || edge.fake.inner.lock().freshness.map(|freshness| freshness.at_least().map(|one| one.to_string()).collect::<Vec<_>>());
    edge.get(&path).await;
    let page = edge.send("GET", &path, &["boxoffice-min-revision: 0:7,3:99"], "").await;
    assert_eq!((page.status.as_u16(), seen()), (200, Some(vec!["0:7".to_owned(), "3:99".to_owned()])));
    for bad in ["0:7,", ",", "0:7,3:99,4:1", "0:7 3:99"] {
        let refused = edge.send("GET", &path, &[&format!("boxoffice-min-revision: {bad}")], "").await;
        assert_eq!(refused.status.as_u16(), 422, "{bad}");
    }
}

#[tokio::test]
async fn an_event_is_postponed_and_says_what_it_was() {
    let edge = Edge::new();
    let path = format!("/event/{}/postpone", event_id());
    let done = edge.staff("POST", &path, r#"{"starts_at":"2027-02-15T09:00:00+01:00"}"#).await;
    assert_eq!((done.status.as_u16(), &done.json["status"]), (200, &json!("postponed")), "{}", done.text);
    assert_eq!(
        (&done.json["previous_start"], &done.json["starts_local"]),
        (&json!("2027-01-15T08:00:00Z"), &json!("2027-02-15T09:00:00+01:00"))
    );
    assert_eq!(edge.staff("POST", &path, r#"{"starts_at":"soon"}"#).await.json["errors"][0]["pointer"], "/starts_at");
    assert_eq!(edge.user("POST", &path, "{}").await.status.as_u16(), 403);
}

#[tokio::test]
async fn lists_are_filtered_and_many_events_are_asked_about_at_once() {
    let edge = Edge::new();
    for bad in ["sort=price", "available=yes", "on_sale=1", "min_price=-1", "max_price=x", "performer=prf_1", "venue=x", "from=today"] {
        let refused = edge.get(&format!("/event?{bad}")).await;
        let pointer = format!("?{}", bad.split('=').next().unwrap());
        assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (422, &Value::from(pointer)), "{bad}");
    }
    assert_eq!(edge.get("/event?sort=start&available=true&on_sale=true&min_price=1&max_price=2").await.status.as_u16(), 200);
    assert_eq!(edge.get("/event?sort=name").await.status.as_u16(), 200);
    let ask = |ids: Vec<String>| json!({"events": ids}).to_string();
    let other = EventId(7).to_string();
    let found = edge.send("POST", "/event/availability", &[], &ask(vec![other.clone(), event_id().to_string()])).await;
    assert_eq!(found.json["data"].as_array().unwrap().len(), 1, "{}", found.text);
    assert_eq!((&found.json["data"][0]["availability"], &found.json["data"][0]["sale"]), (&json!("few"), &json!("on_sale")));
    assert_eq!(edge.send("POST", "/event/availability", &[], &ask(vec![other.clone(); 1000])).await.status.as_u16(), 200);
    for (ids, pointer) in [(vec![], "/events"), (vec![other; 1001], "/events"), (vec!["evt_1".to_owned()], "/events/0")] {
        let refused = edge.send("POST", "/event/availability", &[], &ask(ids)).await;
        assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    assert_eq!(edge.as_role(Role::Customer, "POST", "/event/availability", "{}").await.status.as_u16(), 422);
}
