//! What a ticket's code says. 53 bytes, big-endian, then a signature of 64 bytes over them:
//!
//! ```text
//!  0       1        5          21          37       41        45        49         53
//!  version key id   event      ticket      epoch    place     not       not        Ed25519
//!  (1)     (4)      (16)       (16)        (4)      (4)       before(4) after (4)  (64)
//! ```
//! Times are seconds since the Unix epoch: the doors as they stood when the code was made. A gate that knows the event's doors
//! goes by those; one that knows nothing but the keys has at least these. The highest bit of the place tells an area from a seat.

use boxoffice_ledger::ids::{EventId, TicketId};
use boxoffice_ledger::tickets::TicketRecord;
use boxoffice_ledger::time::Timestamp;

/// Length of what is signed, in bytes.
pub const BODY_BYTES: usize = 53;
/// Length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

const VERSION: u8 = 1;
const IN_AREA: u32 = 1 << 31;

/// What a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The event.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
    /// The ticket's epoch: a transfer or a refund raises it, and older codes are dead.
    pub epoch: u32,
    /// The seat's index, or with the highest bit set the area's.
    pub place: u32,
    /// When the doors open.
    pub not_before: Timestamp,
    /// When they close.
    pub not_after: Timestamp,
}

impl Pass {
    /// The pass of a ticket.
    #[must_use]
    pub fn of(ticket: &TicketRecord, doors: (Timestamp, Timestamp)) -> Self {
        let place = match (ticket.seat, ticket.area) {
            (Some(seat), _) => seat.0,
            (None, area) => IN_AREA | area.map_or(0, |area| area.0.into()),
        };
        let whole = |at: Timestamp| Timestamp(seconds(at) as u64 * 1_000_000);
        Self { event: ticket.event, ticket: ticket.id, epoch: ticket.epoch, place, not_before: whole(doors.0), not_after: whole(doors.1) }
    }

    /// Writes it, under the number of the key that will sign it.
    #[must_use]
    pub fn write(&self, key: [u8; 4]) -> [u8; BODY_BYTES] {
        let mut body = [0_u8; BODY_BYTES];
        body[0] = VERSION;
        body[1..5].copy_from_slice(&key);
        body[5..21].copy_from_slice(&self.event.0.to_be_bytes());
        body[21..37].copy_from_slice(&self.ticket.0.to_be_bytes());
        body[37..41].copy_from_slice(&self.epoch.to_be_bytes());
        body[41..45].copy_from_slice(&self.place.to_be_bytes());
        body[45..49].copy_from_slice(&seconds(self.not_before).to_be_bytes());
        body[49..53].copy_from_slice(&seconds(self.not_after).to_be_bytes());
        body
    }

    /// Reads it with the number of its key; `None` for a version that this build does not know. Says nothing about its truth.
    #[must_use]
    pub fn read(body: &[u8; BODY_BYTES]) -> Option<([u8; 4], Self)> {
        let number = |from: usize| body[from..from + 4].try_into().map(u32::from_be_bytes).ok();
        let id = |from: usize| body[from..from + 16].try_into().map(u128::from_be_bytes).ok();
        let at = |from: usize| Some(Timestamp(u64::from(number(from)?) * 1_000_000));
        let pass = Self {
            event: EventId(id(5)?),
            ticket: TicketId(id(21)?),
            epoch: number(37)?,
            place: number(41)?,
            not_before: at(45)?,
            not_after: at(49)?,
        };
        (body[0] == VERSION).then_some((number(1)?.to_be_bytes(), pass))
    }
}

/// Whole seconds, as far as four bytes reach (the year 2106).
fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.0 / 1_000_000).unwrap_or(u32::MAX)
}
