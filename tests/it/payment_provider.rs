//! The adapter against the sandbox provider over real sockets: every payment method, kills in the middle, faults by chance, webhooks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use boxoffice::payment::stripe::{Access, StripeProvider};
use boxoffice::payment::webhook::{About, Inbox, Received};
use boxoffice::payment::{Charge, NoAnswer, PaymentProvider, RefundStanding, Seen, Standing};
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{AttemptId, EventId, OrderId, RefundId, Slot};
use boxoffice_ledger::money::{Currency, Money};
use boxoffice_tests::binary;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::PATIENCE;
use boxoffice_tests::provider::Provider;
use boxoffice_tests::shop::{self, Terms};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::shared::turn;

const TOTAL: u64 = 2_500;

struct Bench {
    _folder: tempfile::TempDir,
    provider: Provider,
    stripe: StripeProvider,
}

fn bench(webhooks: Vec<String>) -> Bench {
    let folder = tempfile::Builder::new().prefix("provider-").tempdir_in(binary::scratch()).expect("a folder");
    let since = Instant::now();
    let provider = Provider::start(folder.path(), webhooks).expect("the provider starts");
    println!("the provider started in {:?}", since.elapsed());
    let stripe = adapter(&provider, provider.key());
    Bench { _folder: folder, provider, stripe }
}

fn adapter(provider: &Provider, key: &str) -> StripeProvider {
    StripeProvider::new(Access {
        base_url: provider.url(),
        key: key.to_owned(),
        webhook_secrets: vec![provider.webhook_secret().to_owned()],
        return_url: "http://127.0.0.1/back".into(),
        cluster: "test".into(),
    })
    .expect("an adapter")
}

fn charge(number: u128, method: &str) -> Charge {
    Charge {
        attempt: AttemptId::new(1, Slot::new(7), number),
        order: OrderId::for_tickets(1, Slot::new(7), number << 16).to_string(),
        event: Some(EventId::new(1, Slot::new(7), 1)),
        total: Money { amount: TOTAL, currency: Currency::parse("EUR").expect("a currency") },
        method: method.to_owned(),
        reference: None,
    }
}

fn declined(code: &str) -> Standing {
    Standing::Declined { code: code.into() }
}

const AUTHORIZED: Standing = Standing::Authorized { amount: TOTAL };
const CAPTURED: Standing = Standing::Captured { amount: TOTAL, refunded: 0 };

impl Bench {
    /// Looks until there is an answer that is not "not decided yet".
    async fn decided(&self, charge: &Charge) -> Standing {
        shop::eventually("a decision of the provider", PATIENCE, async || match self.stripe.look(charge).await {
            Ok((Standing::Processing, _)) | Err(NoAnswer) => None,
            Ok((standing, _)) => Some(standing),
        })
        .await
    }

    async fn captured(&self, charge: &Charge) -> Standing {
        shop::eventually("a capture", PATIENCE, async || self.stripe.capture(charge, TOTAL).await.ok()).await
    }
}

#[tokio::test]
async fn each_payment_method_has_its_fate() {
    let bench = bench(Vec::new());
    let fates = [
        ("pm_test_ok", AUTHORIZED),
        ("pm_card_visa", AUTHORIZED),
        ("pm_test_declined", declined("generic_decline")),
        ("pm_test_insufficient_funds", declined("insufficient_funds")),
        ("pm_test_expired_card", declined("expired_card")),
        ("pm_unheard_of", declined("resource_missing")),
        ("pm_test_duplicate_webhook", AUTHORIZED),
        ("pm_test_dispute", AUTHORIZED),
        ("pm_test_processing", Standing::Processing),
    ];
    for (number, (method, fate)) in fates.into_iter().enumerate() {
        let charge = charge(number as u128, method);
        let (standing, reference) = bench.stripe.authorize(&charge).await.expect("an answer");
        assert_eq!(standing, fate, "{method}");
        assert_eq!(reference.is_empty(), method == "pm_unheard_of");
        // Twice is once, with and without the reference. What is not decided yet may be by then.
        let is_same =
            |(standing, known): Seen| known == reference && (standing == fate || (fate == Standing::Processing && standing == AUTHORIZED));
        assert!(bench.stripe.authorize(&charge).await.is_ok_and(is_same), "{method}");
        if !reference.is_empty() {
            let known = Charge { reference: Some(reference.clone()), ..charge.clone() };
            assert!(bench.stripe.look(&known).await.is_ok_and(is_same), "{method}");
            let origin = bench.stripe.origin(&reference).await.expect("an answer").expect("it is ours");
            assert_eq!((origin.attempt, origin.order, origin.event), (charge.attempt, charge.order, charge.event));
        }
    }
    assert_eq!(bench.decided(&charge(8, "pm_test_processing")).await, AUTHORIZED);
    assert_eq!(bench.provider.ledger().await.len(), 8, "one intent an attempt");
    assert_eq!(bench.stripe.origin("pi_none").await, Ok(None));
}

#[tokio::test]
async fn money_is_taken_given_back_and_never_twice() {
    let bench = bench(Vec::new());
    let (stripe, paid) = (&bench.stripe, charge(1, "pm_test_ok"));
    for _ in 0..2 {
        assert_eq!(stripe.capture(&paid, TOTAL).await, Ok(CAPTURED));
    }
    assert_eq!(stripe.cancel(&paid).await, Ok(CAPTURED), "a capture that won stays");
    for (refund, amount, standing) in [
        (RefundId(1), 1_000, RefundStanding::Done),
        (RefundId(1), 1_000, RefundStanding::Done),
        (RefundId(2), 1_501, RefundStanding::Failed { code: "amount_too_large".into() }),
        (RefundId(3), 1_500, RefundStanding::Done),
        (RefundId(4), 1, RefundStanding::Failed { code: "charge_already_refunded".into() }),
    ] {
        assert_eq!(stripe.refund(&paid, refund, amount).await, Ok(standing), "{refund}");
    }
    assert_eq!(bench.decided(&paid).await, Standing::Captured { amount: TOTAL, refunded: TOTAL });

    let unwanted = charge(2, "pm_test_ok");
    for _ in 0..2 {
        assert_eq!(stripe.cancel(&unwanted).await, Ok(Standing::Cancelled));
    }
    assert_eq!(stripe.capture(&unwanted, TOTAL).await, Ok(Standing::Cancelled));
    assert_eq!(stripe.capture(&charge(3, "pm_test_capture_fails"), TOTAL).await, Ok(Standing::Cancelled));
    assert_eq!(stripe.capture(&charge(4, "pm_test_declined"), TOTAL).await, Ok(declined("generic_decline")));

    // Of an attempt that pays several orders, what could not be sold is not taken, and only what was taken can be refunded.
    let part = charge(7, "pm_test_ok");
    for _ in 0..2 {
        assert_eq!(stripe.capture(&part, 1_000).await, Ok(Standing::Captured { amount: 1_000, refunded: 0 }));
    }
    assert_eq!(stripe.refund(&part, RefundId(7), 1_001).await, Ok(RefundStanding::Failed { code: "amount_too_large".into() }));
    assert_eq!(stripe.refund(&part, RefundId(8), 400).await, Ok(RefundStanding::Done));

    let stubborn = charge(5, "pm_test_refund_fails");
    assert_eq!(stripe.capture(&stubborn, TOTAL).await, Ok(CAPTURED));
    assert!(matches!(stripe.refund(&stubborn, RefundId(5), TOTAL).await, Ok(RefundStanding::Failed { .. })));
    let slow = charge(6, "pm_test_refund_pending");
    assert_eq!(stripe.capture(&slow, TOTAL).await, Ok(CAPTURED));
    assert_eq!(stripe.refund(&slow, RefundId(6), TOTAL).await, Ok(RefundStanding::Pending));
    shop::eventually("the refund", PATIENCE, async || {
        (stripe.refund(&slow, RefundId(6), TOTAL).await == Ok(RefundStanding::Done)).then_some(())
    })
    .await;
    let ledger = bench.provider.ledger().await;
    let sum = |name: &str| ledger.iter().map(|line| line[name].as_u64().expect("an amount")).sum::<u64>();
    assert_eq!((ledger.len(), sum("captured"), sum("refunded"), sum("reserved")), (7, 3 * TOTAL + 1_000, 2 * TOTAL + 400, 0));
}

#[tokio::test]
async fn the_buyer_accepts_declines_or_goes_away() {
    let bench = bench(Vec::new());
    for (number, word, after) in
        [(1, Some(true), AUTHORIZED), (2, Some(false), declined("authentication_required")), (3, None, Standing::Cancelled)]
    {
        let asked = charge(number, "pm_test_3ds");
        let Ok((Standing::RequiresAction { url }, _)) = bench.stripe.authorize(&asked).await else { panic!("no action is asked for") };
        match word {
            Some(accepts) => {
                let back = bench.provider.act(&url, accepts).await;
                assert_eq!(back.status, 303);
                assert!(back.header("location").is_some_and(|target| target.starts_with("http://127.0.0.1/back?payment_intent=")));
                assert_eq!(bench.stripe.authorize(&asked).await.map(|(standing, _)| standing), Ok(after));
            }
            None => assert_eq!(bench.stripe.cancel(&asked).await, Ok(after)),
        }
        assert_eq!(bench.provider.act(&url, true).await.status, 409, "the page is closed");
    }
}

#[tokio::test]
async fn what_has_no_answer_is_unknown_and_found_later() {
    let bench = bench(Vec::new());
    let lost = charge(1, "pm_test_lost_answer");
    assert_eq!(bench.stripe.authorize(&lost).await, Err(NoAnswer));
    assert_eq!(bench.stripe.authorize(&lost).await.map(|(standing, _)| standing), Ok(AUTHORIZED));

    let slow = charge(2, "pm_test_slow");
    let since = Instant::now();
    assert_eq!(bench.stripe.authorize(&slow).await, Err(NoAnswer));
    // The provider would have answered after 30 s, so that giving up came before.
    let waited = since.elapsed();
    println!("given up after {waited:?}");
    assert!(waited >= Duration::from_secs(9), "it is given up after 10 s: {waited:?}");
    assert_eq!(bench.stripe.look(&slow).await.map(|(standing, _)| standing), Ok(AUTHORIZED));

    let stranger = adapter(&bench.provider, "sk_wrong");
    assert_eq!(stranger.authorize(&charge(3, "pm_test_ok")).await, Err(NoAnswer), "a wrong key says nothing about the attempt");
    bench.provider.go_down(Duration::from_secs(3600)).await;
    assert_eq!(bench.stripe.authorize(&charge(4, "pm_test_ok")).await, Err(NoAnswer));
    bench.provider.kill();
    assert_eq!(bench.stripe.look(&lost).await, Err(NoAnswer));
    bench.provider.spawn().expect("it starts again");
    bench.provider.go_down(Duration::from_secs(1)).await;
    assert_eq!(bench.decided(&charge(4, "pm_test_ok")).await, AUTHORIZED, "it comes back by itself");
    assert_eq!(bench.provider.ledger().await.len(), 3);
}

#[tokio::test]
async fn an_attempt_with_changed_parameters_is_found_by_its_notes() {
    let bench = bench(Vec::new());
    let first = charge(1, "pm_test_ok");
    let seen = bench.stripe.authorize(&first).await.expect("an answer");
    let changed = Charge { method: "pm_card_visa".into(), ..first };
    assert_eq!(bench.stripe.look(&changed).await, Ok(seen));
    assert_eq!(bench.provider.ledger().await.len(), 1);
}

/// Attempts under way while the provider is killed again and again and loses a part of its answers: every one ends captured once.
#[tokio::test]
async fn kills_and_faults_lose_and_double_nothing() {
    const ATTEMPTS: u128 = 60;
    let bench = bench(Vec::new());
    bench.provider.set_faults(&json!({"lost_answer": 0.1, "lost_request": 0.1, "down": 0.1, "slow": 0.1, "slow_ms": 50, "seed": 7})).await;
    let captured = AtomicU64::new(0);
    let pay = async |numbers: std::ops::Range<u128>| {
        for number in numbers {
            let charge = charge(number, "pm_test_ok");
            assert_eq!(bench.decided(&charge).await, AUTHORIZED);
            assert_eq!(bench.captured(&charge).await, CAPTURED);
            captured.fetch_add(1, Ordering::Relaxed);
        }
    };
    // Whenever some more are through, it is killed in the middle of others.
    let kills = async {
        for round in 1..10 {
            let is_time = async || (captured.load(Ordering::Relaxed) >= 6 * round).then_some(());
            shop::eventually("attempts that get through", PATIENCE, is_time).await;
            bench.provider.kill();
            bench.provider.spawn().expect("it starts again");
        }
    };
    tokio::join!(pay(0..20), pay(20..40), pay(40..ATTEMPTS), kills);
    bench.provider.set_faults(&json!({})).await;
    let ledger = bench.provider.ledger().await;
    assert_eq!(ledger.len() as u128, ATTEMPTS, "one intent an attempt");
    assert!(ledger.iter().all(|line| line["captured"] == TOTAL && line["reserved"] == 0));
}

#[tokio::test]
async fn faults_by_chance_repeat_with_their_seed() {
    let mut runs = Vec::new();
    for seed in [3, 3, 4] {
        let bench = bench(Vec::new());
        bench.provider.set_faults(&json!({"decline": 0.3, "lost_answer": 0.2, "seed": seed})).await;
        let mut run = Vec::new();
        for number in 0..30 {
            run.push(bench.stripe.authorize(&charge(number, "pm_test_ok")).await.map(|(standing, _)| standing));
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&Err(NoAnswer)) && runs[0].contains(&Ok(AUTHORIZED)));
}

/// A webhook that notes every body and signature, and answers with what it is told to.
struct Hook {
    url: String,
    notes: tokio::sync::mpsc::UnboundedReceiver<(String, Vec<u8>)>,
}

async fn hook(refusals: usize) -> Hook {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/payment/webhook", listener.local_addr().expect("an address"));
    let (sender, notes) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let (head, body) = read_request(&mut stream).await;
            let signature = head.lines().find_map(|line| line.strip_prefix("stripe-signature: ")).unwrap_or_default().to_owned();
            let status = if number < refusals { "503 Later" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            if number >= refusals && sender.send((signature, body)).is_err() {
                return;
            }
        }
    });
    Hook { url, notes }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap_or_default();
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0_usize);
            if bytes.len() >= head.len() + 4 + length {
                return (String::from_utf8_lossy(&bytes[..head.len()]).into_owned(), bytes.split_off(head.len() + 4));
            }
        }
        assert_ne!(read, 0, "the request ends too soon");
    }
}

impl Hook {
    /// The next event that is not one of these: an event may come more often, when its acceptance got lost or took too long.
    async fn next_but(&mut self, inbox: &Inbox, known: &mut Vec<String>) -> About {
        loop {
            let (id, about) = self.next(inbox).await;
            if !known.contains(&id) {
                known.push(id);
                return about;
            }
        }
    }

    async fn next(&mut self, inbox: &Inbox) -> (String, About) {
        let note = tokio::time::timeout(PATIENCE, self.notes.recv()).await.expect("an event in time");
        let (signature, body) = note.expect("the webhook runs");
        let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
        match inbox.receive(&body, &signature, now_s) {
            Ok(Received::Fresh(event)) => (event.id, event.about),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn webhooks_are_signed_repeated_until_accepted_and_survive_a_kill() {
    let mut hook = hook(2).await;
    let bench = bench(vec![hook.url.clone()]);
    let inbox = Inbox::new(vec!["an older one".into(), bench.provider.webhook_secret().to_owned()], "test".into());
    let doubled = charge(1, "pm_test_duplicate_webhook");
    let _ = bench.stripe.authorize(&doubled).await.expect("an answer");
    bench.provider.kill();
    bench.provider.spawn().expect("it starts again");
    let first = hook.next(&inbox).await;
    assert_eq!(first.1, About::Attempt(AUTHORIZED));
    assert_eq!(hook.next(&inbox).await, first, "twice");

    let mut known = vec![first.0];
    let mut orders = Vec::new();
    // The first event is told 3 s late; on a machine that stalls as long, the second one may not be there by then.
    for number in 10..15 {
        let mixed = charge(number, "pm_test_out_of_order_webhook");
        assert_eq!(bench.stripe.capture(&mixed, TOTAL).await, Ok(CAPTURED));
        orders.push([hook.next_but(&inbox, &mut known).await, hook.next_but(&inbox, &mut known).await]);
        if orders.last() == Some(&[About::Attempt(CAPTURED), About::Attempt(AUTHORIZED)]) {
            break;
        }
    }
    assert_eq!(orders.last(), Some(&[About::Attempt(CAPTURED), About::Attempt(AUTHORIZED)]), "the second event comes first: {orders:?}");

    let disputed = charge(3, "pm_test_dispute");
    assert_eq!(bench.stripe.capture(&disputed, TOTAL).await, Ok(CAPTURED));
    let mut abouts = Vec::new();
    for _ in 0..3 {
        abouts.push(hook.next_but(&inbox, &mut known).await);
    }
    assert!(abouts.iter().any(|about| matches!(about, About::Dispute { amount: TOTAL, .. })), "{abouts:?}");
}

#[tokio::test]
async fn a_cluster_without_a_provider_sells_what_is_free() {
    let _turn = turn();
    let cluster = Cluster::start(Options { takes_payments: false, nodes: 1, ..Options::default() }).expect("the cluster starts");
    let coordinator = cluster.client(1, Role::Coordinator);
    let buyer = cluster.client(1, Role::Customer);
    let free = shop::put_on_sale(&coordinator, &Terms::free(1)).await;
    shop::buy(&buyer, &free, 0).await;
    let priced = shop::put_on_sale(&coordinator, &Terms::free(1).priced(1_000)).await;
    let held = shop::hold(&buyer, &priced, &[0]).await.expect(201);
    let _ = shop::pay(&buyer, &priced, &shop::id(&held)).await.problem(503, "payments_unavailable");
    let hold = buyer.get(&format!("/event/{priced}/hold/{}", shop::id(&held))).await.expect(200);
    assert_eq!(hold["state"], "active", "nothing is pinned");
}
