//! What a log entry can ask of a user group: accounts, sessions, passwords, e-mails, keys of programs, the cluster's own identity.
//!
//! Secrets never reach a command: whatever a person or a program presents is hashed at the edge, and only hashes are compared here.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Audited, CartCommand, Delivery};
use crate::ids::{CartId, KeyId, Request, SessionId, UserId};
use crate::time::{Millis, Timestamp};

/// What an account may do. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Book and keep tickets for one e-mail, without a password, until its mailbox claims them.
    Guest,
    /// Look, book, keep tickets.
    Customer,
    /// Also let people in at the door.
    Gate,
    /// Also create and run events of its own.
    Coordinator,
    /// Also run everybody's events and look after the cluster.
    Operator,
    /// Also give roles and change the signing key.
    Admin,
}

/// What a program's key may be used for. A key never does more than its owner's role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Hold and pay.
    Book,
    /// Read the owner's tickets and orders.
    Tickets,
    /// Create and run events, venues, performers.
    Events,
    /// Let people in.
    Scan,
    /// Look after the cluster.
    Operate,
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scope {
    /// All scopes, in their order.
    pub const ALL: [Self; 5] = [Self::Book, Self::Tickets, Self::Events, Self::Scan, Self::Operate];

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl Scopes {
    /// The set of these bits, scope 0 in the lowest; `None` if a bit has no scope.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        let known = Scope::ALL.iter().fold(0, |all, scope| all | scope.bit());
        (bits & !known == 0).then_some(Self(bits))
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether a scope is in it.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its scopes, in their order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |all, scope| all | scope.bit()))
    }
}

/// A 256-bit hash of a secret that somebody holds: of a refresh token, a key, a mailed link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// Commands of a user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountCommand {
    /// Open an account. An e-mail already taken is refused.
    Register {
        /// Idempotency.
        request: Request,
        /// The new account's id; its slot is the e-mail's.
        user: UserId,
        /// Normalised (trimmed, lower case), at most 254 bytes.
        email: String,
        /// For people, at most 120 bytes.
        name: String,
        /// The password's hash in PHC form.
        password_hash: String,
        /// What it may do.
        role: Role,
    },
    /// Change what an account may do. Tokens of the old role stop writing.
    SetRole {
        /// Idempotency.
        request: Request,
        /// The account.
        user: UserId,
        /// The new role.
        role: Role,
        /// Who asks; absent in commands from before actors were kept, which leave tokens alone.
        actor: Option<UserId>,
    },
    /// Records from an event group's outbox.
    Deliver {
        /// The records.
        records: Vec<Delivery>,
    },
    /// Nothing but time.
    Pulse,
    /// Sessions of an account.
    Session {
        /// Whose.
        user: UserId,
        /// What.
        command: SessionCommand,
    },
    /// The password of an account.
    Password {
        /// Whose.
        user: UserId,
        /// What.
        command: PasswordCommand,
    },
    /// The e-mail of an account, or an address of this group.
    Email {
        /// Whose.
        user: UserId,
        /// What.
        command: EmailCommand,
    },
    /// A guest's account.
    Guest {
        /// Whose.
        user: UserId,
        /// What.
        command: GuestCommand,
    },
    /// A program's key of an account.
    Key {
        /// Whose.
        user: UserId,
        /// What.
        command: KeyCommand,
    },
    /// What the cluster as a whole has one of; only in the group of slot 0.
    Cluster(ClusterCommand),
    /// What somebody asked for, with the address that they asked from.
    Audited(Audited<AccountCommand>),
    /// Somebody asked for what they may not do. Noted in the trail of denied requests; its sender bounds how many there are.
    Denied {
        /// Who.
        actor: UserId,
        /// The address that the request came from; empty = not known.
        address: String,
        /// For what, such as `POST /event`.
        what: String,
        /// How often since the last note like it, from 1.
        times: u32,
    },
    /// A cart.
    Cart {
        /// Whose.
        user: UserId,
        /// Which.
        cart: CartId,
        /// What.
        command: CartCommand,
    },
}

/// What happens to the account of a guest: somebody who buys with an e-mail and no password. Such an account is not found by its
/// e-mail, so there may be many of one address, and none of them keeps the address from anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestCommand {
    /// Opens it. Guests who bought nothing are forgotten after a while.
    Open {
        /// Normalised; its slot is the account's.
        email: String,
        /// For people, at most 120 bytes; may be empty.
        name: String,
    },
    /// A link to its tickets is about to be mailed.
    Ask {
        /// Hash of the link's token.
        token: SecretHash,
    },
    /// A letter told of so many of its orders.
    Invited {
        /// How many.
        orders: u32,
    },
    /// Somebody has the link and wants an account of their own: it becomes a customer's, unless the e-mail has an account.
    Claim {
        /// Idempotency.
        request: Request,
        /// Hash of the link's token.
        token: SecretHash,
        /// The password's hash in PHC form.
        hash: String,
    },
    /// Somebody has the link and an account with the same e-mail: the tickets go there, and the guest can do no more.
    HandOver {
        /// Hash of the link's token.
        token: SecretHash,
        /// The account.
        heir: UserId,
    },
}

/// What happens to sessions. Each is named by its id, so a repeat changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCommand {
    /// Somebody logged in. The oldest session makes room if there are too many.
    Open {
        /// The new session's id.
        session: SessionId,
        /// The account's version when its password was checked.
        version: u32,
        /// Hash of its first refresh token.
        token: SecretHash,
        /// Where from, for people; at most 64 bytes.
        address: String,
        /// With what, for people; at most 160 bytes.
        agent: String,
    },
    /// A refresh token is exchanged for the next one. An older one than the last ends the session.
    Rotate {
        /// The session.
        session: SessionId,
        /// Hash of the token that was presented.
        old: SecretHash,
        /// Hash of the next one, which follows from the old one.
        new: SecretHash,
    },
    /// One session ends.
    End {
        /// The session.
        session: SessionId,
    },
    /// All sessions end, and access tokens stop writing.
    EndAll {
        /// Idempotency.
        request: Request,
    },
}

/// What happens to a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordCommand {
    /// The owner sets another one. All sessions but one end, and access tokens stop writing.
    Set {
        /// Idempotency.
        request: Request,
        /// The account's version when its old password was checked.
        version: u32,
        /// The new hash in PHC form.
        hash: String,
        /// The session that goes on.
        keep: Option<SessionId>,
    },
    /// The same password is hashed with today's parameters.
    Rehash {
        /// The account's version when the password was checked.
        version: u32,
        /// The new hash in PHC form.
        hash: String,
    },
    /// A link to set another one is about to be mailed; good for 30 minutes.
    AskReset {
        /// Hash of the link's token.
        token: SecretHash,
    },
    /// Somebody has the link.
    Reset {
        /// Idempotency.
        request: Request,
        /// Hash of the link's token.
        token: SecretHash,
        /// The new hash in PHC form.
        hash: String,
    },
}

/// What happens when an e-mail changes. The account stays where it is; its new address is reserved in the group of that
/// address's slot, then the account switches, then the old address is freed. `change` counts the account's confirmed changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailCommand {
    /// A link to confirm the new address is about to be mailed to it; good for a day. In the account's group.
    Ask {
        /// The new address, normalised.
        email: String,
        /// Hash of the link's token.
        token: SecretHash,
    },
    /// Somebody has the link: from here on the change goes through or is refused, whatever crashes. In the account's group.
    Confirm {
        /// Hash of the link's token.
        token: SecretHash,
    },
    /// In the new address's group: it is the account's, unless it is taken.
    Reserve {
        /// The address.
        email: String,
        /// Which change.
        change: u32,
    },
    /// In the account's group: the address is reserved, use it.
    Switch {
        /// Which change.
        change: u32,
    },
    /// In the account's group: the address is taken, forget the change.
    Abandon {
        /// Which change.
        change: u32,
    },
    /// In the old address's group: it is free, unless a later change reserved it again.
    Release {
        /// The address.
        email: String,
        /// Which change gave it up.
        change: u32,
    },
    /// In the account's group: the old address is free, the change is over.
    Settle {
        /// Which change.
        change: u32,
    },
}

/// What happens to a program's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCommand {
    /// Makes one.
    Create {
        /// Idempotency.
        request: Request,
        /// The new key's id.
        key: KeyId,
        /// For people, at most 80 bytes.
        name: String,
        /// Hash of what the program presents.
        secret: SecretHash,
        /// What it may be used for.
        scopes: Scopes,
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
    },
    /// Ends one.
    Revoke {
        /// The key.
        key: KeyId,
        /// Who asks.
        actor: UserId,
    },
}

/// What the cluster as a whole has one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterCommand {
    /// This account becomes the first admin, unless there is one.
    Claim {
        /// Who.
        user: UserId,
    },
    /// A new signing key signs from now on; the one before is good for `overlap` longer.
    RotateKey {
        /// Idempotency.
        request: Request,
        /// Who asks.
        actor: UserId,
        /// As long as the longest token that was signed with it.
        overlap: Millis,
    },
}
