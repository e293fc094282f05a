//! Guests: their accounts, the links that are mailed to them, and what the links do. The users' group decides about accounts, the
//! events' groups about tickets; a hand-over that is cut short goes on when the link is opened again.

use async_trait::async_trait;
use boxoffice_api::backend::{Answer, Caller, Context, Failure, Freshness, Guests, Opened, Visitor, Written};
use boxoffice_ledger::accounts::{Account, AccountLedger};
use boxoffice_ledger::command::{AccountCommand, GuestCommand, Role, SessionCommand};
use boxoffice_ledger::ids::{EventId, Request, RequestId, SessionId, TicketId, UserId};
use boxoffice_ledger::outcome::{AccountOutcome, Rejection};
use boxoffice_ledger::tickets::TicketAction;

use super::accounts::shown;
use super::identity::done_by_link;
use super::{Service, refused};
use crate::credentials::{Kind, Named};
use crate::mail::letters;
use crate::mint;

/// Tickets that one hand-over moves at most: more than a guest can buy in any sense.
const TICKETS_MAX: usize = 1000;

#[async_trait]
impl Guests for Service {
    async fn open_guest(&self, cx: Context, email: &str, name: String, visitor: Visitor) -> Answer<Opened> {
        let user = UserId::new(mint::now_ms(), mint::slot_of_email(email), mint::entropy());
        self.guest_write(cx, user, GuestCommand::Open { email: email.into(), name: name.clone() }).await?;
        let account = boxoffice_api::backend::Account { user, email: email.into(), name, role: Role::Guest, version: 0 };
        self.guest_session(cx, account, visitor).await
    }

    async fn open_guest_link(&self, cx: Context, token: &str, visitor: Visitor) -> Answer<Opened> {
        let account = self.guest_of_link(cx, token).await?;
        if account.heir.is_some() {
            return Err(Failure::LinkOver);
        }
        self.guest_session(cx, shown(&account), visitor).await
    }

    async fn claim_guest(&self, cx: Context, request: Request, token: &str, password: String) -> Answer<Written<()>> {
        let user = self.credentials.read(Kind::Guest, token).ok_or(Failure::LinkOver)?.user;
        let hash = self.passwords.hash(password).await?;
        let command = GuestCommand::Claim { request, token: self.credentials.hash(token), hash };
        done_by_link(self.write_account(cx, user, &AccountCommand::Guest { user, command }).await?)
    }

    async fn hand_over_guest(&self, cx: Context, caller: Caller, token: &str) -> Answer<u32> {
        let guest = self.guest_of_link(cx, token).await?;
        let own = self.account_now(cx, caller.user).await?.ok_or(Failure::NotFound("user"))?;
        if own.email != guest.email || own.role == Role::Guest {
            return Err(Failure::LinkOver);
        }
        let command = GuestCommand::HandOver { token: self.credentials.hash(token), heir: own.id };
        done_by_link(self.write_account(cx, guest.id, &AccountCommand::Guest { user: guest.id, command }).await?)?;
        let mut moved = 0;
        for (event, ticket) in self.tickets_of_guest(cx, guest.id).await? {
            moved += u32::from(self.hand_over(cx, event, ticket, guest.id, own.id).await?);
        }
        Ok(moved)
    }
}

impl Service {
    /// Mails a link to a guest's tickets, then notes that its orders so far were told of. A worker's step: a crash in between
    /// sends one letter more.
    pub async fn mail_guest_link(&self, cx: Context, user: UserId, orders: u32) -> Answer<()> {
        let account = self.account_now(cx, user).await?.ok_or(Failure::NotFound("user"))?;
        let token = self.credentials.draw(Kind::Guest, Named { user, object: 0 });
        self.guest_write(cx, user, GuestCommand::Ask { token: self.credentials.hash(&token) }).await?;
        let letter = letters::guest_tickets(account.email.to_string(), &format!("{}/#/guest/{token}", self.links));
        self.mailer.send(letter).await.map_err(|_| Failure::Overloaded(5000))?;
        self.guest_write(cx, user, GuestCommand::Invited { orders }).await
    }

    /// The guest that a mailed link leads to, as a quorum knows it.
    async fn guest_of_link(&self, cx: Context, token: &str) -> Answer<Account> {
        let user = self.credentials.read(Kind::Guest, token).ok_or(Failure::LinkOver)?.user;
        let account = self.account_now(cx, user).await?;
        let at = self.accounts(self.user_group(user))?.read().at();
        account.filter(|account| account.is_guest_link(self.credentials.hash(token), at)).ok_or(Failure::LinkOver)
    }

    async fn guest_write(&self, cx: Context, user: UserId, command: GuestCommand) -> Answer<()> {
        let applied = self.write_account(cx, user, &AccountCommand::Guest { user, command }).await?;
        match applied.outcome {
            AccountOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Ok(()),
        }
    }

    async fn guest_session(&self, cx: Context, account: boxoffice_api::backend::Account, visitor: Visitor) -> Answer<Opened> {
        let user = account.user;
        let session = SessionId::new(mint::now_ms(), user.slot(), mint::entropy());
        let refresh_token = self.credentials.draw(Kind::Refresh, Named { user, object: session.0 });
        let Visitor { address, agent } = visitor;
        let token = self.credentials.hash(&refresh_token);
        let command = SessionCommand::Open { session, version: account.version, token, address, agent };
        let applied = self.write_account(cx, user, &AccountCommand::Session { user, command }).await?;
        match applied.outcome {
            AccountOutcome::Done => Ok(Opened { account, session, refresh_token }),
            AccountOutcome::Rejected(Rejection::VersionMismatch { .. } | Rejection::NotFound { .. }) => Err(Failure::LinkOver),
            AccountOutcome::Rejected(rejection) => refused(rejection, applied.revision, applied.replayed),
            _ => Err(Failure::Unknown),
        }
    }

    /// Tickets that are a guest's by what its group knows and by what the events' groups have not delivered yet.
    async fn tickets_of_guest(&self, cx: Context, guest: UserId) -> Answer<Vec<(EventId, TicketId)>> {
        let group = self.user_group(guest);
        self.barrier(cx, group).await?;
        let known = |accounts: &AccountLedger| -> Vec<(EventId, TicketId)> {
            let tickets = accounts.tickets_of(guest, None, TICKETS_MAX).into_iter();
            tickets.filter(|ticket| !ticket.void && !ticket.moved).map(|ticket| (ticket.event, ticket.id)).collect()
        };
        let mut found = known(&self.accounts(group)?.read());
        let (pending, complete) = self.undelivered(Context { freshness: Freshness::Linearizable, ..cx }, guest).await;
        if !complete {
            return Err(Failure::NoQuorum(1000));
        }
        found.extend(pending.into_iter().filter(|record| !record.void && !record.moved).map(|record| (record.event, record.id)));
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Moves one ticket; one that is void, or went already, is left as it is.
    async fn hand_over(&self, cx: Context, event: EventId, ticket: TicketId, user: UserId, to: UserId) -> Answer<bool> {
        let request = hand_over_request(ticket, to);
        let action = TicketAction::HandOver { ticket, user, to };
        match self.ticket_write(cx, event, request, action).await.map_err(Failure::first) {
            Ok(applied) => Ok(!applied.replayed),
            Err(Failure::Rejected(Rejection::NotFound { .. } | Rejection::WrongState { .. }, _)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// The request that gives a ticket to an account: always the same, so that it happens once.
fn hand_over_request(ticket: TicketId, to: UserId) -> Request {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"boxoffice 2026 guest hand-over").update(&ticket.0.to_le_bytes()).update(&to.0.to_le_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Request { id: RequestId(u128::from_le_bytes(id)), fingerprint: 0 }
}
