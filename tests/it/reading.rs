//! Reading: time never goes backwards for who carries the last revision from node to node, also while nodes restart; pages come
//! from memory, packed, with tags; lists go by demand, by start and by filters.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::Cluster;
use boxoffice_tests::http::{Client, PATIENCE, Reply, new_key};
use boxoffice_tests::shop::{self, Terms};
use serde_json::{Value, json};

use crate::shared::{buyer, cluster, coordinator, own_cluster};

const SEATS: u32 = 400;
/// Reads and sales without which nothing was tried.
const READS_MIN: u32 = 60;
const SOLD_MIN: u64 = 20;

/// What a reader has seen so far.
#[derive(Default)]
struct Seen {
    page: Option<String>,
    map: Option<String>,
    sold: u64,
    taken: BTreeSet<u32>,
    reads: u32,
    hops: u32,
}

impl Seen {
    /// Reads the event's page at a node, not older than what was seen.
    async fn page(&mut self, client: &Client, path: &str) {
        let Some(reply) = fresh(client, path, self.page.as_deref()).await else { return };
        self.page = Some(reply.header("boxoffice-revision").expect("a revision").to_owned());
        let sold = reply.expect(200)["sale"]["sold"].as_u64().expect("a number");
        assert!(sold >= self.sold, "{} were sold, and then {sold}", self.sold);
        self.sold = sold;
        self.reads += 1;
    }

    /// Reads the seat map, likewise.
    async fn map(&mut self, client: &Client, path: &str) {
        let Some(reply) = fresh(client, path, self.map.as_deref()).await else { return };
        self.map = Some(reply.header("boxoffice-revision").expect("a revision").to_owned());
        let states = boxoffice::bench::verify::states(&reply.expect(200), SEATS as usize).expect("states");
        let taken: BTreeSet<u32> = (0..).zip(states).filter(|(_, state)| *state == 2).map(|(seat, _)| seat).collect();
        assert!(taken.is_superset(&self.taken), "seats are free again: {:?}", self.taken.difference(&taken));
        self.taken = taken;
        self.reads += 1;
    }
}

/// An answer that is at least this new; `None` when the node is away or behind.
async fn fresh(client: &Client, path: &str, least: Option<&str>) -> Option<Reply> {
    let mut request = client.request("GET", path);
    if let Some(least) = least {
        request = request.header("Boxoffice-Min-Revision", least);
    }
    let reply = client.send_once(request).await.ok()?;
    assert!(matches!(reply.status, 200 | 503), "{path}: {} {}", reply.status, reply.text);
    (reply.status == 200).then_some(reply)
}

/// Buys seat after seat at one node after another until told to stop, and counts what was acknowledged.
async fn sell(urls: Vec<String>, buyer: Client, event: String, sold: Arc<AtomicU64>, over: Arc<AtomicBool>) {
    for seat in 0..SEATS {
        if over.load(Ordering::SeqCst) {
            return;
        }
        let at = seat as usize % urls.len();
        let order = [&urls[at..], &urls[..at]].concat();
        let held = shop::insist(&buyer, &order, &format!("/event/{event}/hold"), &json!({"seats": [seat]})).await.expect(201);
        let pay = format!("/event/{event}/hold/{}/pay", shop::id(&held));
        let paid = shop::insist(&buyer, &order, &pay, &json!({"payment_method": shop::CARD_THAT_PAYS})).await;
        assert!(matches!(paid.status, 200 | 201), "{}", paid.text);
        sold.fetch_add(1, Ordering::SeqCst);
    }
}

/// Restarts the nodes in turn, killed or stopped.
fn restart(cluster: &Cluster, rounds: u64) {
    for round in 0..rounds {
        let node = round % 3 + 1;
        if round.is_multiple_of(2) {
            cluster.kill(node);
        } else {
            cluster.stop(node).expect("the node stops when asked to");
        }
        std::thread::sleep(Duration::from_millis(300));
        cluster.spawn(node).expect("the node starts again");
        cluster.wait_ready().expect("the node is ready again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hops_between_nodes_never_sees_time_go_backwards() {
    let (_turn, cluster) = own_cluster();
    let event = shop::put_on_sale(&cluster.client(1, Role::Coordinator), &Terms::free(SEATS)).await;
    let (sold, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let urls: Vec<String> = (1..=3).map(|node| cluster.url(node)).collect();
    let seller = tokio::spawn(sell(urls, cluster.client(1, Role::Customer), event.clone(), Arc::clone(&sold), Arc::clone(&over)));
    let clients: Vec<Client> = (1..=3).map(|node| cluster.client(node, Role::Customer)).collect();
    let (page, map) = (format!("/event/{event}"), format!("/event/{event}/seat"));
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let restarts = scope.spawn(|| restart(&cluster, 3));
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let mut dice = 20_261_126_u64;
                let since = Instant::now();
                // On a slow machine it goes on after the restarts, until enough was seen.
                while !restarts.is_finished() || seen.reads < READS_MIN || sold.load(Ordering::SeqCst) < SOLD_MIN {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let client = &clients[(dice >> 33) as usize % 3];
                    match (dice >> 40) % 5 {
                        0 | 1 => seen.page(client, &page).await,
                        2 | 3 => seen.map(client, &map).await,
                        _ => {
                            // Linearizable is never older than what was acknowledged before the question.
                            let before = sold.load(Ordering::SeqCst);
                            if let Some(reply) = fresh(client, &format!("{page}?consistency=linearizable"), None).await {
                                let shown = reply.expect(200)["sale"]["sold"].as_u64();
                                assert!(shown >= Some(before), "{before} were acknowledged, and {shown:?} shown");
                                seen.reads += 1;
                            }
                        }
                    }
                    seen.hops += 1;
                    let (reads, sold) = (seen.reads, sold.load(Ordering::SeqCst));
                    assert!(since.elapsed() < 4 * PATIENCE, "{reads} reads and {sold} sales only");
                }
            });
        });
        restarts.join().expect("the nodes restart");
    });
    over.store(true, Ordering::SeqCst);
    seller.await.expect("the seller ends");
    println!("{} of {} reads at random nodes answered while {} seats were sold", seen.reads, seen.hops, sold.load(Ordering::SeqCst));
    // At the end every node shows all of it.
    let total = sold.load(Ordering::SeqCst);
    for client in &clients {
        shop::eventually("all sales are shown", PATIENCE, async || {
            let reply = client.try_get(&format!("{page}?consistency=linearizable")).await.ok()?;
            (reply.status == 200 && reply.body["sale"]["sold"].as_u64() >= Some(total)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn pages_are_packed_and_named_alike_on_every_node() {
    let event = shop::put_on_sale(&coordinator(), &Terms { name: "The Packed Page".into(), ..Terms::free(3_000) }).await;
    for path in [format!("/event/{event}"), format!("/event/{event}/seat")] {
        let least =
            buyer(1).get(&format!("{path}?consistency=linearizable")).await.header("boxoffice-revision").expect("a revision").to_owned();
        let mut tags = BTreeSet::new();
        for node in 1..=3 {
            let client = Client::at(&cluster().url(node));
            let ask = |coding: &str, tag: &str| {
                let request = client.request("GET", &path).header("Boxoffice-Min-Revision", &least);
                request.header("Accept-Encoding", coding).header("If-None-Match", tag)
            };
            let plain = client.send(ask("identity", "\"no\"")).await.expect("an answer");
            assert_eq!(plain.status, 200, "{}", plain.text);
            for coding in ["gzip", "zstd"] {
                let packed = ask(coding, "\"no\"").send().await.expect("an answer");
                assert_eq!(packed.headers().get("content-encoding").map(|value| value.to_str().expect("text")), Some(coding), "{path}");
                let tag = packed.headers()["etag"].to_str().expect("text").to_owned();
                let bytes = packed.bytes().await.expect("a body");
                assert!(bytes.len() < plain.text.len() * 3 / 4, "{} of {}", bytes.len(), plain.text.len());
                assert_eq!(client.send(ask(coding, &tag)).await.expect("an answer").status, 304);
                tags.insert(tag);
            }
            tags.insert(plain.header("etag").expect("a tag").to_owned());
        }
        assert_eq!(tags.len(), 3, "one tag for each coding, whatever the node: {tags:?}");
    }
    let calendar = Client::at(&cluster().url(2)).get(&format!("/event/{event}.ics")).await;
    assert!(calendar.text.contains("SUMMARY:The Packed Page\r\n"), "{}", calendar.text);
    let linked = Client::at(&cluster().url(3)).get(&format!("/event/{event}.jsonld")).await.expect(200);
    assert_eq!(linked["startDate"], "2031-05-01T21:30:00+02:00", "on the clock of Berlin");
}

/// The ids of a list in its order, page by page at one node after another; `between` is called after the first page.
async fn listed(query: &str, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for page in 0_u64.. {
        let path = format!("/event?limit=2&{query}{cursor}");
        let reply = Client::at(&cluster().url(page % 3 + 1)).get(&format!("{path}&consistency=linearizable")).await.expect(200);
        found.extend(reply["data"].as_array().expect("a list").iter().map(shop::id));
        match reply["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
        if page == 0 {
            between().await;
        }
    }
    found
}

#[tokio::test]
async fn lists_go_by_demand_by_start_and_by_filters() {
    let owner = coordinator();
    let venue = shop::build_venue(&owner, 4).await;
    let make = async |starts: &str, price: u64, category: &str| {
        let more = json!({"starts_at": starts, "category": category, "name": format!("{} {starts}", category.replace('o', "Ó"))});
        let terms = Terms { more, ..Terms::free(4).priced(price) };
        shop::id(&shop::post_until_done(&owner, "/event", &new_key(), &shop::event_body(&venue, &terms)).await.expect(201))
    };
    let late = make("2033-01-01T00:00:00Z", 500, "opera").await;
    let soon = make("2032-01-01T00:00:00Z", 1_500, "opera").await;
    let middle = make("2032-06-01T00:00:00Z", 1_000, "puppets").await;
    let here = format!("venue={venue}");
    let nothing = async || {};
    assert_eq!(listed(&format!("{here}&sort=start"), nothing).await, [soon.clone(), middle.clone(), late.clone()]);
    assert_eq!(listed(&format!("{here}&sort=start&category=OPERA"), nothing).await, [soon.clone(), late.clone()]);
    assert_eq!(listed(&format!("{here}&sort=start&min_price=600&max_price=1000"), nothing).await, std::slice::from_ref(&middle));
    assert_eq!(listed(&format!("{here}&sort=start&from=2032-06-01&to=2033-01-01"), nothing).await, std::slice::from_ref(&middle));
    assert_eq!(listed(&format!("{here}&sort=name"), nothing).await, [soon.clone(), late.clone(), middle.clone()]);
    // What comes in between moves nothing.
    let mut early = String::new();
    let paged = listed(&format!("{here}&sort=start"), async || early = make("2031-12-01T00:00:00Z", 700, "mime").await).await;
    assert_eq!(paged, [soon.clone(), middle.clone(), late.clone()]);
    // A sale makes an event wanted, and a house that is sold out is not available.
    for seat in 0..4 {
        shop::buy(&buyer(1), &late, seat).await;
    }
    let by_demand = shop::eventually("the sales are in the lists", PATIENCE, async || {
        let found = listed(&here, nothing).await;
        (found.first() == Some(&late)).then_some(found)
    })
    .await;
    assert_eq!(by_demand.len(), 4);
    for query in ["available=true", "on_sale=true"] {
        // The last sale's figures follow in a second or so.
        shop::eventually(query, PATIENCE, async || {
            let found = listed(&format!("{here}&{query}&sort=start"), nothing).await;
            (found == [early.clone(), soon.clone(), middle.clone()]).then_some(())
        })
        .await;
    }
    // Views count too, wherever they are; a handful, for enough of them would outweigh the sales.
    for node in 1..=3 {
        let _ = buyer(node).get(&format!("/event/{middle}")).await.expect(200);
    }
    let watched = shop::eventually("views are in the lists", PATIENCE, async || {
        let found = listed(&here, nothing).await;
        (found.get(1) == Some(&middle)).then_some(found)
    })
    .await;
    assert_eq!(watched[0], late, "a few looks weigh less than four sales");
    let ids: Vec<Value> = [&late, &soon].iter().map(|id| id.as_str().into()).collect();
    shop::eventually("another node to know the classes", PATIENCE, async || {
        let many = buyer(2).post("/event/availability", &json!({"events": ids})).await.expect(200);
        let classes: Vec<&str> = many["data"].as_array().expect("a list").iter().filter_map(|one| one["availability"].as_str()).collect();
        (classes == ["sold_out", "available"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_postponed_event_keeps_its_tickets_and_says_what_it_was() {
    let owner = coordinator();
    let event = shop::put_on_sale(&owner, &Terms::free(3)).await;
    let somebody = buyer(2);
    shop::buy(&somebody, &event, 0).await;
    let path = format!("/event/{event}/postpone");
    let moved = owner.post(&path, &json!({"starts_at": "2031-12-24T18:00:00Z"})).await;
    let revision = moved.header("boxoffice-revision").expect("a revision").to_owned();
    assert_eq!(moved.expect(200)["status"], "postponed");
    let reader = buyer(3);
    let shown = reader.send(reader.request("GET", &format!("/event/{event}")).header("Boxoffice-Min-Revision", &revision)).await;
    let shown = shown.expect("an answer").expect(200);
    assert_eq!((&shown["previous_start"], &shown["starts_local"]), (&json!("2031-05-01T19:30:00Z"), &json!("2031-12-24T19:00:00+01:00")));
    assert_eq!(shop::tickets(&somebody).await.0.len(), 1);
    let again = owner.post(&path, &json!({"starts_at": "2031-12-24T18:00:00Z"})).await;
    assert_eq!(again.problem(422, "validation_failed")["errors"][0]["pointer"], "/starts_at");
    let stranger = cluster().client(1, Role::Coordinator);
    let _ = stranger.post(&path, &json!({"starts_at": "2032-12-24T18:00:00Z"})).await.problem(404, "not_found");
}
