//! Accounts, and a read model of their orders and tickets that the event groups' outboxes feed.
//!
//! Records are kept for users that are not here too: a group that was restored to an earlier time gets its accounts
//! back later. A record that comes twice, or late, changes nothing.

mod account;
mod carts;
mod check;
mod cluster;
mod emails;
mod guests;
mod holdings;
mod keys;
mod passwords;
mod sessions;
mod store;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message;

use crate::audit::{Audit, AuditAction};
use crate::change::Change;
use crate::codec::frame::{FrameReader, FrameWriter, Header};
use crate::codec::{CodecError, account as codec, cart as cart_codec, common, identity};
use crate::command::{AccountCommand, Delivery, OrderRecord, Role};
use crate::cow::CowMap;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{OrderId, Request, TicketId, UserId, text};
use crate::machine::{Digest, Machine};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::requests::Requests;
use crate::tickets::TicketRecord;
use crate::time::Timestamp;

pub use account::{Account, EmailChange, EmailStep, Key, Reset, Session};
pub use carts::Carts;
pub use check::{
    ADDRESS_BYTES_MAX, AGENT_BYTES_MAX, EMAIL_BYTES_MAX, KEY_NAME_BYTES_MAX, NAME_BYTES_MAX, PASSWORD_HASH_BYTES_MAX, RECORDS_MAX,
};
pub use cluster::{ClusterIdentity, KEY_EPOCHS_MAX, KeyEpoch};
pub use emails::EMAIL_LINK_LIFE;
pub use guests::{GUEST_LIFE, GUEST_LINK_LIFE};
use holdings::Holdings;
pub use keys::KEYS_MAX;
pub use passwords::{RESET_LIFE, RESETS_MAX};
pub use sessions::{ROTATION_REPEAT, SESSION_LIFE, SESSIONS_MAX};

const MACHINE: &str = "accounts";

/// Snapshot kinds, and tags of the digest.
const ACCOUNT: u8 = 16;
const TICKET: u8 = 17;
const ORDER: u8 = 18;
const POINTER: u8 = 19;
const CLUSTER: u8 = 20;
const AUDIT_ROOT: u8 = 21;
const AUDIT_ENTRY: u8 = 22;
const DENIED_ROOT: u8 = 40;
const DENIED_ENTRY: u8 = 41;
const CART: u8 = 23;
const CLOCK: u32 = 15;

/// Where the account of an address is, if the address is not the account's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The account, perhaps of another group.
    pub user: UserId,
    /// Which of the account's changes reserved the address.
    pub change: u32,
}

/// The state of a user group.
#[derive(Clone, Debug, Default)]
pub struct AccountLedger {
    at: Timestamp,
    accounts: CowMap<UserId, Arc<Account>>,
    /// First addresses of accounts that still have them.
    emails: CowMap<Arc<str>, UserId>,
    /// Other addresses.
    pointers: CowMap<Arc<str>, Pointer>,
    /// Accounts whose change of e-mail is to be carried on.
    moving: BTreeSet<UserId>,
    /// Guests by when they came, but for those who bought something.
    guests: BTreeSet<(Timestamp, UserId)>,
    /// Guests with orders that no letter told of.
    uninvited: BTreeSet<UserId>,
    identity: ClusterIdentity,
    audit: Audit,
    /// What was asked for and not allowed.
    denied: Audit,
    /// Where the command under way comes from; empty between commands.
    asked_from: String,
    holdings: CowMap<UserId, Arc<Holdings>>,
    carts: Carts,
    requests: Requests,
    /// Of accounts, pointers, the cluster's identity, tickets and orders; requests, audit and carts keep their own.
    digest: Accumulator,
}

/// What readers ask.
impl AccountLedger {
    /// Accounts that remember at most this many requests; the same number on every replica.
    #[must_use]
    pub fn with_request_limit(limit: u64) -> Self {
        Self { requests: Requests::with_limit(limit), ..Self::default() }
    }

    /// The stamp of the last applied entry.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How many accounts there are.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.accounts.len()
    }

    /// An account.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&Account> {
        self.accounts.get(&id).map(|account| &**account)
    }

    /// The account of this group whose first and present e-mail this is, normalised.
    #[must_use]
    pub fn user_by_email(&self, email: &str) -> Option<&Account> {
        self.user(*self.emails.get(email)?)
    }

    /// Where the account with this normalised e-mail is, if the address is not its first.
    #[must_use]
    pub fn pointer(&self, email: &str) -> Option<Pointer> {
        self.pointers.get(email).copied()
    }

    /// Accounts whose change of e-mail is to be carried on.
    pub fn moving(&self) -> impl Iterator<Item = UserId> {
        self.moving.iter().copied()
    }

    /// Guests with orders that no letter told of, and how many orders each has.
    pub fn uninvited(&self) -> impl Iterator<Item = (UserId, u32)> {
        self.uninvited.iter().map(|&user| (user, self.order_count(user)))
    }

    /// How many orders a user has.
    fn order_count(&self, user: UserId) -> u32 {
        self.holdings.get(&user).map_or(0, |holdings| holdings.orders().len() as u32)
    }

    /// What the cluster as a whole has one of.
    #[must_use]
    pub fn identity(&self) -> &ClusterIdentity {
        &self.identity
    }

    /// Who did what in this group.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Who asked for what they may not do.
    #[must_use]
    pub fn denied(&self) -> &Audit {
        &self.denied
    }

    /// A page of a user's tickets, the newest first, void ones too: those after `after` in that order, at most `limit`.
    #[must_use]
    pub fn tickets_of(&self, user: UserId, after: Option<TicketId>, limit: usize) -> Vec<&TicketRecord> {
        let all = self.holdings.get(&user).into_iter().flat_map(|holdings| holdings.tickets_before(after));
        all.take(limit).collect()
    }

    /// A ticket of a user.
    #[must_use]
    pub fn ticket(&self, user: UserId, id: TicketId) -> Option<&TicketRecord> {
        self.holdings.get(&user)?.ticket(id)
    }

    /// A page of a user's orders, as [`AccountLedger::tickets_of`].
    #[must_use]
    pub fn orders_of(&self, user: UserId, after: Option<OrderId>, limit: usize) -> Vec<&OrderRecord> {
        let all = self.holdings.get(&user).into_iter().flat_map(|holdings| holdings.orders_before(after));
        all.take(limit).collect()
    }

    /// An order of a user.
    #[must_use]
    pub fn order(&self, user: UserId, id: OrderId) -> Option<&OrderRecord> {
        self.holdings.get(&user)?.order(id)
    }

    /// How many requests are remembered.
    #[must_use]
    pub fn remembered_requests(&self) -> u64 {
        self.requests.len()
    }

    /// What a request was answered, if it is remembered: its first answer, or the refusal of another fingerprint.
    #[must_use]
    pub fn first_answer(&self, request: Request) -> Option<Answer<AccountOutcome>> {
        match self.requests.admit(request, codec::decode_answer) {
            Err(Rejection::RequestsFull) => None,
            Err(rejection) => Some(rejected(rejection)),
            Ok(first) => first,
        }
    }
}

fn no(what: &str) -> Rejection {
    Rejection::NotFound { what: what.into() }
}

fn rejected(rejection: Rejection) -> Answer<AccountOutcome> {
    Answer { outcome: AccountOutcome::Rejected(rejection), replayed: false }
}

fn answer(outcome: Result<AccountOutcome, Rejection>) -> Answer<AccountOutcome> {
    outcome.map_or_else(rejected, |outcome| Answer { outcome, replayed: false })
}

impl AccountLedger {
    /// Does what a request asks, once: a repeat gets the first answer.
    fn once(
        &mut self,
        request: Request,
        well_formed: Result<(), Rejection>,
        act: impl FnOnce(&mut Self) -> Result<AccountOutcome, Rejection>,
    ) -> Answer<AccountOutcome> {
        match well_formed.and_then(|()| self.requests.admit(request, codec::decode_answer)) {
            Err(rejection) => return rejected(rejection),
            Ok(Some(first)) => return first,
            Ok(None) => {}
        }
        let answer = answer(act(self));
        self.requests.remember(request, self.at, |bytes| bytes.extend_from_slice(&codec::encode_answer(&answer)));
        answer
    }

    fn register(&mut self, account: Account, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        if self.emails.contains(&*account.email) || self.pointers.contains(&*account.email) {
            return Err(Rejection::EmailTaken);
        }
        if self.accounts.contains(&account.id) {
            return Err(Rejection::WrongState { detail: "an account with this id exists".into() });
        }
        let user = account.id;
        self.store(account);
        changes.push(Change::Account { user });
        Ok(AccountOutcome::Registered { user })
    }

    fn set_role(
        &mut self,
        user: UserId,
        role: Role,
        actor: Option<UserId>,
        changes: &mut Vec<Change>,
    ) -> Result<AccountOutcome, Rejection> {
        let old = self.user(user).ok_or_else(|| no("user"))?.role;
        if old == role {
            return Ok(AccountOutcome::Done);
        }
        if old == Role::Guest || role == Role::Guest {
            return Err(Rejection::WrongState {
                detail: "a guest becomes a customer by the link in their mailbox, and nobody becomes a guest".into(),
            });
        }
        let done = self.change(user, changes, |account| {
            account.role = role;
            account.version = account.version.saturating_add(u32::from(actor.is_some()));
            Ok(AccountOutcome::Done)
        })?;
        if actor.is_some() {
            self.note(actor, AuditAction::RoleChanged, text(user), &format!("{old:?} -> {role:?}"));
        }
        Ok(done)
    }

    fn deliver(&mut self, records: &[Delivery], changes: &mut Vec<Change>) {
        let mut touched = BTreeSet::new();
        for record in records {
            if self.put(record) {
                touched.insert(match record {
                    Delivery::Ticket(ticket) => ticket.user,
                    Delivery::Order(order) => order.user,
                });
            }
        }
        changes.extend(touched.into_iter().map(|user| Change::Account { user }));
    }

    /// Stores a record; a known one costs a look, not a copy of what a snapshot shares.
    fn put(&mut self, record: &Delivery) -> bool {
        let (user, known) = match record {
            Delivery::Ticket(ticket) => {
                let known = |holdings: &Arc<Holdings>| holdings.knows_ticket(ticket.id, ticket.epoch);
                (ticket.user, self.holdings.get(&ticket.user).is_some_and(known))
            }
            Delivery::Order(order) => {
                let known = |holdings: &Arc<Holdings>| holdings.knows_order(order.id, order.revision);
                (order.user, self.holdings.get(&order.user).is_some_and(known))
            }
        };
        if known {
            return false;
        }
        let holdings = Arc::make_mut(self.holdings.get_or_insert_with(user, Arc::default));
        let stored = match record {
            Delivery::Ticket(ticket) => holdings.put_ticket(ticket, &mut self.digest),
            Delivery::Order(order) => holdings.put_order(order, &mut self.digest),
        };
        self.note_guest(user);
        stored
    }
}

impl AccountLedger {
    fn carry_out(&mut self, command: &AccountCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        match command {
            AccountCommand::Register { request, user, email, name, password_hash, role } => {
                let well_formed = check::register(email, name, password_hash).and_then(|()| check::not_guest(*role));
                self.once(*request, well_formed, |ledger| {
                    let (email, name) = (Arc::from(email.as_str()), name.clone());
                    let (password_hash, opened_at) = (password_hash.clone(), ledger.at);
                    ledger.register(Account::new(*user, email, name, password_hash, *role, opened_at), changes)
                })
            }
            AccountCommand::SetRole { request, user, role, actor } => {
                self.once(*request, Ok(()), |ledger| ledger.set_role(*user, *role, *actor, changes))
            }
            AccountCommand::Deliver { records } => answer(check::deliver(records).map(|()| {
                self.deliver(records, changes);
                AccountOutcome::Done
            })),
            AccountCommand::Pulse => answer(Ok(AccountOutcome::Done)),
            // A guest has no password, no keys, and one e-mail for good.
            AccountCommand::Password { user, .. } | AccountCommand::Email { user, .. } | AccountCommand::Key { user, .. }
                if self.is_guest(*user) =>
            {
                rejected(no("user"))
            }
            AccountCommand::Session { user, command } => self.session(*user, command, changes),
            AccountCommand::Password { user, command } => self.password(*user, command, changes),
            AccountCommand::Email { user, command } => self.email(*user, command, changes),
            AccountCommand::Guest { user, command } => self.guest(*user, command, changes),
            AccountCommand::Key { user, command } => self.key(*user, command, changes),
            AccountCommand::Cluster(command) => self.cluster(command),
            AccountCommand::Cart { user, cart, command } => self.cart(*user, *cart, command, changes),
            AccountCommand::Audited(_) => rejected(check::malformed("", "an audited command in an audited one")),
            AccountCommand::Denied { actor, address, what, times } => {
                let detail = format!("{times} times");
                self.denied.push(self.at, Some(*actor), AuditAction::RequestDenied, what, &detail, address);
                answer(Ok(AccountOutcome::Done))
            }
        }
    }
}

impl Machine for AccountLedger {
    type Command = AccountCommand;
    type Outcome = AccountOutcome;

    fn apply(&mut self, at: Timestamp, command: &AccountCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        self.at = self.at.max(at);
        self.requests.prune(self.at);
        self.expire_carts(changes);
        match command {
            AccountCommand::Audited(asked) => {
                self.asked_from.clone_from(&asked.address);
                let answer = self.carry_out(&asked.command, changes);
                self.asked_from.clear();
                answer
            }
            plain => self.carry_out(plain, changes),
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.carts.first_due()
    }

    fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.merge(self.requests.accumulator());
        digest.merge(self.audit.accumulator());
        digest.merge(self.denied.accumulator());
        digest.merge(self.carts.accumulator());
        digest.add(RecordHasher::new(CLOCK).u64(self.at.0).u64(self.requests.limit()).finish());
        digest.digest()
    }

    fn check_invariants(&self) -> Result<(), String> {
        self.requests.check_invariants()?;
        self.audit.check()?;
        self.denied.check()?;
        self.carts.check()?;
        let mut digest = self.check_accounts()?;
        self.holdings.sorted().into_iter().try_for_each(|(user, holdings)| holdings.check(*user, &mut digest))?;
        if digest == self.digest { Ok(()) } else { Err(String::from("the digest of the accounts is another")) }
    }

    fn write_snapshot(&self, sink: &mut dyn FnMut(&[u8])) {
        let header = Header { machine: MACHINE, at: self.at, request_limit: self.requests.limit() };
        let mut writer = FrameWriter::new(sink, &header);
        self.accounts.sorted().into_iter().for_each(|(_, account)| writer.record(ACCOUNT, &codec::account(account)));
        let holdings = self.holdings.sorted();
        for (_, holdings) in &holdings {
            holdings.tickets().iter().for_each(|ticket| writer.record(TICKET, &common::ticket(ticket)));
        }
        for (_, holdings) in &holdings {
            holdings.orders().iter().for_each(|order| writer.record(ORDER, &common::order(order)));
        }
        for (email, pointer) in self.pointers.sorted() {
            writer.record(POINTER, &identity::pointer(email, *pointer));
        }
        if self.identity != ClusterIdentity::default() {
            writer.record(CLUSTER, &identity::cluster(&self.identity));
        }
        self.audit.write_snapshot(&mut writer, AUDIT_ROOT, AUDIT_ENTRY);
        self.denied.write_snapshot(&mut writer, DENIED_ROOT, DENIED_ENTRY);
        self.carts.sorted().into_iter().for_each(|(_, cart)| writer.record(CART, &cart_codec::cart(cart)));
        self.requests.write_snapshot(&mut writer);
        writer.finish(self.digest());
    }

    fn read_snapshot(frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<Self, CodecError> {
        let (mut reader, header) = FrameReader::new(frames, MACHINE)?;
        let mut ledger = Self { at: header.at, ..Self::with_request_limit(header.request_limit) };
        while let Some((kind, bytes)) = reader.next_record()? {
            ledger.read_record(kind, bytes)?;
        }
        reader.finish(ledger.digest())?;
        Ok(ledger)
    }

    fn encode_command(command: &AccountCommand) -> Vec<u8> {
        codec::encode_command(command)
    }

    fn decode_command(bytes: &[u8]) -> Result<AccountCommand, CodecError> {
        codec::decode_command(bytes)
    }

    fn encode_answer(answer: &Answer<AccountOutcome>) -> Vec<u8> {
        codec::encode_answer(answer)
    }

    fn decode_answer(bytes: &[u8]) -> Result<Answer<AccountOutcome>, CodecError> {
        codec::decode_answer(bytes)
    }

    fn malformed(detail: &str) -> Answer<AccountOutcome> {
        rejected(check::malformed("", detail))
    }

    fn pulse() -> AccountCommand {
        AccountCommand::Pulse
    }
}

/// Hashes a record by its snapshot form, so that the digest covers exactly what a snapshot holds.
fn hash_record<M: Message>(kind: u8, record: &M) -> u128 {
    RecordHasher::new(u32::from(kind)).bytes(&record.encode_to_vec()).finish()
}

fn hash_account(account: &Account) -> u128 {
    hash_record(ACCOUNT, &codec::account(account))
}

fn hash_ticket(ticket: &TicketRecord) -> u128 {
    hash_record(TICKET, &common::ticket(ticket))
}

fn hash_order(order: &OrderRecord) -> u128 {
    hash_record(ORDER, &common::order(order))
}

fn hash_pointer(email: &str, pointer: Pointer) -> u128 {
    hash_record(POINTER, &identity::pointer(email, pointer))
}

fn hash_identity(cluster: &ClusterIdentity) -> u128 {
    hash_record(CLUSTER, &identity::cluster(cluster))
}

#[cfg(test)]
mod tests;
