//! Tests of sessions, passwords, e-mails, keys and the cluster's identity: a table of cases, random commands, golden bytes.

use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::audit;
use crate::command::{ClusterCommand, EmailCommand, GuestCommand, KeyCommand, PasswordCommand, Scope, Scopes, SecretHash, SessionCommand};
use crate::ids::{KeyId, RequestId, SessionId};
use crate::time::Millis;

pub(super) fn hash(name: &str) -> SecretHash {
    let mut hash = [0; 32];
    hash[..name.len()].copy_from_slice(name.as_bytes());
    SecretHash(hash)
}

pub(super) fn parse(line: &Line<'_>, step: u64) -> AccountCommand {
    let request = Request { id: RequestId(line.number("r", 1000 + step).into()), fingerprint: line.number("fingerprint", 1) };
    let id = |key: &str| u128::from(line.number(key, 0));
    let (user, session) = (UserId(id("user")), SessionId(id("session")));
    let secret = |key: &str| hash(line.text(key).unwrap_or("t"));
    let (version, change) = (line.number("version", 0) as u32, line.number("change", 0) as u32);
    let password = || line.repeated("hash", "$new");
    let email = || line.repeated("email", "new@b");
    let of_session = |command| AccountCommand::Session { user, command };
    let of_password = |command| AccountCommand::Password { user, command };
    let of_email = |command| AccountCommand::Email { user, command };
    match line.verb {
        "open" => of_session(SessionCommand::Open {
            session,
            version,
            token: secret("token"),
            address: line.repeated("address", "192.0.2.1"),
            agent: line.repeated("agent", "Browser"),
        }),
        "rotate" => of_session(SessionCommand::Rotate { session, old: secret("old"), new: secret("new") }),
        "end" => of_session(SessionCommand::End { session }),
        "end-all" => of_session(SessionCommand::EndAll { request }),
        "set" => of_password(PasswordCommand::Set {
            request,
            version,
            hash: password(),
            keep: line.text("session").is_some().then_some(session),
        }),
        "rehash" => of_password(PasswordCommand::Rehash { version, hash: password() }),
        "ask-reset" => of_password(PasswordCommand::AskReset { token: secret("token") }),
        "reset" => of_password(PasswordCommand::Reset { request, token: secret("token"), hash: password() }),
        "ask" => of_email(EmailCommand::Ask { email: email(), token: secret("token") }),
        "confirm" => of_email(EmailCommand::Confirm { token: secret("token") }),
        "reserve" => of_email(EmailCommand::Reserve { email: email(), change }),
        "switch" => of_email(EmailCommand::Switch { change }),
        "abandon" => of_email(EmailCommand::Abandon { change }),
        "release" => of_email(EmailCommand::Release { email: email(), change }),
        "settle" => of_email(EmailCommand::Settle { change }),
        "key" => {
            let scopes = if line.text("scopes").is_some() { Scopes::default() } else { [Scope::Book, Scope::Scan].into_iter().collect() };
            let expires_at = line.text("until_s").map(|_| Timestamp(line.number("until_s", 0) * 1_000_000));
            let (name, secret, key) = (line.repeated("name", "Gate 4"), secret("token"), KeyId(id("key")));
            AccountCommand::Key { user, command: KeyCommand::Create { request, key, name, secret, scopes, expires_at } }
        }
        "revoke" => AccountCommand::Key { user, command: KeyCommand::Revoke { key: KeyId(id("key")), actor: UserId(id("actor")) } },
        "claim" => AccountCommand::Cluster(ClusterCommand::Claim { user }),
        "rotate-key" => {
            let overlap = Millis::from_secs(line.number("overlap_s", 900));
            AccountCommand::Cluster(ClusterCommand::RotateKey { request, actor: user, overlap })
        }
        "set-role" => {
            let role = if line.text("role") == Some("admin") { Role::Admin } else { Role::Gate };
            AccountCommand::SetRole { request, user, role, actor: Some(UserId(id("actor"))) }
        }
        _ => super::guests::parse(line, step).unwrap_or_else(|| command(line, step)),
    }
}

fn show(ledger: &AccountLedger, line: &Line<'_>, at: Timestamp) -> Option<String> {
    let user = UserId(line.number("user", 0).into());
    Some(match line.verb {
        "sessions" => {
            let account = ledger.user(user)?;
            let live = account.sessions.iter().filter(|session| account.session(session.id, at).is_some());
            live.map(|session| session.id.0.to_string()).collect::<Vec<_>>().join(" ")
        }
        "version" => ledger.user(user)?.version.to_string(),
        "password" => ledger.user(user)?.password_hash.clone(),
        "email" => ledger.user(user)?.email.to_string(),
        "pointer" => ledger.pointer(line.text("email")?).map_or("none".into(), |pointer| format!("{} {}", pointer.user.0, pointer.change)),
        "moving" => ledger.moving().map(|user| user.0.to_string()).collect::<Vec<_>>().join(" "),
        "has-key" => ledger.user(user)?.key(hash(line.text("token")?), at).map_or("none".into(), |key| format!("{:?}", key.scopes)),
        "epochs" => {
            let live = ledger.identity().live_epochs(at);
            live.iter().map(|epoch| epoch.number.to_string()).collect::<Vec<_>>().join(" ")
        }
        "audit" => audit::page(ledger.audit(), None, 100).iter().map(|entry| format!("{:?}", entry.action)).collect::<Vec<_>>().join(" "),
        "uninvited" => ledger.uninvited().map(|(user, orders)| format!("{}:{orders}", user.0)).collect::<Vec<_>>().join(" "),
        "heir" => ledger.user(user)?.heir.map_or("none".into(), |heir| heir.0.to_string()),
        "known" => {
            if ledger.user(user).is_some() {
                "yes".into()
            } else {
                "no".into()
            }
        }
        _ => return view(ledger, line),
    })
}

pub(super) struct Bench {
    pub(super) ledger: AccountLedger,
    at: u64,
    step: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { ledger: AccountLedger::default(), at: 0, step: 0 }
    }

    pub(super) fn run(&mut self, line: &Line<'_>) -> String {
        if line.verb == "wait" {
            self.at += line.number("s", 0) * 1_000_000;
            return String::new();
        }
        if let Some(seen) = show(&self.ledger, line, Timestamp(self.at)) {
            return seen;
        }
        self.step += 1;
        self.at += 1;
        let answer = self.ledger.apply(Timestamp(self.at), &parse(line, self.step), &mut vec![]);
        self.ledger.check_invariants().unwrap();
        words(&answer)
    }
}

#[test]
fn the_table_of_identity() {
    let table = include_str!("../../../tests/tables/identity.txt");
    assert!(tables::run("identity.txt", table, Bench::new, |bench, line| bench.run(line)) > 90);
}

/// Lines that together use everything; also what the random commands are drawn from. Golden files follow their order: add at
/// the end.
const IDENTITY: [&str; 37] = [
    "register user=1 email=a@b =>",
    "register user=2 email=c@d role=coordinator =>",
    "open user=1 session=5 token=a =>",
    "open user=1 session=6 token=b =>",
    "open user=2 session=7 token=c =>",
    "rotate user=1 session=5 old=a new=a2 =>",
    "rotate user=1 session=5 old=a2 new=a3 =>",
    "rotate user=1 session=6 old=x new=y =>",
    "end user=2 session=7 =>",
    "end-all user=2 =>",
    "set user=1 version=0 session=5 =>",
    "set user=1 version=1 hash=$third =>",
    "rehash user=1 version=1 hash=$again =>",
    "ask-reset user=1 token=r =>",
    "ask-reset user=2 token=q =>",
    "reset user=1 token=r hash=$reset =>",
    "ask user=1 email=e@f token=m =>",
    "confirm user=1 token=m =>",
    "reserve user=1 email=e@f change=1 =>",
    "switch user=1 change=1 =>",
    "ask user=1 email=g@h token=n =>",
    "confirm user=1 token=n =>",
    "reserve user=1 email=g@h change=2 =>",
    "switch user=1 change=2 =>",
    "release user=1 email=e@f change=2 =>",
    "settle user=1 change=2 =>",
    "abandon user=2 change=1 =>",
    "ask user=2 email=k@l token=o =>",
    "confirm user=2 token=o =>",
    "key user=1 key=50 token=k =>",
    "key user=1 key=51 token=l until_s=9000 =>",
    "revoke user=1 key=51 actor=2 =>",
    "claim user=2 =>",
    "rotate-key user=2 overlap_s=900 =>",
    "set-role user=1 role=gate actor=2 =>",
    "set-role user=1 role=admin actor=2 =>",
    "open user=1 session=8 token=z version=5 =>",
];

fn commands_of_identity() -> Vec<AccountCommand> {
    let mut all = vec![];
    let mut keep = |step: &mut u64, line: &Line<'_>| {
        *step += 1;
        all.push(parse(line, *step));
        String::new()
    };
    tables::run("identity lines", &IDENTITY.join("\n"), || 0, |step, line| keep(step, line));
    all
}

fn full_of_identity() -> AccountLedger {
    let mut ledger = AccountLedger::default();
    for (step, command) in commands_of_identity().iter().enumerate() {
        ledger.apply(Timestamp(step as u64), command, &mut vec![]);
        ledger.check_invariants().unwrap();
    }
    ledger
}

pub(super) fn with_request(command: &mut AccountCommand, new: Request) {
    match command {
        AccountCommand::Register { request, .. }
        | AccountCommand::SetRole { request, .. }
        | AccountCommand::Session { command: SessionCommand::EndAll { request }, .. }
        | AccountCommand::Password { command: PasswordCommand::Set { request, .. } | PasswordCommand::Reset { request, .. }, .. }
        | AccountCommand::Key { command: KeyCommand::Create { request, .. }, .. }
        | AccountCommand::Guest { command: GuestCommand::Claim { request, .. }, .. }
        | AccountCommand::Cluster(ClusterCommand::RotateKey { request, .. }) => *request = new,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_commands_of_identity_keep_the_invariants_and_replay_to_the_same_digest(
        steps in proptest::collection::vec((0_usize..37, 0_u64..60, 0_u64..400_000_000), 1..150), cut in 0_usize..150
    ) {
        let all = commands_of_identity();
        let cut = cut % steps.len();
        let (mut ledger, mut other) = (AccountLedger::default(), AccountLedger::default());
        let mut restored = AccountLedger::default();
        let mut at = 0;
        for (number, (choice, key, wait)) in steps.into_iter().enumerate() {
            if number == cut {
                restored = AccountLedger::read_snapshot(&mut frames(&ledger.clone()).into_iter()).unwrap();
            }
            at += wait;
            let mut command = all[choice].clone();
            with_request(&mut command, Request { id: RequestId(u128::from(key)), fingerprint: choice as u64 });
            let command = super::audited::wrapped(command, key);
            let bytes = AccountLedger::encode_command(&command);
            prop_assert_eq!(&AccountLedger::decode_command(&bytes), &Ok(command.clone()));
            let answer = ledger.apply(Timestamp(at), &command, &mut vec![]);
            prop_assert_eq!(AccountLedger::decode_answer(&AccountLedger::encode_answer(&answer)), Ok(answer.clone()));
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

#[test]
fn the_encodings_of_identity_are_the_same_for_ever() {
    for (number, command) in commands_of_identity().iter().enumerate() {
        let bytes = golden::check(&format!("identity-command-{number:02}"), &AccountLedger::encode_command(command));
        assert_eq!(AccountLedger::decode_command(&bytes).as_ref(), Ok(command));
    }
    let outcomes =
        [AccountOutcome::SessionEnded, AccountOutcome::VersionRaised { version: 7 }, AccountOutcome::KeyCreated { key: KeyId(1 << 90) }];
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let answer = Answer { outcome, replayed: false };
        let bytes = golden::check(&format!("identity-answer-{number:02}"), &AccountLedger::encode_answer(&answer));
        assert_eq!(AccountLedger::decode_answer(&bytes), Ok(answer));
    }
    let snapshot = golden::check("identity-snapshot", &golden::join(&frames(&full_of_identity())));
    let ledger = AccountLedger::read_snapshot(&mut golden::split(&snapshot).into_iter()).unwrap();
    assert_eq!(ledger.digest(), full_of_identity().digest());
}

#[test]
fn sessions_are_bounded_and_the_one_used_longest_ago_makes_room() {
    let mut ledger = AccountLedger::default();
    ledger.apply(Timestamp(0), &commands_of_identity()[0], &mut vec![]);
    for number in 0..SESSIONS_MAX as u64 + 3 {
        let (session, token) = (SessionId(number.into()), hash(&number.to_string()));
        let command = SessionCommand::Open { session, version: 0, token, address: String::new(), agent: String::new() };
        ledger.apply(Timestamp(1 + number), &AccountCommand::Session { user: UserId(1), command }, &mut vec![]);
    }
    let account = ledger.user(UserId(1)).unwrap();
    assert_eq!(account.sessions.len(), SESSIONS_MAX);
    assert_eq!(account.sessions[0].id, SessionId(3));
}

#[test]
fn secrets_do_not_print() {
    let printed = format!("{:?}", commands_of_identity()[2]);
    assert!(printed.contains("SecretHash(..)"), "{printed}");
}
