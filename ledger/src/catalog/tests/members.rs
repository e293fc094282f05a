//! The registry of nodes: founding, inviting, joining once, draining, removing for good.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

use super::{audited, frames, words};
use crate::audit;
use crate::catalog::CatalogLedger;
use crate::codec::golden;
use crate::command::{CatalogCommand, SecretHash};
use crate::ids::{Request, RequestId};
use crate::machine::Machine;
use crate::members::{Founder, INVITATION_MAX, INVITATION_MIN, MemberCommand, MemberState};
use crate::time::{Millis, Timestamp};

fn request(number: u128) -> Request {
    Request { id: RequestId(number), fingerprint: 1 }
}

fn founder(node: u64) -> Founder {
    Founder { node, peer: alloc::format!("box{node}:7580"), http: alloc::format!("http://box{node}:7480") }
}

fn found() -> CatalogCommand {
    CatalogCommand::Member(MemberCommand::Found((1..=3).map(founder).collect()))
}

fn invite(number: u128, node: u64) -> CatalogCommand {
    let Founder { peer, http, .. } = founder(node);
    let token = SecretHash([node as u8; 32]);
    CatalogCommand::Member(MemberCommand::Invite { request: request(number), peer, http, token, ttl: INVITATION_MIN })
}

fn join(number: u128, token: u8) -> CatalogCommand {
    CatalogCommand::Member(MemberCommand::Join { request: request(number), token: SecretHash([token; 32]) })
}

fn change(number: u128, what: u8, node: u64) -> CatalogCommand {
    let request = request(number);
    CatalogCommand::Member(match what {
        0 => MemberCommand::Drain { request, node },
        1 => MemberCommand::Undrain { request, node },
        2 => MemberCommand::Remove { request, node },
        _ => MemberCommand::Activate { node },
    })
}

fn commands() -> Vec<CatalogCommand> {
    vec![found(), invite(1, 4), join(2, 4), change(0, 3, 4), change(3, 0, 1), change(4, 1, 1), invite(5, 5), change(6, 2, 2)]
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

fn states(ledger: &CatalogLedger) -> Vec<(u64, MemberState)> {
    ledger.members().all().map(|member| (member.node, member.state)).collect()
}

#[test]
fn a_node_comes_once_and_goes_for_good() {
    let mut ledger = CatalogLedger::default();
    assert_eq!(apply(&mut ledger, 1, &invite(1, 4)), "wrong state", "nobody is noted yet");
    assert_eq!(apply(&mut ledger, 2, &found()), "done");
    let other = CatalogCommand::Member(MemberCommand::Found(vec![founder(7)]));
    assert_eq!(apply(&mut ledger, 3, &other), "done");
    assert_eq!(states(&ledger), [1, 2, 3].map(|node| (node, MemberState::Active)), "the first ones stay");
    assert_eq!(apply(&mut ledger, 4, &invite(2, 4)), "stored 4 v1");
    assert_eq!(apply(&mut ledger, 4, &invite(2, 4)), "again stored 4 v1");
    assert_eq!(apply(&mut ledger, 5, &invite(3, 4)), "wrong state", "somebody is reached there");
    assert_eq!(apply(&mut ledger, 6, &join(4, 9)), "no invitation");
    assert_eq!(apply(&mut ledger, 7, &join(5, 4)), "stored 4 v2");
    assert_eq!(apply(&mut ledger, 7, &join(5, 4)), "again stored 4 v2");
    assert_eq!(apply(&mut ledger, 8, &join(6, 4)), "no invitation", "the token is used up");
    assert_eq!(ledger.members().get(4).unwrap().state, MemberState::Joining);
    assert_eq!(apply(&mut ledger, 9, &change(0, 3, 4)), "done");
    assert_eq!(apply(&mut ledger, 9, &change(0, 3, 4)), "done");
    assert_eq!(ledger.members().get(4).unwrap().version, 3, "once");
    assert_eq!(apply(&mut ledger, 10, &change(7, 0, 4)), "stored 4 v4");
    assert_eq!(apply(&mut ledger, 11, &change(8, 0, 4)), "wrong state");
    assert_eq!(apply(&mut ledger, 12, &change(9, 1, 4)), "stored 4 v5");
    assert_eq!(apply(&mut ledger, 13, &change(10, 2, 4)), "stored 4 v6");
    assert_eq!(apply(&mut ledger, 14, &change(11, 2, 4)), "wrong state");
    assert_eq!(apply(&mut ledger, 15, &change(12, 1, 4)), "wrong state");
    assert_eq!(apply(&mut ledger, 16, &change(13, 2, 9)), "no member");
    assert_eq!(apply(&mut ledger, 17, &invite(14, 4)), "stored 5 v1", "the place is free, the number is not");
    assert_eq!(ledger.members().next(), 6);
}

#[test]
fn an_invitation_ends_and_somebody_always_decides() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, 1, &found());
    apply(&mut ledger, 2, &invite(1, 4));
    let over = Timestamp(2).plus(INVITATION_MIN).0;
    assert_eq!(apply(&mut ledger, over, &join(2, 4)), "no invitation");
    for (number, node) in [(3, 1), (4, 2)] {
        assert_eq!(apply(&mut ledger, over, &change(number, 2, node)), alloc::format!("stored {node} v2"));
    }
    assert_eq!(apply(&mut ledger, over, &change(5, 2, 3)), "wrong state");
    assert_eq!(apply(&mut ledger, over, &change(6, 0, 3)), "wrong state");
    assert_eq!(apply(&mut ledger, over, &change(7, 2, 4)), "stored 4 v2", "an invitation can be taken back");
}

#[test]
fn malformed_ones_are_pointed_at() {
    let mut ledger = CatalogLedger::default();
    let founding = |nodes: &[u64]| CatalogCommand::Member(MemberCommand::Found(nodes.iter().copied().map(founder).collect()));
    for nodes in [&[][..], &[0], &[2, 1], &[1, 1], &[u64::MAX], &(1..=65).collect::<Vec<_>>()] {
        assert_eq!(apply(&mut ledger, 1, &founding(nodes)), "malformed /founders");
    }
    apply(&mut ledger, 2, &found());
    let long = "x".repeat(256);
    for (peer, http, ttl, pointer) in [
        ("", "b", INVITATION_MIN, "malformed /peer"),
        (long.as_str(), "b", INVITATION_MIN, "malformed /peer"),
        ("a", "two words", INVITATION_MIN, "malformed /http"),
        ("a", "b", Millis(1), "malformed /ttl"),
        ("a", "b", Millis(INVITATION_MAX.0 + 1), "malformed /ttl"),
    ] {
        let (peer, http) = (peer.to_string(), http.to_string());
        let bad = MemberCommand::Invite { request: request(1), peer, http, token: SecretHash([1; 32]), ttl };
        assert_eq!(apply(&mut ledger, 3, &CatalogCommand::Member(bad)), pointer);
    }
}

#[test]
fn what_staff_did_is_noted() {
    let mut ledger = CatalogLedger::default();
    apply(&mut ledger, 1, &found());
    for command in [invite(1, 4), change(2, 0, 1), change(3, 1, 1), change(4, 2, 1)] {
        apply(&mut ledger, 2, &audited::asked(command));
    }
    let noted: Vec<(String, String)> =
        audit::page(ledger.audit(), None, 10).into_iter().map(|entry| (entry.object.clone(), entry.detail.clone())).collect();
    let expected = [("n4", "made: invited, box4:7580"), ("n1", "changed: draining"), ("n1", "changed: active"), ("n1", "changed: removed")];
    assert_eq!(noted, expected.map(|(node, what)| (node.to_string(), what.to_string())));
}

#[test]
fn the_encodings_of_nodes_are_the_same_for_ever() {
    for (number, command) in commands().iter().enumerate() {
        let bytes = golden::check(&alloc::format!("member-command-{number:02}"), &CatalogLedger::encode_command(command));
        assert_eq!(CatalogLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let snapshot = golden::check("member-snapshot", &golden::join(&frames(&lived())));
    let ledger = CatalogLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!((ledger.digest(), states(&ledger)), (lived().digest(), states(&lived())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_commands_about_nodes_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_u8..10, 0_u64..7, 0_u64..90_000_000), 1..60), cut in 0_usize..60
    ) {
        let (mut ledger, mut other, mut restored) = (CatalogLedger::default(), CatalogLedger::default(), CatalogLedger::default());
        let (cut, mut at) = (cut % steps.len(), 0);
        for (number, (choice, node, later)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = CatalogLedger::read_snapshot(&mut frames(&ledger).into_iter()).unwrap();
            }
            at += later;
            let id = number as u128 + 1;
            let command = match choice {
                0 => found(),
                1 | 2 => invite(id, node + 3),
                3 | 4 => join(id, node as u8 + 3),
                5 => audited::asked(change(id, 2, node)),
                choice => change(id, choice - 6, node),
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
