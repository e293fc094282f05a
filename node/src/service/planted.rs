//! Bugs of the edge that test builds can be told to have, see [`boxoffice_raft::planted`].

use boxoffice_api::backend::{Answer, Revision, Written};
use boxoffice_ledger::ids::{EventId, HoldId, Request, RequestId};
use boxoffice_ledger::outcome::HoldInfo;
use boxoffice_raft::planted::has;

use super::Service;
use crate::mint;

/// The request as it came, or, with `forget-idempotency`, as one that nobody has seen before.
pub(super) fn request(request: Request) -> Request {
    if has("forget-idempotency") { Request { id: RequestId(mint::entropy()), ..request } } else { request }
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
