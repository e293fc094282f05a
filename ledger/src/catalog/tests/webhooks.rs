//! Webhooks: making, changing, rotating, seeking, reports of leaders, giving up.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

use super::{audited, frames, words};
use crate::catalog::CatalogLedger;
use crate::change::ChangeId;
use crate::codec::golden;
use crate::command::CatalogCommand;
use crate::ids::{EventId, Request, RequestId, UserId, WebhookId};
use crate::machine::Machine;
use crate::time::Timestamp;
use crate::webhooks::{
    GIVE_UP_AFTER, OLD_SECRET_FOR, OWNED_MAX, RECENT_MAX, Webhook, WebhookCommand, WebhookDelivery, WebhookReport, Webhooks,
};

fn request(number: u128) -> Request {
    Request { id: RequestId(number), fingerprint: 1 }
}

fn hook(id: u128, version: u64) -> Webhook {
    Webhook {
        id: WebhookId(id),
        owner: UserId(7),
        all_events: id == 2,
        url: "https://a.example/in".to_string(),
        types: vec!["order.confirmed".to_string()],
        event: Some(EventId(5)),
        active: true,
        secret_epoch: 9,
        old_secret_until: Timestamp(9),
        created_at: Timestamp(9),
        given_up_at: Some(Timestamp(9)),
        version,
    }
}

fn place(group: u32, index: u64) -> ChangeId {
    ChangeId { group, index, number: 1 }
}

fn put(number: u128, webhook: Webhook) -> CatalogCommand {
    CatalogCommand::Webhook(WebhookCommand::Put { request: request(number), webhook, after: vec![place(0, 4), place(1, 5)] })
}

fn delivery(index: u64, status: u16) -> WebhookDelivery {
    let error = if status == 200 { String::new() } else { "it answered with an error".to_string() };
    let message = place(1, index).to_string();
    WebhookDelivery { message, kind: "order.confirmed".to_string(), at: Timestamp(3), attempts: 1, status, error }
}

fn report(from: u64, to: u64, failed: bool) -> CatalogCommand {
    let mut deliveries: Vec<WebhookDelivery> = (from..to).map(|index| delivery(index + 1, 200)).collect();
    if failed {
        deliveries.push(delivery(to + 1, 500));
    }
    let (from, to, next_try) = (place(1, from), place(1, to), failed.then_some(Timestamp(77)));
    CatalogCommand::Webhook(WebhookCommand::Report(WebhookReport { webhook: WebhookId(1), from, to, deliveries, next_try }))
}

fn asked(number: u128, what: u8, id: u128) -> CatalogCommand {
    let (request, webhook) = (request(number), WebhookId(id));
    CatalogCommand::Webhook(match what {
        0 => WebhookCommand::Rotate { request, webhook },
        1 => WebhookCommand::Delete { request, webhook },
        _ => WebhookCommand::Seek { request, webhook, after: place(1, 2) },
    })
}

fn commands() -> Vec<CatalogCommand> {
    vec![
        put(1, hook(1, 0)),
        put(2, Webhook { types: vec![], event: None, ..hook(2, 0) }),
        report(5, 7, false),
        report(7, 7, true),
        put(3, Webhook { active: false, ..hook(1, 1) }),
        asked(4, 0, 1),
        asked(5, 2, 1),
        report(2, 3, true),
        asked(6, 1, 2),
    ]
}

fn apply(ledger: &mut CatalogLedger, at: u64, command: &CatalogCommand) -> String {
    let answer = ledger.apply(Timestamp(at), command, &mut vec![]);
    ledger.check_invariants().unwrap();
    words(&answer)
}

fn lived() -> CatalogLedger {
    let mut ledger = CatalogLedger::default();
    for (step, command) in commands().iter().enumerate() {
        apply(&mut ledger, step as u64 + 1, command);
    }
    ledger
}

fn cursor(hooks: &Webhooks) -> (u64, u32, u64, usize) {
    let cursor = hooks.cursor(WebhookId(1), 1).unwrap();
    (cursor.after.index, cursor.failures, cursor.failing_since.0, cursor.recent.len())
}

#[test]
fn what_the_ledger_says_is_not_the_writers_to_say() {
    let mut ledger = CatalogLedger::default();
    assert_eq!(apply(&mut ledger, 10, &put(1, hook(1, 0))), "stored 1 v1");
    assert_eq!(apply(&mut ledger, 11, &put(1, hook(1, 0))), "again stored 1 v1");
    let made = ledger.webhooks().get(WebhookId(1)).unwrap();
    assert_eq!((made.secret_epoch, made.old_secret_until.0, made.created_at.0, made.given_up_at), (1, 0, 10, None));
    assert_eq!(apply(&mut ledger, 12, &asked(2, 0, 1)), "stored 1 v2");
    let rotated = ledger.webhooks().get(WebhookId(1)).unwrap();
    assert_eq!((rotated.secret_epoch, rotated.old_secret_until), (2, Timestamp(12).plus(OLD_SECRET_FOR)));
    assert_eq!(apply(&mut ledger, 13, &put(3, hook(1, 1))), "version is 2");
    let other = Webhook { owner: UserId(8), all_events: true, url: "https://b.example".to_string(), types: vec![], ..hook(1, 2) };
    assert_eq!(apply(&mut ledger, 14, &put(4, other)), "stored 1 v3");
    let changed = ledger.webhooks().get(WebhookId(1)).unwrap();
    assert_eq!((changed.owner, changed.all_events, changed.url.as_str(), changed.secret_epoch), (UserId(7), false, "https://b.example", 2));
    assert_eq!(apply(&mut ledger, 15, &asked(5, 1, 1)), "stored 1 v4");
    assert_eq!((ledger.webhooks().all().count(), ledger.webhooks().cursors(WebhookId(1)).count()), (0, 0));
    for what in 0..3 {
        assert_eq!(apply(&mut ledger, 16, &asked(6 + u128::from(what), what, 1)), "no webhook");
    }
}

#[test]
fn malformed_ones_are_pointed_at_and_there_are_not_too_many() {
    let mut ledger = CatalogLedger::default();
    let many = |count: usize| (0..count).map(|number| number.to_string()).collect();
    for (bad, pointer) in [
        (Webhook { url: String::new(), ..hook(1, 0) }, "malformed /url"),
        (Webhook { url: "x".repeat(501), ..hook(1, 0) }, "malformed /url"),
        (Webhook { types: many(33), ..hook(1, 0) }, "malformed /types"),
        (Webhook { types: vec!["x".repeat(41)], ..hook(1, 0) }, "malformed /types"),
    ] {
        assert_eq!(apply(&mut ledger, 1, &put(1, bad)), pointer);
    }
    let twice = WebhookCommand::Put { request: request(1), webhook: hook(1, 0), after: vec![place(1, 5), place(1, 6)] };
    assert_eq!(apply(&mut ledger, 1, &CatalogCommand::Webhook(twice)), "malformed /after");
    for number in 0..OWNED_MAX as u128 {
        assert_eq!(apply(&mut ledger, 2, &put(10 + number, hook(10 + number, 0))), alloc::format!("stored {} v1", 10 + number));
    }
    assert_eq!(apply(&mut ledger, 3, &put(99, hook(99, 0))), "wrong state");
    assert_eq!(apply(&mut ledger, 3, &put(98, Webhook { owner: UserId(8), ..hook(99, 0) })), "stored 99 v1");
    let far = WebhookReport { webhook: WebhookId(1), from: place(1, 1), to: place(2, 1), deliveries: vec![], next_try: None };
    assert_eq!(apply(&mut ledger, 4, &CatalogCommand::Webhook(WebhookCommand::Report(far))), "malformed /to");
}

#[test]
fn a_report_counts_where_the_cursor_stands_and_nowhere_else() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, 1, &put(1, hook(1, 0)));
    assert_eq!(cursor(ledger.webhooks()), (5, 0, 0, 0));
    assert_eq!(apply(&mut ledger, 2, &report(5, 7, false)), "done");
    assert_eq!(cursor(ledger.webhooks()), (7, 0, 0, 2));
    assert_eq!(apply(&mut ledger, 3, &report(5, 9, false)), "done");
    assert_eq!(cursor(ledger.webhooks()), (7, 0, 0, 2), "of a leader that is late");
    apply(&mut ledger, 4, &report(7, 7, true));
    apply(&mut ledger, 5, &report(7, 7, true));
    assert_eq!(cursor(ledger.webhooks()), (7, 2, 4, 3), "one line a message");
    apply(&mut ledger, 6, &report(7, 8, true));
    assert_eq!(cursor(ledger.webhooks()), (8, 1, 6, 4), "something arrived in between");
    apply(&mut ledger, 7, &report(8, 8 + 2 * RECENT_MAX as u64, false));
    assert_eq!(cursor(ledger.webhooks()), (8 + 2 * RECENT_MAX as u64, 0, 0, RECENT_MAX));
}

#[test]
fn what_fails_for_three_days_is_given_up_until_its_owner_says_so() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, 1, &put(1, hook(1, 0)));
    apply(&mut ledger, 2, &report(5, 5, true));
    let late = Timestamp(2).plus(GIVE_UP_AFTER).0;
    apply(&mut ledger, late - 1, &report(5, 5, true));
    assert!(ledger.webhooks().get(WebhookId(1)).unwrap().active);
    apply(&mut ledger, late, &report(5, 5, true));
    let given_up = ledger.webhooks().get(WebhookId(1)).unwrap();
    assert_eq!((given_up.active, given_up.given_up_at, given_up.version), (false, Some(Timestamp(late)), 2));
    apply(&mut ledger, late + 1, &put(3, hook(1, 2)));
    let again = ledger.webhooks().get(WebhookId(1)).unwrap();
    assert_eq!((again.active, again.given_up_at), (true, None));
    assert_eq!(cursor(ledger.webhooks()), (5, 0, 0, 1), "tried at once, from where it was");
}

#[test]
fn the_encodings_of_webhooks_are_the_same_for_ever() {
    for (number, command) in commands().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("webhook-command-{number:02}"), &CatalogLedger::encode_command(command));
        assert_eq!(CatalogLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let snapshot = golden::check("webhook-snapshot", &golden::join(&frames(&lived())));
    let ledger = CatalogLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(ledger.digest(), lived().digest());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_webhook_commands_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..9, 0_u64..20, 0_u64..8, 0_u64..100_000_000_000), 1..60), cut in 0_usize..60
    ) {
        let (mut ledger, mut other, mut restored) = (CatalogLedger::default(), CatalogLedger::default(), CatalogLedger::default());
        let cut = cut % steps.len();
        let mut at = 0;
        for (number, (choice, place, further, later)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = CatalogLedger::read_snapshot(&mut frames(&ledger).into_iter()).unwrap();
            }
            at += later;
            let version = ledger.webhooks().get(WebhookId(1)).map_or(0, |hook| hook.version);
            let command = match choice {
                0 | 1 => put(number as u128, Webhook { active: further % 2 == 0, ..hook(1, version) }),
                2..=5 => report(place, place + further, choice > 3),
                6 => asked(number as u128, further as u8 % 3, 1),
                7 => report(ledger.webhooks().cursor(WebhookId(1), 1).map_or(0, |cursor| cursor.after.index), 30, further > 4),
                _ => audited::asked(asked(place.into(), further as u8 % 3, 1)),
            };
            prop_assert_eq!(&CatalogLedger::decode_command(&CatalogLedger::encode_command(&command)), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(&other.apply(Timestamp(at), &command, &mut vec![]), &answer);
            if number >= cut {
                prop_assert_eq!(&restored.apply(Timestamp(at), &command, &mut vec![]), &answer);
            }
            prop_assert_eq!(ledger.check_invariants(), Ok(()));
        }
        prop_assert_eq!(ledger.digest(), other.digest());
        prop_assert_eq!(ledger.digest(), restored.digest());
        prop_assert_eq!(frames(&ledger), frames(&restored));
    }
}
