//! Bad and hostile input gets a problem that points at what is wrong, and nothing of it reaches the log: the applied index of
//! every group stands still.

use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{EventId, HoldId};
use boxoffice_tests::check;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, PATIENCE, Reply, new_key};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::shared::turn;

/// How often all of it is sent at most.
const ROUNDS: usize = 5;

/// What is sent and what must come back.
struct Case {
    what: &'static str,
    path: String,
    body: Vec<u8>,
    status: u16,
    /// The beginning of the first error's pointer, where one is due.
    pointer: &'static str,
}

fn case(what: &'static str, path: &str, body: impl Into<Vec<u8>>, status: u16, pointer: &'static str) -> Case {
    Case { what, path: path.to_owned(), body: body.into(), status, pointer }
}

fn json_case(what: &'static str, path: &str, body: &Value, status: u16, pointer: &'static str) -> Case {
    case(what, path, body.to_string(), status, pointer)
}

/// The id of a hold that the event could have, but has not.
fn hold_of(event: &str) -> HoldId {
    HoldId::new(1, EventId::parse(event).expect("an event's id").slot(), 1)
}

/// The wrong holds of an event with ten seats.
fn wrong_holds(event: &str) -> Vec<Case> {
    let hold = &format!("/event/{event}/hold");
    let many: Vec<u32> = (0..10_000).collect();
    vec![
        json_case("no seat", hold, &json!({"seats": []}), 422, ""),
        json_case("nothing", hold, &json!({}), 422, ""),
        json_case("quantity 0", hold, &json!({"best": {"quantity": 0}}), 422, "/best/quantity"),
        json_case("quantity -1", hold, &json!({"best": {"quantity": -1}}), 422, "/best/quantity"),
        json_case("quantity 2^31", hold, &json!({"best": {"quantity": 2_147_483_648_u64}}), 422, "/best/quantity"),
        json_case("quantity 2^64", hold, &json!({"best": {"quantity": 1e30}}), 422, "/best/quantity"),
        json_case("10,000 seats", hold, &json!({"seats": many}), 422, "/seats"),
        json_case("the same seat twice", hold, &json!({"seats": [1, 1]}), 422, "/seats/1"),
        json_case("a seat that is not there", hold, &json!({"seats": [0, 10]}), 422, "/seats/1"),
        json_case("a seat of another plan", hold, &json!({"seats": ["Z9-1-1"]}), 422, "/seats/0"),
        json_case("a path for a seat", hold, &json!({"seats": ["../../secret"]}), 422, "/seats/0"),
        json_case("NUL, right-to-left, emoji", hold, &json!({"seats": ["\u{0}\u{202e}\u{1f3ab}"]}), 422, "/seats/0"),
        json_case("a fraction of a seat", hold, &json!({"seats": [0.5]}), 422, "/seats/0"),
        json_case("another currency", hold, &json!({"seats": [0], "expect_total": {"amount": 0, "currency": "USD"}}), 422, "/expect_total"),
        json_case("an unknown field", hold, &json!({"seats": [0], "price": 0}), 422, "/price"),
        case("not JSON", hold, "{\"seats\":[0", 400, ""),
        case("not UTF-8", hold, vec![b'"', 0xff, 0xfe, b'"'], 400, ""),
        case("100,000 brackets", hold, "[".repeat(60_000), 400, ""),
        case("a megabyte", hold, format!("{{\"seats\":[\"{}\"]}}", "A".repeat(1_000_000)), 413, ""),
        json_case("an event that is not there", "/event/evt_00000000000000000000000000/hold", &json!({"seats": [0]}), 404, ""),
        json_case("an event's id that is none", "/event/evt_nope/hold", &json!({"seats": [0]}), 404, ""),
        json_case("a hold of another event", &format!("{hold}/hld_00000000000000000000000000/pay"), &json!({}), 422, "/hold"),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_and_never_in_the_log() {
    let _turn = turn();
    // A cluster of its own, so that nobody else's writes move the indexes.
    let cluster = Cluster::start(Options { nodes: 1, ..Options::default() }).expect("the node starts");
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(10)).await;
    let operator = cluster.client(1, Role::Operator);
    let somebody = cluster.client(1, Role::Customer);
    // A worker that was held up may write meanwhile, but not each time; what is sent would reach the log each time.
    let mut is_still = false;
    for _ in 0..ROUNDS {
        let before = settled(&operator).await;
        bad_input_is_refused(&somebody, &event).await;
        is_still = settled(&operator).await == before;
        if is_still {
            break;
        }
    }
    assert!(is_still, "bad input reached the log");
    // Whether a well-formed hold exists is for the ledger to say: this one takes an entry.
    let case = json_case("a hold that is not there", &format!("/event/{event}/hold/{}/pay", hold_of(&event)), &json!({}), 404, "");
    is_problem(&case, &raw_post(&somebody, &case.path, &case.body, &new_key()).await);
    assert_eq!(shop::seat_states(&somebody, &event, 10).await, [0; 10]);
    shop::buy(&somebody, &event, 0).await;
}

/// Sends all of it, once.
async fn bad_input_is_refused(somebody: &Client, event: &str) {
    for case in wrong_holds(event) {
        let reply = raw_post(somebody, &case.path, &case.body, &new_key()).await;
        is_problem(&case, &reply);
    }
    for (what, key) in [("no printable key", "\u{7f}"), ("a key of 300 letters", &"k".repeat(300))] {
        let body = json!({"seats": [0]}).to_string().into_bytes();
        let reply = raw_post(somebody, &format!("/event/{event}/hold"), &body, key).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.text);
    }
    for (path, statuses) in [
        ("/event?limit=-1", &[400, 422][..]),
        ("/event?limit=0", &[400, 422]),
        ("/event?limit=4294967296", &[400, 422]),
        ("/event?cursor=nonsense", &[400, 422]),
        ("/event/..%2f..%2fetc%2fpasswd", &[404]),
        ("/event/%00", &[400, 404]),
        ("/event/search/%00%e2%80%ae%f0%9f%8e%ab", &[200, 400, 422]),
        ("/event/search/%ff%fe", &[400, 404, 422]),
        ("/user/ticket/tkt_%27;--", &[404]),
        ("/nowhere", &[404]),
    ] {
        let reply = somebody.get(path).await;
        assert!(statuses.contains(&reply.status), "{path}: {} {}", reply.status, reply.text);
        assert!(reply.status == 200 || reply.header("content-type") == Some("application/problem+json"), "{path}");
    }
    let long = somebody.get(&format!("/event/search/{}", "q".repeat(4000))).await;
    assert!(matches!(long.status, 400 | 414 | 422), "{}", long.text);
    let request = somebody.request("GET", &format!("/event/{event}")).header("Boxoffice-Min-Revision", "77:1");
    let foreign = somebody.send(request).await.expect("an answer");
    assert!(matches!(foreign.status, 400 | 410 | 422), "a revision of a group that is not there: {}", foreign.text);
}

#[tokio::test]
async fn broken_http_does_not_hurt_the_node() {
    let cluster = crate::shared::cluster();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /event HTTP/1.1\r\nHost: x\r\nNUL: \x00\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(cluster.address(1)).await.expect("a connection");
        // It may hang up before it has seen everything.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the node hangs on {bytes:?}");
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(Client::at(&cluster.url(1)).get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_plan_with_duplicate_seats_is_refused_with_the_list() {
    let coordinator = crate::shared::coordinator();
    let venue = json!({"name": "Twice", "city": "Testville", "country": "DE", "time_zone": "Europe/Berlin"});
    let venue = shop::id(&coordinator.post("/venue", &venue).await.expect(201));
    let mut plan = boxoffice::bench::house::plan(6);
    let seats = &mut plan["zones"][0]["rows"][0]["seats"];
    seats[3] = seats[2].clone();
    let refused = coordinator.post(&format!("/venue/{venue}/plan"), &plan).await;
    let refused = refused.problem(422, "validation_failed");
    assert!(refused["errors"].to_string().contains('3'), "it names the seat: {refused}");
}

async fn raw_post(client: &Client, path: &str, body: &[u8], key: &str) -> Reply {
    let request = client.request("POST", path).header("Content-Type", "application/json");
    let request = match reqwest::header::HeaderValue::from_str(key) {
        Ok(key) => request.header("Idempotency-Key", key),
        Err(_) => request.header("Idempotency-Key", reqwest::header::HeaderValue::from_bytes(b"\xff").expect("opaque bytes")),
    };
    client.send(request.body(body.to_vec())).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[track_caller]
fn is_problem(case: &Case, reply: &Reply) {
    assert_eq!(reply.status, case.status, "{}: {}", case.what, reply.text);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", case.what);
    assert!(reply.body["code"].is_string() && reply.body["request_id"].is_string(), "{}: {}", case.what, reply.text);
    if case.status == 422 {
        let pointer = reply.body["errors"][0]["pointer"].as_str().unwrap_or_else(|| panic!("{}: no pointer: {}", case.what, reply.text));
        assert!(pointer.starts_with(case.pointer), "{}: {pointer}", case.what);
    }
}

/// The applied indexes, once they stand still.
async fn settled(operator: &Client) -> std::collections::BTreeMap<u64, u64> {
    let mut last = check::applied(operator).await;
    shop::eventually("the indexes stand still", PATIENCE, async || {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let now = check::applied(operator).await;
        let still = now == last;
        last = now;
        still.then(|| last.clone())
    })
    .await
}
