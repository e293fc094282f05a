//! Accounts, and a read model of their orders and tickets that the event groups' outboxes feed.
//!
//! Records are kept for users that are not here too: a group that was restored to an earlier time gets its accounts
//! back later. A record that comes twice, or late, changes nothing.

mod check;
mod holdings;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message;

use crate::change::Change;
use crate::codec::frame::{FrameReader, FrameWriter, Header, REMEMBERED};
use crate::codec::{CodecError, account as codec, common, envelope};
use crate::command::{AccountCommand, Delivery, OrderRecord, Role, TicketRecord};
use crate::cow::CowMap;
use crate::digest::{Accumulator, RecordHasher};
use crate::ids::{OrderId, Request, TicketId, UserId};
use crate::machine::{Digest, Machine};
use crate::outcome::{AccountOutcome, Answer, Rejection};
use crate::requests::Requests;
use crate::time::Timestamp;

pub use check::{EMAIL_BYTES_MAX, NAME_BYTES_MAX, PASSWORD_HASH_BYTES_MAX, RECORDS_MAX};
use holdings::Holdings;

const MACHINE: &str = "accounts";

/// Snapshot kinds, and tags of the digest.
const ACCOUNT: u8 = 16;
const TICKET: u8 = 17;
const ORDER: u8 = 18;
const CLOCK: u32 = 15;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Normalised, unique in the group.
    pub email: Arc<str>,
    /// For people.
    pub name: String,
    /// The password's hash in PHC form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// The state of a user group.
#[derive(Clone, Debug, Default)]
pub struct AccountLedger {
    at: Timestamp,
    accounts: CowMap<UserId, Arc<Account>>,
    emails: CowMap<Arc<str>, UserId>,
    holdings: CowMap<UserId, Arc<Holdings>>,
    requests: Requests,
    /// Of accounts, tickets and orders; requests keep their own.
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

    /// The account with this normalised e-mail.
    #[must_use]
    pub fn user_by_email(&self, email: &str) -> Option<&Account> {
        self.user(*self.emails.get(email)?)
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
        self.requests.remember(request, self.at, &codec::encode_answer(&answer));
        answer
    }

    fn register(&mut self, account: Account, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        if self.emails.contains(&*account.email) {
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

    fn set_role(&mut self, user: UserId, role: Role, changes: &mut Vec<Change>) -> Result<AccountOutcome, Rejection> {
        let old = self.accounts.get(&user).ok_or_else(|| Rejection::NotFound { what: "user".into() })?;
        if old.role != role {
            let new = Account { role, ..Account::clone(old) };
            self.store(new);
            changes.push(Change::Account { user });
        }
        Ok(AccountOutcome::Done)
    }

    /// Puts an account in the place of the one with its id.
    fn store(&mut self, account: Account) {
        if let Some(old) = self.accounts.get(&account.id) {
            self.digest.remove(hash_account(old));
        }
        self.digest.add(hash_account(&account));
        self.emails.insert(Arc::clone(&account.email), account.id);
        self.accounts.insert(account.id, Arc::new(account));
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
        match record {
            Delivery::Ticket(ticket) => holdings.put_ticket(ticket, &mut self.digest),
            Delivery::Order(order) => holdings.put_order(order, &mut self.digest),
        }
    }

    fn read_record(&mut self, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
        let stored = match kind {
            REMEMBERED => return self.requests.read_record(bytes),
            ACCOUNT => {
                let account = codec::read_account(envelope::exact(bytes)?)?;
                let new = !self.accounts.contains(&account.id) && !self.emails.contains(&*account.email);
                self.store(account);
                new
            }
            TICKET => self.put(&Delivery::Ticket(common::read_ticket(envelope::exact(bytes)?)?)),
            ORDER => self.put(&Delivery::Order(common::read_order(envelope::exact(bytes)?)?)),
            _ => return Err(CodecError::Unknown(format!("record kind {kind} of the accounts"))),
        };
        if stored { Ok(()) } else { Err(CodecError::broken("a record twice")) }
    }
}

impl Machine for AccountLedger {
    type Command = AccountCommand;
    type Outcome = AccountOutcome;

    fn apply(&mut self, at: Timestamp, command: &AccountCommand, changes: &mut Vec<Change>) -> Answer<AccountOutcome> {
        self.at = self.at.max(at);
        self.requests.prune(self.at);
        match command {
            AccountCommand::Register { request, user, email, name, password_hash, role } => {
                let well_formed = check::register(email, name, password_hash);
                self.once(*request, well_formed, |ledger| {
                    let (email, name) = (Arc::from(email.as_str()), name.clone());
                    let (password_hash, opened_at) = (password_hash.clone(), ledger.at);
                    ledger.register(Account { id: *user, email, name, password_hash, role: *role, opened_at }, changes)
                })
            }
            AccountCommand::SetRole { request, user, role } => self.once(*request, Ok(()), |ledger| ledger.set_role(*user, *role, changes)),
            AccountCommand::Deliver { records } => answer(check::deliver(records).map(|()| {
                self.deliver(records, changes);
                AccountOutcome::Done
            })),
            AccountCommand::Pulse => answer(Ok(AccountOutcome::Done)),
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.merge(self.requests.accumulator());
        digest.add(RecordHasher::new(CLOCK).u64(self.at.0).u64(self.requests.limit()).finish());
        digest.digest()
    }

    fn check_invariants(&self) -> Result<(), String> {
        self.requests.check_invariants()?;
        let mut digest = Accumulator::default();
        for (id, account) in self.accounts.sorted() {
            digest.add(hash_account(account));
            if account.id != *id || self.emails.get(&*account.email) != Some(id) {
                return Err(format!("account {id} is not found by its e-mail"));
            }
        }
        if self.emails.len() != self.accounts.len() {
            return Err(format!("{} e-mails of {} accounts", self.emails.len(), self.accounts.len()));
        }
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

#[cfg(test)]
mod tests;
