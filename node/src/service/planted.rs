//! Bugs of the edge that test builds can be told to have, see [`boxoffice_raft::planted`].

use boxoffice_api::backend::{Answer, Revision, Written};
use boxoffice_ledger::command::SeatCommand;
use boxoffice_ledger::ids::{AttemptId, EventId, HoldId, Request, RequestId};
use boxoffice_ledger::outcome::HoldInfo;
use boxoffice_raft::planted::has;

use super::Service;
use crate::mint;

/// The request as it came, or, with `forget-idempotency`, as one that nobody has seen before.
pub(super) fn request(request: Request) -> Request {
    if has("forget-idempotency") { Request { id: RequestId(mint::entropy()), ..request } } else { request }
}

/// The attempt as the provider is told of it; with `double-charge` a new one each time.
pub(super) fn charged(attempt: AttemptId) -> AttemptId {
    if has("double-charge") { AttemptId(mint::entropy()) } else { attempt }
}

/// What is noted when the provider does not answer; with `free-without-answer` that it refused.
pub(super) fn unanswered(command: SeatCommand) -> SeatCommand {
    match command {
        SeatCommand::PayUnknown { event, order, attempt } if has("free-without-answer") => {
            SeatCommand::PayFail { event, order, attempt, code: "timed_out".into() }
        }
        command => command,
    }
}

impl Service {
    /// With `ack-before-commit`: says that a hold was released, and sees to it that it never is.
    pub(super) fn planted_release(&self, event: EventId, hold: HoldId) -> Answer<Option<Written<HoldInfo>>> {
        if !has("ack-before-commit") {
            return Ok(None);
        }
        let found = self.seats(event)?.read().hold(event, hold);
        let revision = Revision { incarnation: 0, group: self.event_group(event).0, index: 0 };
        Ok(found.map(|value| Written { value, revision, replayed: false }))
    }
}
