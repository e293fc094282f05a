//! Where accounts lie: the maps, the digest and the indexes that follow them; reading snapshots, checking invariants.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{
    ACCOUNT, AUDIT_ENTRY, AUDIT_ROOT, Account, AccountLedger, CART, CLUSTER, ClusterIdentity, DENIED_ENTRY, DENIED_ROOT, EmailStep,
    KEYS_MAX, ORDER, POINTER, Pointer, RESETS_MAX, SESSIONS_MAX, TICKET, hash_account, hash_identity, hash_pointer, no,
};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::codec::frame::REMEMBERED;
use crate::codec::{CodecError, account as codec, cart, common, envelope, identity};
use crate::command::{Delivery, Role};
use crate::digest::Accumulator;
use crate::ids::UserId;
use crate::outcome::{AccountOutcome, Rejection};
use crate::time::Timestamp;

impl Account {
    /// An account as it is opened.
    pub(super) fn new(id: UserId, email: Arc<str>, name: String, password_hash: String, role: Role, opened_at: Timestamp) -> Self {
        let (sessions, keys, resets) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            id,
            email,
            name,
            password_hash,
            role,
            opened_at,
            version: 0,
            sessions,
            keys,
            resets,
            moved: false,
            email_changes: 0,
            email_change: None,
            heir: None,
            invited: 0,
        }
    }

    fn is_moving(&self) -> bool {
        let step = self.email_change.as_ref().map(|change| change.step);
        matches!(step, Some(EmailStep::Reserving | EmailStep::Releasing))
    }

    /// Whether it is found by the first address that it had.
    fn has_first_address(&self) -> bool {
        !self.moved && self.role != Role::Guest
    }

    fn is_bounded(&self) -> bool {
        self.sessions.len() <= SESSIONS_MAX && self.keys.len() <= KEYS_MAX && self.resets.len() <= RESETS_MAX
    }
}

impl AccountLedger {
    /// Changes an account that is here; nothing is stored when `act` refuses or changes nothing.
    pub(super) fn change(
        &mut self,
        user: UserId,
        changes: &mut Vec<Change>,
        act: impl FnOnce(&mut Account) -> Result<AccountOutcome, Rejection>,
    ) -> Result<AccountOutcome, Rejection> {
        let old = self.accounts.get(&user).ok_or_else(|| no("user"))?;
        let mut new = Account::clone(old);
        let outcome = act(&mut new)?;
        if new != **old {
            self.store(new);
            changes.push(Change::Account { user });
        }
        Ok(outcome)
    }

    /// Notes who did what.
    pub(super) fn note(&mut self, actor: Option<UserId>, action: AuditAction, object: String, detail: &str) {
        self.audit.push(self.at, actor, action, &object, detail, &self.asked_from);
    }

    /// Puts an account in the place of the one with its id.
    pub(super) fn store(&mut self, account: Account) {
        if let Some(old) = self.accounts.get(&account.id) {
            self.digest.remove(hash_account(old));
        }
        self.digest.add(hash_account(&account));
        if account.has_first_address() {
            self.emails.insert(Arc::clone(&account.email), account.id);
        }
        if account.is_moving() {
            self.moving.insert(account.id);
        } else {
            self.moving.remove(&account.id);
        }
        let user = account.id;
        self.accounts.insert(user, Arc::new(account));
        self.note_guest(user);
    }

    pub(super) fn put_pointer(&mut self, email: Arc<str>, pointer: Pointer) {
        self.remove_pointer(&email);
        self.digest.add(hash_pointer(&email, pointer));
        self.pointers.insert(email, pointer);
    }

    pub(super) fn remove_pointer(&mut self, email: &str) {
        if let Some(old) = self.pointers.remove(email) {
            self.digest.remove(hash_pointer(email, old));
        }
    }

    pub(super) fn set_identity(&mut self, identity: ClusterIdentity) {
        if self.identity != ClusterIdentity::default() {
            self.digest.remove(hash_identity(&self.identity));
        }
        self.identity = identity;
        if self.identity != ClusterIdentity::default() {
            self.digest.add(hash_identity(&self.identity));
        }
    }

    /// Takes in one record of a snapshot.
    pub(super) fn read_record(&mut self, kind: u8, bytes: &[u8]) -> Result<(), CodecError> {
        let stored = match kind {
            REMEMBERED => return self.requests.read_record(bytes),
            AUDIT_ROOT => return self.audit.read_root(bytes),
            AUDIT_ENTRY => return self.audit.read_entry(bytes),
            DENIED_ROOT => return self.denied.read_root(bytes),
            DENIED_ENTRY => return self.denied.read_entry(bytes),
            ACCOUNT => {
                let account = codec::read_account(envelope::exact(bytes)?)?;
                let free = !account.has_first_address() || !self.emails.contains(&*account.email);
                let new = free && !self.accounts.contains(&account.id);
                self.store(account);
                new
            }
            TICKET => self.put(&Delivery::Ticket(common::read_ticket(envelope::exact(bytes)?)?)),
            ORDER => self.put(&Delivery::Order(common::read_order(envelope::exact(bytes)?)?)),
            CART => self.carts.store(cart::read_cart(envelope::exact(bytes)?)?),
            POINTER => {
                let (email, pointer) = identity::read_pointer(envelope::exact(bytes)?)?;
                let new = !self.pointers.contains(&*email);
                self.put_pointer(email, pointer);
                new
            }
            CLUSTER => {
                let new = self.identity == ClusterIdentity::default();
                self.set_identity(identity::read_cluster(envelope::exact(bytes)?)?);
                new
            }
            _ => return Err(CodecError::Unknown(format!("record kind {kind} of the accounts"))),
        };
        if stored { Ok(()) } else { Err(CodecError::broken("a record twice")) }
    }

    /// Checks accounts, addresses and the cluster's identity; gives their digest.
    pub(super) fn check_accounts(&self) -> Result<Accumulator, String> {
        let mut digest = Accumulator::default();
        let mut moving = BTreeSet::new();
        let mut first_addresses = 0;
        for (id, account) in self.accounts.sorted() {
            digest.add(hash_account(account));
            let found = !account.has_first_address() || self.emails.get(&*account.email) == Some(id);
            if account.id != *id || !found {
                return Err(format!("account {id} is not found by its e-mail"));
            }
            if !account.is_bounded() {
                return Err(format!("account {id} has too many sessions, keys or links"));
            }
            first_addresses += usize::from(account.has_first_address());
            if account.is_moving() {
                moving.insert(*id);
            }
        }
        if self.emails.len() != first_addresses {
            return Err(format!("{} e-mails of {first_addresses} accounts", self.emails.len()));
        }
        self.check_guests()?;
        if moving != self.moving {
            return Err(String::from("the list of accounts that change their e-mail is another"));
        }
        for (email, pointer) in self.pointers.sorted() {
            digest.add(hash_pointer(email, *pointer));
            if self.emails.contains(&**email) {
                return Err(format!("an e-mail of two accounts, one of them {}", pointer.user));
            }
        }
        if self.identity != ClusterIdentity::default() {
            digest.add(hash_identity(&self.identity));
        }
        Ok(digest)
    }
}
