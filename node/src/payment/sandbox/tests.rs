//! The provider without its socket: requests in, answers and books out, through restarts.

use bytes::Bytes;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::desk::Desk;
use super::{control, open, page};

struct Bench {
    folder: tempfile::TempDir,
    desk: Desk,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        Self { folder, desk }
    }

    /// As after a kill: nothing but the folder is left.
    fn restarted(self) -> Self {
        let desk = desk(self.folder.path());
        Self { folder: self.folder, desk }
    }

    async fn try_post(&self, path: &str, key: &str, form: &str) -> Option<Reply> {
        self.desk.answer(&call("POST", path, Some(key), form)).await
    }

    async fn post(&self, path: &str, key: &str, form: &str) -> (u16, Value) {
        parts(&self.try_post(path, key, form).await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call { query: query.to_owned(), ..call("GET", path, None, "") };
        parts(&self.desk.answer(&call).await.unwrap()).1
    }

    async fn pay(&self, key: &str, method: &str) -> (u16, Value) {
        self.post("/v1/payment_intents", key, &form(method)).await
    }

    async fn ledger(&self) -> Vec<Value> {
        let reply = control::answer(&self.desk, &call("GET", "/sandbox/ledger", None, ""), "ledger").await;
        String::from_utf8_lossy(&reply.body).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn event_kinds(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await;
        let kinds = events["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
        kinds.rev().collect()
    }
}

fn desk(folder: &std::path::Path) -> Desk {
    let (books, journal) = open(folder).unwrap();
    Desk::new(books, journal, "sk_test".into(), "http://sandbox".into())
}

fn call(method: &str, path: &str, key: Option<&str>, body: &str) -> Call {
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        authorization: Some("Bearer sk_test".into()),
        key: key.map(ToOwned::to_owned),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn form(method: &str) -> String {
    format!("amount=1200&currency=EUR&payment_method={method}&confirm=true&capture_method=manual&metadata[order]=ord_1")
}

fn parts(reply: &Reply) -> (u16, Value) {
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[tokio::test]
async fn money_is_reserved_taken_and_given_back() {
    let bench = Bench::new();
    let (status, intent) = bench.pay("k1", "pm_test_ok").await;
    assert_eq!((status, &intent["status"], &intent["amount_capturable"]), (200, &json!("requires_capture"), &json!(1200)));
    let path = format!("/v1/payment_intents/{}", id(&intent));
    let (_, taken) = bench.post(&format!("{path}/capture"), "k2", "").await;
    assert_eq!((&taken["status"], &taken["amount_received"]), (&json!("succeeded"), &json!(1200)));
    let refund = |amount: u64| format!("payment_intent={}&amount={amount}", id(&intent));
    let (status, back) = bench.post("/v1/refunds", "k3", &refund(500)).await;
    assert_eq!((status, &back["status"]), (200, &json!("succeeded")));
    let (status, error) = bench.post("/v1/refunds", "k4", &refund(701)).await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("amount_too_large")));
    let (status, _) = bench.post("/v1/refunds", "k5", &refund(700)).await;
    assert_eq!(status, 200);
    let (_, error) = bench.post("/v1/refunds", "k6", &format!("payment_intent={}", id(&intent))).await;
    assert_eq!(error["error"]["code"], "charge_already_refunded");
    let line = &bench.ledger().await[0];
    assert_eq!(
        (&line["captured"], &line["refunded"], &line["reserved"], &line["order"]),
        (&json!(1200), &json!(1200), &json!(0), &json!("ord_1"))
    );
    let seen = bench.get(&format!("{path}?expand[]=latest_charge")).await;
    assert_eq!(seen["latest_charge"]["amount_refunded"], 1200);
    let expected = ["payment_intent.amount_capturable_updated", "payment_intent.succeeded", "refund.created", "refund.created"];
    assert_eq!(bench.event_kinds().await, expected);
}

#[tokio::test]
async fn a_key_has_one_answer_through_a_restart() {
    let bench = Bench::new();
    let first = bench.pay("key", "pm_test_ok").await;
    let bench = bench.restarted();
    let reply = bench.try_post("/v1/payment_intents", "key", &form("pm_test_ok")).await.unwrap();
    assert_eq!(parts(&reply), first);
    assert_eq!(reply.header, Some(("idempotent-replayed", "true".into())));
    let (status, error) = bench.pay("key", "pm_card_visa").await;
    assert_eq!((status, &error["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(bench.ledger().await.len(), 1);
    let (_, other) = bench.pay("other", "pm_test_ok").await;
    assert_ne!(other["id"], first.1["id"]);
    assert_eq!(bench.ledger().await.len(), 2);
}

#[tokio::test]
async fn refusals_leave_what_stripe_leaves() {
    let bench = Bench::new();
    let (status, error) = bench.pay("k1", "pm_test_insufficient_funds").await;
    assert_eq!((status, &error["error"]["decline_code"]), (402, &json!("insufficient_funds")));
    assert_eq!(error["error"]["payment_intent"]["status"], "requires_payment_method");
    let (status, error) = bench.pay("k2", "pm_unheard_of").await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("resource_missing")));
    let (status, error) = bench.post("/v1/payment_intents", "k3", &format!("{}&colour=red", form("pm_test_ok"))).await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("parameter_unknown")));
    for bad in ["amount=0", "amount=-1", "amount=1.5", "amount=100000000", ""] {
        let (status, _) = bench.post("/v1/payment_intents", "k4", &form("pm_test_ok").replace("amount=1200", bad)).await;
        assert_eq!(status, 400, "{bad}");
    }
    assert_eq!(bench.ledger().await.len(), 1, "only the declined one is there");
}

#[tokio::test]
async fn nothing_is_told_without_the_key() {
    let bench = Bench::new();
    for authorization in [None, Some("Bearer sk_other"), Some("Basic c2tfb3RoZXI6"), Some("sk_test")] {
        let call = Call { authorization: authorization.map(ToOwned::to_owned), ..call("GET", "/v1/events", None, "") };
        assert_eq!(bench.desk.answer(&call).await.unwrap().status, 401, "{authorization:?}");
        assert_eq!(control::answer(&bench.desk, &call, "ledger").await.status, 401);
    }
    let basic = Call { authorization: Some("Basic c2tfdGVzdDo=".into()), ..call("GET", "/v1/events", None, "") };
    assert_eq!(bench.desk.answer(&basic).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_lost_answer_is_lost_once_and_the_money_is_reserved() {
    let bench = Bench::new();
    let lost = bench.try_post("/v1/payment_intents", "key", &form("pm_test_lost_answer")).await;
    assert!(lost.is_none());
    let (status, intent) = bench.restarted().pay("key", "pm_test_lost_answer").await;
    assert_eq!((status, &intent["status"]), (200, &json!("requires_capture")));
}

#[tokio::test]
async fn the_buyer_decides_on_the_page() {
    let bench = Bench::new();
    for (key, word, status, result) in
        [("a", "accept", "requires_capture", "succeeded"), ("d", "decline", "requires_payment_method", "failed")]
    {
        let (_, intent) = bench.post("/v1/payment_intents", key, &format!("{}&return_url=https://shop/?x=1", form("pm_test_3ds"))).await;
        assert_eq!(intent["status"], "requires_action");
        let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
        assert_eq!(url, format!("http://sandbox/sandbox/action/{}", id(&intent)));
        let shown = page::answer(&bench.desk, &call("GET", "", None, ""), id(&intent)).await;
        assert!(String::from_utf8_lossy(&shown.body).contains("12.00 EUR"));
        let decision = call("POST", "", None, &format!("decision={word}"));
        let back = page::answer(&bench.desk, &decision, id(&intent)).await;
        let target = format!("https://shop/?x=1&payment_intent={}&redirect_status={result}", id(&intent));
        assert_eq!((back.status, back.header), (303, Some(("location", target))));
        assert_eq!(page::answer(&bench.desk, &decision, id(&intent)).await.status, 409, "once");
        assert_eq!(bench.get(&format!("/v1/payment_intents/{}", id(&intent))).await["status"], status);
    }
    assert_eq!(page::answer(&bench.desk, &call("GET", "", None, ""), "pi_none").await.status, 404);
}

#[tokio::test]
async fn a_cancelled_payment_stays_cancelled_and_a_captured_one_captured() {
    let bench = Bench::new();
    let (_, intent) = bench.pay("k1", "pm_test_ok").await;
    let path = |intent: &Value, verb: &str| format!("/v1/payment_intents/{}/{verb}", id(intent));
    let (_, cancelled) = bench.post(&path(&intent, "cancel"), "c1", "").await;
    assert_eq!(cancelled["status"], "canceled");
    let (status, error) = bench.post(&path(&intent, "capture"), "c2", "").await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("payment_intent_unexpected_state")));
    assert_eq!(error["error"]["payment_intent"]["status"], "canceled");
    let (_, other) = bench.pay("k2", "pm_test_capture_fails").await;
    let (status, error) = bench.post(&path(&other, "capture"), "c3", "").await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("charge_expired_for_capture")));
    assert!(bench.ledger().await.iter().all(|line| line["captured"] == 0 && line["reserved"] == 0));
}

#[tokio::test]
async fn a_dispute_follows_the_capture() {
    let bench = Bench::new();
    let (_, intent) = bench.pay("k1", "pm_test_dispute").await;
    let _ = bench.post(&format!("/v1/payment_intents/{}/capture", id(&intent)), "k2", "").await;
    assert_eq!(bench.event_kinds().await.last().map(String::as_str), Some("charge.dispute.created"));
    assert_eq!(bench.ledger().await[0]["disputed"], true);
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let bench = Bench::new();
    for number in 0..5 {
        let _ = bench.pay(&format!("k{number}"), "pm_test_ok").await;
    }
    let bench = bench.restarted();
    let mut seen = Vec::new();
    let mut path = "/v1/payment_intents?limit=2".to_owned();
    loop {
        let page = bench.get(&path).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|intent| id(intent).to_owned()));
        if page["has_more"] == false {
            break;
        }
        path = format!("/v1/payment_intents?limit=2&starting_after={}", seen.last().unwrap());
    }
    let mut oldest_first: Vec<String> = bench.ledger().await.iter().map(|line| id(line).to_owned()).collect();
    oldest_first.reverse();
    assert_eq!(seen, oldest_first);
}

#[tokio::test]
async fn faults_are_switched_and_survive_a_restart() {
    let bench = Bench::new();
    let switch = call("POST", "/sandbox/faults", None, r#"{"decline": 1.0, "seed": 3}"#);
    assert_eq!(control::answer(&bench.desk, &switch, "faults").await.status, 200);
    let bench = bench.restarted();
    assert_eq!(bench.pay("k1", "pm_test_ok").await.0, 402);
    for bad in [r#"{"decline": 2}"#, r#"{"declines": 1}"#, "x"] {
        assert_eq!(control::answer(&bench.desk, &call("POST", "", None, bad), "faults").await.status, 400, "{bad}");
    }
    let switch = call("POST", "", None, r#"{"lost_request": 1.0}"#);
    let _ = control::answer(&bench.desk, &switch, "faults").await;
    assert!(bench.try_post("/v1/payment_intents", "k2", &form("pm_test_ok")).await.is_none());
    let _ = control::answer(&bench.desk, &call("POST", "", None, "{}"), "faults").await;
    assert_eq!(bench.ledger().await.len(), 1);
}

/// Random calls with a restart now and then: the books never hold more than was paid, and a restart changes none of them.
#[tokio::test]
async fn random_calls_and_restarts_keep_the_books() {
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    let methods = ["pm_test_ok", "pm_test_declined", "pm_test_3ds", "pm_test_capture_fails", "pm_test_dispute", "pm_test_refund_fails"];
    let mut bench = Bench::new();
    for number in 0..400 {
        let known = bench.ledger().await;
        let some = known.get(draw(known.len().max(1) as u64) as usize).map(|line| id(line).to_owned()).unwrap_or_default();
        let key = format!("k{}", draw(200)); // Some come again, with the same or with other parameters.
        let _ = match draw(6) {
            0 | 1 => bench.pay(&key, methods[draw(methods.len() as u64) as usize]).await,
            2 => bench.post(&format!("/v1/payment_intents/{some}/capture"), &key, "").await,
            3 => bench.post(&format!("/v1/payment_intents/{some}/cancel"), &key, "").await,
            4 => bench.post("/v1/refunds", &key, &format!("payment_intent={some}&amount={}", 1 + draw(900))).await,
            _ => {
                let accepts = draw(2) == 0;
                let _ = bench.desk.act(&some, accepts).await;
                continue;
            }
        };
        let books = bench.ledger().await;
        for line in &books {
            let amount = |name: &str| line[name].as_u64().unwrap();
            assert!(amount("captured") <= amount("authorized") && amount("authorized") <= amount("amount"), "{line}");
            assert!(amount("refunded") + amount("refund_pending") <= amount("captured"), "{line}");
            assert!(amount("captured") == 0 || amount("reserved") == 0, "{line}");
        }
        if number % 40 == 0 {
            let events = bench.event_kinds().await;
            bench = bench.restarted();
            assert_eq!(bench.ledger().await, books);
            assert_eq!(bench.event_kinds().await, events);
        }
    }
}
