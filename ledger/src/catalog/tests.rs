//! Tests of the catalog.

use super::*;
use crate::codec::golden;
use crate::codec::plan::encode_plan;
use crate::command::{BlobChunk, EventStatus, EventViews, SaleTerms};
use crate::ids::{MediaHash, RequestId, UserId};
use crate::money::Currency;
use crate::plan::tests::small;
use crate::tables::{self, Line};
use crate::tickets::EntryTerms;
use crate::time::Millis;
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

mod audited;
mod demand;
mod members;
mod upkeep;
mod webhooks;

fn plan_chunk(hash: u8) -> CatalogCommand {
    let bytes = encode_plan(&small());
    CatalogCommand::PlanChunk(BlobChunk { hash: PlanHash([hash; 32]), total: bytes.len() as u32, offset: 0, bytes })
}

fn numbers(line: &Line<'_>, key: &str, default: &str) -> Vec<u64> {
    let text = line.repeated(key, default);
    text.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().unwrap()).collect()
}

fn status(line: &Line<'_>) -> EventStatus {
    match line.text("status") {
        None | Some("draft") => EventStatus::Draft,
        Some("published") => EventStatus::Published,
        _ => EventStatus::Cancelled,
    }
}

fn command(line: &Line<'_>, step: u64) -> CatalogCommand {
    let id = u128::from(line.number("id", 0));
    let number = u128::from(line.number("r", 1000 + step));
    let request = Request { id: RequestId(number), fingerprint: line.number("fingerprint", 1) };
    let version = line.number("v", 0);
    let name = line.repeated("name", "Name");
    let hash = |key: &str, default| PlanHash([line.number(key, default) as u8; 32]);
    let summary = |event| SaleSummary {
        event: EventId(event),
        available: line.number("available", 0) as u32,
        from_price: None,
        sold: line.number("sold", 0) as u32,
    };
    match line.verb {
        "plan" => plan_chunk(line.number("hash", 1) as u8),
        "venue" => {
            let plan = line.text("plan").map(|_| hash("plan", 1));
            let (city, country) = (line.repeated("city", "Berlin"), line.repeated("country", "DE"));
            let time_zone = line.repeated("zone", "Europe/Berlin");
            let venue = Venue { id: VenueId(id), name, city, country, time_zone, plan, capacity: 99, version };
            CatalogCommand::PutVenue { request, venue }
        }
        "performer" => {
            let performer = Performer { id: PerformerId(id), name, genre: line.repeated("genre", ""), version };
            CatalogCommand::PutPerformer { request, performer }
        }
        "event" => {
            let terms = SaleTerms {
                currency: Currency::parse("EUR").unwrap(),
                prices: numbers(line, "prices", "100,200"),
                per_user_limit: 8,
                lapses_max: 0,
                hold_ttl: Millis::from_secs(line.number("ttl", 480)),
                orphan_rule: true,
                opens_at: None,
                refunds: crate::command::RefundPolicy::default(),
                entry: EntryTerms::default(),
                pricing: vec![],
            };
            let event = Event {
                id: EventId(id),
                name,
                description: line.repeated("description", ""),
                category: line.repeated("category", "concert"),
                venue: VenueId(u128::from(line.number("venue", 1))),
                performers: numbers(line, "performers", "").into_iter().map(|id| PerformerId(u128::from(id))).collect(),
                starts_at: Timestamp(line.number("starts", 5)),
                previous_start: line.text("before").map(|_| Timestamp(line.number("before", 0))),
                plan: hash("plan", 1),
                terms,
                owner: UserId(u128::from(line.number("owner", 1))),
                status: status(line),
                provisioned: true,
                version,
                images: numbers(line, "images", "").into_iter().map(|image| MediaHash([image as u8; 32])).collect(),
            };
            CatalogCommand::PutEvent { request, event }
        }
        "provisioned" => CatalogCommand::Provisioned { event: EventId(id) },
        "summary" => CatalogCommand::Summaries(vec![summary(id)]),
        "summaries" => CatalogCommand::Summaries((0..line.number("count", 0)).map(|id| summary(u128::from(id))).collect()),
        "views" => CatalogCommand::Views(vec![EventViews { event: EventId(id), views: line.number("count", 1) as u32 }]),
        "pulse" => CatalogCommand::Pulse,
        other => panic!("no verb {other}"),
    }
}

fn words(answer: &Answer<CatalogOutcome>) -> String {
    let again = if answer.replayed { "again " } else { "" };
    let outcome = match &answer.outcome {
        CatalogOutcome::Done => "done".to_string(),
        CatalogOutcome::Stored { id, version } => format!("stored {id} v{version}"),
        CatalogOutcome::Rejected(rejection) => tables::refusal(rejection),
    };
    format!("{again}{outcome}")
}

fn run_line((ledger, step): &mut (CatalogLedger, u64), line: &Line<'_>) -> String {
    let id = u128::from(line.number("id", 0));
    match line.verb {
        "unprovisioned" => return ledger.unprovisioned().map(|event| event.0.to_string()).collect::<Vec<_>>().join(" "),
        "show-ranks" => {
            let mut ranks: Vec<_> = ledger.events().map(|event| (u64::MAX - ledger.demand(event.id).0, event.id.0)).collect();
            ranks.sort_unstable();
            return ranks.into_iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>().join(" ");
        }
        "show-capacity" => return ledger.venue(VenueId(id)).unwrap().capacity.to_string(),
        "show-available" => {
            return ledger.summary(EventId(id)).map_or("none".to_string(), |summary| summary.available.to_string());
        }
        _ => {}
    }
    *step += 1;
    let before = ledger.digest();
    let mut changes = vec![];
    let answer = ledger.apply(Timestamp(*step), &command(line, *step), &mut changes);
    assert_ne!(ledger.digest(), before);
    ledger.check_invariants().unwrap();
    format!("{}{}", words(&answer), tables::changes(&changes))
}

#[test]
fn the_table_of_moves_and_refusals() {
    let table = include_str!("../../tests/tables/catalog.txt");
    assert!(tables::run("catalog.txt", table, || (CatalogLedger::default(), 0), run_line) > 80);
}

/// Lines that together use everything; also what the random commands are drawn from.
const LINES: [&str; 14] = [
    "plan hash=1 =>",
    "plan hash=2 =>",
    "venue id=1 plan=1 =>",
    "venue id=1 v=1 name=Hall =>",
    "venue id=2 =>",
    "performer id=1 genre=band =>",
    "performer id=1 v=1 =>",
    "event id=1 performers=1 =>",
    "event id=1 v=1 status=published plan=2 =>",
    "event id=2 venue=2 status=published =>",
    "event id=2 venue=2 v=1 status=cancelled =>",
    "provisioned id=1 =>",
    "summary id=1 available=7 =>",
    "pulse =>",
];

/// What came later; the golden snapshot of the lines above stays as it is.
const LATER: [&str; 2] = ["event id=3 images=1,2,3,4,5,6,7,8 =>", "event id=3 v=1 images=8 status=published =>"];

fn commands() -> Vec<CatalogCommand> {
    commands_of(&LINES)
}

fn all_commands() -> Vec<CatalogCommand> {
    commands_of(&[&LINES[..], &LATER].concat())
}

fn commands_of(lines: &[&str]) -> Vec<CatalogCommand> {
    let mut all = vec![];
    tables::run(
        "lines",
        &lines.join("\n"),
        || 0,
        |step, line| {
            *step += 1;
            all.push(command(line, *step));
            String::new()
        },
    );
    all
}

fn frames(ledger: &CatalogLedger) -> Vec<Vec<u8>> {
    let mut frames = vec![];
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    frames
}

fn full() -> CatalogLedger {
    let mut ledger = CatalogLedger::default();
    for (step, command) in commands().iter().enumerate() {
        ledger.apply(Timestamp(step as u64), command, &mut vec![]);
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_commands_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..LINES.len() + LATER.len(), 0_u64..40, 0_u64..4_000_000_000), 1..120),
        cut in 0_usize..120
    ) {
        let all = all_commands();
        let pick = |(choice, request, _): (usize, u64, u64)| {
            let mut command = all[choice].clone();
            if let CatalogCommand::PutVenue { request: id, .. } | CatalogCommand::PutPerformer { request: id, .. }
                | CatalogCommand::PutEvent { request: id, .. } = &mut command
            {
                // One in three requests is a repeat, often of another command: that one is refused.
                *id = Request { id: RequestId(u128::from(request)), fingerprint: choice as u64 };
                if request.is_multiple_of(3) {
                    return audited::asked(command);
                }
            }
            command
        };
        let cut = cut % steps.len();
        let (mut ledger, mut other) = (CatalogLedger::default(), CatalogLedger::default());
        let mut restored = CatalogLedger::default();
        let mut at = 0;
        for (number, step) in steps.into_iter().enumerate() {
            if number == cut {
                restored = CatalogLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            at += step.2;
            let command = pick(step);
            let bytes = CatalogLedger::encode_command(&command);
            prop_assert_eq!(&CatalogLedger::decode_command(&bytes), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(CatalogLedger::decode_answer(&CatalogLedger::encode_answer(&answer)), Ok(answer.clone()));
            prop_assert_eq!(&other.apply(Timestamp(at), &command, &mut vec![]), &answer);
            if number >= cut {
                prop_assert_eq!(&restored.apply(Timestamp(at), &command, &mut vec![]), &answer);
            }
        }
        prop_assert_eq!(ledger.check_invariants(), Ok(()));
        prop_assert_eq!(ledger.digest(), other.digest());
        prop_assert_eq!(ledger.digest(), restored.digest());
        prop_assert_eq!(frames(&ledger), frames(&restored));
    }
}

#[test]
fn a_clone_is_frozen() {
    let mut ledger = full();
    let frozen = ledger.clone();
    let before = frames(&frozen);
    for command in commands() {
        ledger.apply(Timestamp(99), &command, &mut vec![]);
    }
    assert_eq!(frames(&frozen), before);
    frozen.check_invariants().unwrap();
}

#[test]
fn damage_of_a_snapshot_is_noticed() {
    let good = frames(&full());
    for (number, frame) in good.iter().enumerate() {
        for place in (0..frame.len()).step_by(7) {
            let mut bad = good.clone();
            bad[number][place] ^= 0x20;
            assert!(CatalogLedger::read_snapshot(&mut bad.into_iter()).is_err(), "frame {number}, byte {place}");
        }
    }
}

#[test]
fn lists_are_in_id_order_and_plans_are_found() {
    let ledger = full();
    let ids: Vec<u128> = ledger.events().map(|event| event.id.0).collect();
    assert_eq!(ids, [1, 2]);
    assert_eq!(ledger.events_after(EventId(1)).map(|event| event.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!(ledger.plan(PlanHash([1; 32])).unwrap().seat_count(), 7);
    assert_eq!(ledger.plan_bytes(PlanHash([1; 32])).as_deref(), Some(&*encode_plan(&small())));
    assert_eq!((ledger.plan(PlanHash([9; 32])).is_none(), ledger.venues().count(), ledger.performers().count()), (true, 2, 1));
    assert_eq!(ledger.event(EventId(1)).unwrap().status, EventStatus::Published);
}

#[test]
fn a_full_table_of_requests_refuses_new_writes_only() {
    let mut ledger = CatalogLedger::with_request_limit(1);
    let all = commands();
    let venue = ledger.apply(Timestamp(1), &all[4], &mut vec![]);
    assert_eq!(words(&ledger.apply(Timestamp(2), &all[5], &mut vec![])), "RequestsFull");
    let again = ledger.apply(Timestamp(3), &all[4], &mut vec![]);
    assert_eq!((again.outcome, again.replayed), (venue.outcome, true));
    let a_day_later = Timestamp(25 * 3600 * 1_000_000);
    assert_eq!(words(&ledger.apply(a_day_later, &all[5], &mut vec![])), "stored 1 v1");
}

#[test]
fn commands_of_a_newer_build_are_unknown_and_garbage_is_broken() {
    assert!(matches!(CatalogLedger::decode_command(&[8, 1, 0x7a, 0]), Err(CodecError::Unknown(_))));
    assert!(matches!(CatalogLedger::decode_command(&[8, 2]), Err(CodecError::Unknown(_))));
    for garbage in [&b""[..], b"garbage", &[8, 1], &[8, 1, 0x1a, 0], &[8, 1, 0x12, 9]] {
        assert!(matches!(CatalogLedger::decode_command(garbage), Err(CodecError::Broken(_))), "{garbage:?}");
    }
    assert_eq!(words(&CatalogLedger::malformed("garbage")), "malformed ");
}

#[test]
fn the_encodings_are_the_same_for_ever() {
    for (number, command) in commands().iter().enumerate() {
        let bytes = golden::check(&format!("catalog-command-{number:02}"), &CatalogLedger::encode_command(command));
        assert_eq!(CatalogLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let outcomes = [
        CatalogOutcome::Done,
        CatalogOutcome::Stored { id: 1 << 100, version: 3 },
        CatalogOutcome::Rejected(Rejection::VersionMismatch { current: 2 }),
    ];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let answer = Answer { outcome, replayed: number == 1 };
        let bytes = golden::check(&format!("catalog-answer-{number:02}"), &CatalogLedger::encode_answer(&answer));
        assert_eq!(CatalogLedger::decode_answer(&bytes), Ok(answer));
    }
    for (number, command) in commands_of(&LATER).iter().enumerate() {
        let bytes = golden::check(&format!("catalog-command-images-{number}"), &CatalogLedger::encode_command(command));
        assert_eq!(CatalogLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let snapshot = golden::check("catalog-snapshot", &golden::join(&frames(&full())));
    let ledger = CatalogLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(ledger.digest(), full().digest());
}
