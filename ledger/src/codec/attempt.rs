//! Encoding of payment attempts, which orders and carts keep alike.

use super::{CodecError, common, wire};
use crate::ids::AttemptId;
use crate::orders::Attempt;
use crate::time::Timestamp;

/// Writes an attempt.
pub fn attempt(attempt: &Attempt) -> wire::PaymentAttempt {
    wire::PaymentAttempt {
        id: Some(common::id(attempt.id.0)),
        state: common::attempt_state(attempt.state),
        begun_at_us: attempt.begun_at.0,
        method: (*attempt.method).into(),
        code: (*attempt.code).into(),
        reference: (*attempt.reference).into(),
        deadline_us: attempt.deadline.0,
        action: attempt.action.as_deref().map(Into::into),
        decided_at_us: attempt.decided_at.0,
    }
}

/// Reads an attempt.
pub fn read_attempt(attempt: wire::PaymentAttempt) -> Result<Attempt, CodecError> {
    Ok(Attempt {
        id: AttemptId(common::read_id(attempt.id)?),
        state: common::read_attempt_state(attempt.state)?,
        begun_at: Timestamp(attempt.begun_at_us),
        method: attempt.method.into(),
        code: attempt.code.into(),
        reference: attempt.reference.into(),
        deadline: Timestamp(attempt.deadline_us),
        action: attempt.action.map(Into::into),
        decided_at: Timestamp(attempt.decided_at_us),
    })
}
