//! Texts that stand for one of a few things, and how they are described: the schema lists the very names that are written.

use std::borrow::Cow;
use std::fmt::Display;
use std::marker::PhantomData;

use boxoffice_ledger::audit::AuditAction;
use boxoffice_ledger::change::ChangeId;
use boxoffice_ledger::command::{EventStatus, RefundWho, Role, Scope};
use boxoffice_ledger::ids::{
    AttemptId, BackupId, CartId, EventId, HoldId, KeyId, MediaHash, OrderId, PerformerId, PlanHash, RefundId, SessionId, TicketId, UserId,
    VenueId, WebhookId,
};
use boxoffice_ledger::members::MemberState;
use boxoffice_ledger::orders::DisputeState;
use boxoffice_ledger::outcome::{AttemptState, HoldState, OrderState, RefundState, SaleState};
use boxoffice_ledger::promos::PromoReason;
use boxoffice_ledger::tickets::{Direction, ScanReason, TicketState};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Code, Rfc3339, Text};
use crate::backend::{Availability, Facet, Revision, SuggestionKind};

/// Something whose values have names.
pub trait Names {
    /// All of them.
    fn names() -> Vec<&'static str>;
}

impl Names for crate::changes::Kind {
    fn names() -> Vec<&'static str> {
        crate::changes::KINDS.to_vec()
    }
}

/// The schema of a text that is one of the names of `T`. Never a value: fields say `#[schemars(with = "Named<T>")]`.
pub struct Named<T>(PhantomData<T>);

impl<T: Names> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Named".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": T::names()})
    }
}

/// Lists the variants of an enum by the function that names them. A variant that is left out does not compile.
macro_rules! names {
    ($($type:ident by $name:path: $($variant:ident),+;)+) => {$(
        impl Names for $type {
            fn names() -> Vec<&'static str> {
                let whole = |value: $type| match value { $($type::$variant => value),+ };
                [$($type::$variant),+].map(whole).map($name).to_vec()
            }
        }
    )+};
}

names! {
    PromoReason by super::promo_reason: Unknown, Expired, UsedUp, NotForTheseSeats;
    Role by super::role: Guest, Customer, Gate, Coordinator, Operator, Admin;
    Scope by crate::scope::name: Book, Tickets, Events, Scan, Operate;
    Availability by super::availability: Available, Few, SoldOut;
    Facet by super::facet_name: Category, City, Venue, Month;
    SuggestionKind by super::suggestion_kind: Event, Performer, Venue, City;
    EventStatus by super::event_status: Draft, Published, Cancelled;
    SaleState by super::sale_state: Published, OnSale, Paused, Closed, Cancelled;
    HoldState by super::hold_state: Active, Paying, Converted, Released, Expired, Revoked;
    OrderState by super::order_state: AwaitingPayment, Confirmed, PartRefunded, Refunded, Failed, Cancelled;
    AttemptState by super::attempt_state:
        Created, Unknown, Authorized, Captured, Failed, RequiresAction, Cancelling, Voided, CaptureFailed;
    RefundState by super::money::refund_state: Requested, Done, Failed;
    RefundWho by super::money::refund_who: Staff, Buyer, Nobody;
    DisputeState by super::money::dispute_state: Open, Won, Lost;
    TicketState by super::ticket_state: Issued, Offered, CheckedIn, CheckedOut, Void, Transferred;
    Direction by super::ticket::direction: In, Out;
    ScanReason by super::scan_reason:
        BadCode, WrongEvent, UnknownTicket, Void, Transferred, OutsideDoors, AlreadyUsed, NoReentry, NotInside;
    MemberState by super::member_state: Invited, Joining, Active, Draining, Removed;
    AuditAction by super::identity::action:
        RoleChanged, PasswordChanged, PasswordReset, EmailChanged, SessionsEnded, TokenReused, KeyCreated, KeyRevoked, AdminClaimed,
        KeyRotated, SaleMoved, SeatsBlocked, OrderRefunded, EventChanged, VenueChanged, PerformerChanged, RequestDenied,
        PromoChanged, SeatsAllocated, PricePolicyChanged, MemberChanged, BackupAsked;
}

/// The four states of a seat that the public sees.
pub struct PublicSeatState;

impl Names for PublicSeatState {
    fn names() -> Vec<&'static str> {
        super::STATE_NAMES.to_vec()
    }
}

/// An event's status that the public sees.
pub struct PublicStatus;

impl Names for PublicStatus {
    fn names() -> Vec<&'static str> {
        [EventStatus::names(), vec![super::POSTPONED]].concat()
    }
}

/// Something whose text form has a pattern.
pub trait TextForm {
    /// A regular expression for the whole text.
    fn pattern() -> String;
}

impl<T: TextForm> JsonSchema for Text<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": T::pattern()})
    }
}

/// The pattern of ids with this prefix.
fn id_pattern(prefix: impl Display) -> String {
    format!("^{prefix}[0-7][0-9a-hjkmnp-tv-z]{{25}}$")
}

macro_rules! id_forms {
    ($($id:ident),+) => {$(
        impl TextForm for $id {
            fn pattern() -> String {
                id_pattern($id::PREFIX)
            }
        }
    )+};
}

id_forms!(
    AttemptId,
    BackupId,
    CartId,
    EventId,
    HoldId,
    KeyId,
    OrderId,
    PerformerId,
    RefundId,
    SessionId,
    TicketId,
    UserId,
    VenueId,
    WebhookId
);

impl TextForm for MediaHash {
    fn pattern() -> String {
        "^img_[0-9a-f]{64}$".into()
    }
}

impl TextForm for PlanHash {
    fn pattern() -> String {
        "^lay_[0-9a-f]{64}$".into()
    }
}

impl TextForm for ChangeId {
    fn pattern() -> String {
        "^chg_[0-9]+_[0-9]+_[0-9]+$".into()
    }
}

impl TextForm for Revision {
    fn pattern() -> String {
        "^[0-9]+:[0-9]+(:[0-9]+)?$".into()
    }
}

impl TextForm for Code {
    fn pattern() -> String {
        "^[A-Z]{3}$".into()
    }
}

impl JsonSchema for Rfc3339 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Rfc3339".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for names in [Role::names(), Scope::names(), HoldState::names(), AuditAction::names(), ScanReason::names()] {
            let mut seen = names.clone();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), names.len(), "{names:?}");
        }
    }

    #[test]
    fn an_id_has_the_form_that_its_schema_says() {
        assert_eq!(EventId::pattern(), "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$");
        assert_eq!(EventId(u128::MAX).to_string().len(), "evt_".len() + 26);
    }
}
