//! The run itself: a script, then draws, against one real node.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use futures::FutureExt;
use serde_json::Value;

use super::ask::{Ask, Talk};
use super::generate::{Dice, Maker};
use super::probes::Probes;
use super::rules::{Operation, Rules};
use super::script::Script;
use crate::shared::turn;

/// The draws of a run follow from this; `CONTRACT_SEED` takes another.
const SEED: u64 = 20_261_126;

/// Operations that need not answer here that all is well, and why.
const NEVER_DONE: [(&str, &str); 4] = [
    ("drainMember", "the last node that decides has to stay; `members` drains one of several"),
    ("undrainMember", "as `drainMember`"),
    ("openSale", "the cluster opens sales by itself, so that there is none to be opened a moment after its event is published"),
    ("receivePaymentEvent", "only the provider can sign; its messages are taken in `payment_provider` and `saga`"),
];

/// Operations that take from others what they need, so that they come last.
const LAST: [&str; 4] = ["closeSale", "cancelEvent", "setRole", "logOut"];

/// Fewer requests than this, and something was left out.
const REQUESTS_MIN: usize = 5000;

#[tokio::test]
async fn a_node_answers_as_the_document_says() {
    let _turn = turn();
    let since = Instant::now();
    let seed = std::env::var("CONTRACT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(SEED);
    let cluster = Cluster::start(Options { nodes: 1, ..Options::default() }).expect("the node starts");
    let rules = Rules::new(served(&cluster).await);
    let mut talk = Talk::new(&rules);
    let mut script = Script::new(&mut talk, &cluster);
    let mut stops = Stops::default();
    stops.part("nodes", script.nodes()).await;
    stops.part("accounts", script.accounts()).await;
    let venue = stops.part("catalog", script.catalog()).await.unwrap_or_default();
    stops.part("events", script.events(&venue)).await;
    stops.part("bookings", script.bookings(&venue)).await;
    stops.part("tickets", script.tickets(&venue)).await;
    stops.part("images", script.images(&venue)).await;
    stops.part("promo codes", script.promos(&venue)).await;
    stops.part("prices", script.prices(&venue)).await;
    stops.part("guests", script.guests(&venue)).await;
    stops.part("carts", script.carts(&venue)).await;
    stops.part("changes and webhooks", script.changes()).await;
    stops.part("nodes that come and go", script.members()).await;
    let Script { visitor, buyer, coordinator, pool, .. } = script;

    let others = [Role::Guest, Role::Gate, Role::Operator, Role::Admin].map(|role| (role, cluster.client(1, role)));
    let mut callers = vec![(Role::Customer, buyer), (Role::Coordinator, coordinator)];
    callers.extend(others);
    callers.sort_by_key(|(role, _)| *role);
    let maker = Maker { document: &rules.document, dice: Dice::new(seed), pool };
    let mut probes = Probes { talk: &mut talk, maker, visitor, callers };
    let mut operations: Vec<&Operation> = rules.operations.iter().collect();
    operations.sort_by_key(|operation| LAST.iter().position(|last| operation.id == *last));
    for operation in operations {
        probes.probe(operation).await;
    }

    println!("seed {seed}: {} requests in {:.1} s", talk.sent, since.elapsed().as_secs_f64());
    let mut complaints = talk.complaints();
    complaints.extend(stops.0);
    assert!(complaints.is_empty(), "seed {seed}, {} kinds of failures:\n{}", complaints.len(), complaints.join("\n"));
    let missing = |operation: &&Operation| !talk.done.contains(&operation.id);
    let never: Vec<&str> = rules.operations.iter().filter(missing).map(|operation| operation.id.as_str()).collect();
    let unexpected: Vec<&&str> = never.iter().filter(|id| NEVER_DONE.iter().all(|(known, _)| known != *id)).collect();
    assert!(unexpected.is_empty(), "operations that never answered that all is well: {unexpected:?}");
    assert!(never.contains(&"receivePaymentEvent"), "who can sign?");
    assert!(talk.sent > REQUESTS_MIN, "{} requests only", talk.sent);
}

/// Parts of the script that stopped early, and why: what is drawn is told as well, whatever happened before.
#[derive(Default)]
struct Stops(Vec<String>);

impl Stops {
    async fn part<T>(&mut self, name: &str, part: impl Future<Output = T>) -> Option<T> {
        let ended = AssertUnwindSafe(part).catch_unwind().await;
        if ended.is_err() {
            self.0.push(format!("the script of {name} stopped: see the panic above"));
        }
        ended.ok()
    }
}

/// The document as the node serves it.
async fn served(cluster: &Cluster) -> Value {
    let client = cluster.client(1, Role::Customer);
    let document = client.get("/openapi.json").await.expect(200);
    assert_eq!(document, super::document::printed(), "the node serves what the program prints");
    document
}

/// The run can fail: a document that promises something else is held against the same node.
#[tokio::test]
async fn a_document_that_is_not_true_is_noticed() {
    let mut document = super::document::printed();
    let schema = &mut document["components"]["schemas"]["Claim"];
    assert!(schema.is_object(), "the schema that is changed is there");
    schema["properties"]["claimed"]["type"] = "string".into();
    let rules = Rules::new(document);
    let mut talk = Talk::new(&rules);
    let visitor = boxoffice_tests::http::Client::at(&crate::shared::cluster().url(1));
    for id in ["getClaim", "getHealth", "getUser"] {
        let operation = rules.operation(id);
        talk.tell(&visitor, operation, &Ask::new(operation)).await;
    }
    let operation = rules.operation("getUser");
    talk.expect(&visitor, operation, &Ask::new(operation), 403, "forbidden").await;
    let complaints = talk.complaints();
    assert!(complaints.len() == 2 && complaints[0].contains("claimed") && complaints[1].contains("should be 403"), "{complaints:?}");
}
