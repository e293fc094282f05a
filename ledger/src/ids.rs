//! Typed 128-bit ids. They are made at the edge and carried in commands; nothing here reads a clock or a random source.
//!
//! Layout, most significant bit first: 48 bits of milliseconds since the Unix epoch, 12 bits of slot, 68 bits of entropy.
//! So ids sort by time, and any id alone names the slot (and through the slot table the group) that owns it.

use alloc::string::String;
use core::fmt;

/// How many slots the key space has. Slots never change; which group serves a slot is a table (cluster-config).
pub const SLOT_COUNT: u16 = 4096;

/// One of [`SLOT_COUNT`] partitions of the key space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// The slot with this number, taken modulo [`SLOT_COUNT`].
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number % SLOT_COUNT)
    }

    /// Its number, below [`SLOT_COUNT`].
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of this kind: expected the type's prefix and 26 lower-case base-32 characters")
    }
}

impl core::error::Error for IdError {}

/// Crockford's base 32 in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LENGTH: usize = 26;

fn write_base32(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0_u8; TEXT_LENGTH];
    let mut rest = value;
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn read_base32(text: &str) -> Result<u128, IdError> {
    if text.len() != TEXT_LENGTH {
        return Err(IdError);
    }
    let mut value: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte).ok_or(IdError)?;
        if place == 0 && digit > 7 {
            return Err(IdError); // 26 digits hold 130 bits: the first may use three of its five.
        }
        value = (value << 5) | digit as u128;
    }
    Ok(value)
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// The prefix of its text form.
            pub const PREFIX: &'static str = $prefix;

            /// Puts an id together. `entropy` gives its low 68 bits.
            #[must_use]
            pub const fn new(at_ms: u64, slot: Slot, entropy: u128) -> Self {
                let time = (at_ms as u128 & 0xffff_ffff_ffff) << 80;
                let slot = (slot.number() as u128) << 68;
                Self(time | slot | (entropy & ((1 << 68) - 1)))
            }

            /// The slot that owns it.
            #[must_use]
            pub const fn slot(self) -> Slot {
                Slot::new(((self.0 >> 68) & 0xfff) as u16)
            }

            /// When it was made, in milliseconds since the Unix epoch.
            #[must_use]
            pub const fn made_at_ms(self) -> u64 {
                (self.0 >> 80) as u64
            }

            /// Reads its text form.
            ///
            /// # Errors
            /// [`IdError`] when the prefix, the length or a character is wrong.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                read_base32(text.strip_prefix($prefix).ok_or(IdError)?).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_base32(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

id_type!(/// A show that is sold. Its slot is drawn at creation.
    EventId, "evt_");
id_type!(/// An account. Its slot is the slot of its e-mail, so that an e-mail is unique within one group.
    UserId, "usr_");
id_type!(/// A temporary claim on seats. Carries the event's slot.
    HoldId, "hld_");
id_type!(/// What a buyer pays for. Carries the event's slot; its low 16 bits are zero (see [`TicketId::of_order`]).
    OrderId, "ord_");
id_type!(/// An admission. Carries the event's slot.
    TicketId, "tkt_");
id_type!(/// A place with a seating plan.
    VenueId, "ven_");
id_type!(/// An artist or a team.
    PerformerId, "prf_");
id_type!(/// One attempt to pay an order; also the idempotency key at the payment provider.
    AttemptId, "pay_");
id_type!(/// Money given back; also the idempotency key at the payment provider.
    RefundId, "rfd_");
id_type!(/// Holds of several events that are paid together. Carries its user's slot.
    CartId, "crt_");
id_type!(/// One log-in of an account, from its first refresh token to its last. Carries the account's slot.
    SessionId, "ses_");
id_type!(/// A program's key of an account. Carries the account's slot.
    KeyId, "key_");

id_type!(/// Where somebody's own program is told of changes.
    WebhookId, "whk_");

id_type!(/// A backup of the whole cluster.
    BackupId, "bck_");

impl OrderId {
    /// As [`OrderId::new`], with the low 16 bits cleared to leave room for the order's tickets.
    #[must_use]
    pub const fn for_tickets(at_ms: u64, slot: Slot, entropy: u128) -> Self {
        Self(Self::new(at_ms, slot, entropy).0 & !0xffff)
    }
}

impl TicketId {
    /// The id of an order's ticket number `ordinal`, from 0. A pure function, so that every replica issues the same ids.
    #[must_use]
    pub const fn of_order(order: OrderId, ordinal: u16) -> Self {
        Self(order.0 | ordinal as u128)
    }
}

/// The content address of a seating plan: a 256-bit hash of its encoding, computed at the edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanHash(pub [u8; 32]);

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lay_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PlanHash {
    /// Reads `lay_` and 64 hexadecimal digits in lower case: one text for each hash.
    ///
    /// # Errors
    /// [`IdError`] when the text has another form.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("lay_").ok_or(IdError).and_then(hex_hash).map(Self)
    }
}

/// The content address of an image: a 256-bit hash of the file as it is kept, computed at the edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaHash(pub [u8; 32]);

impl fmt::Display for MediaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("img_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MediaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::str::FromStr for MediaHash {
    type Err = IdError;

    /// Reads `img_` and 64 hexadecimal digits in lower case: one text for each hash.
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("img_").ok_or(IdError).and_then(hex_hash).map(Self)
    }
}

/// Reads 64 hexadecimal digits in lower case.
fn hex_hash(text: &str) -> Result<[u8; 32], IdError> {
    let digits = Some(text.as_bytes()).filter(|digits| digits.len() == 64).ok_or(IdError)?;
    let mut hash = [0_u8; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Ok(hash)
}

fn hex_digit(letter: u8) -> Result<u8, IdError> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        _ => Err(IdError),
    }
}

/// Names one write of one caller, so that a retry is recognised: a hash of the caller, the path and the Idempotency-Key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u128);

/// A caller's write as the ledger remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which write this is.
    pub id: RequestId,
    /// A hash of method, path and body: the same id with another fingerprint is refused.
    pub fingerprint: u64,
}

/// Renders any id for messages; kept here so that callers need no `format!` import.
#[must_use]
pub fn text(id: impl fmt::Display) -> String {
    alloc::format!("{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = EventId::new(1_790_000_000_000, Slot::new(4095), u128::MAX);
        assert_eq!(EventId::parse(&text(id)), Ok(id));
        assert_eq!(id.slot().number(), 4095);
        assert_eq!(text(id).len(), 30);
    }

    #[test]
    fn foreign_and_broken_texts_are_refused() {
        let id = EventId::new(1, Slot::new(2), 3);
        let long = alloc::format!("{}0", text(id));
        for bad in ["", "evt_", "usr_00000000000000000000000000", "evt_0000000000000000000000000U", "evt_80000000000000000000000000", &long]
        {
            assert_eq!(EventId::parse(bad), Err(IdError), "{bad}");
        }
    }

    #[test]
    fn a_plan_has_one_text_form() {
        let hash = PlanHash(core::array::from_fn(|place| place as u8 * 8 + 3));
        assert_eq!(PlanHash::parse(&text(hash)), Ok(hash));
        let image = MediaHash(hash.0);
        assert_eq!(text(image).parse(), Ok(image));
        assert_eq!(text(hash).parse::<MediaHash>(), Err(IdError));
        let digits = "ab".repeat(31);
        for bad in ["AB", "+1", "1", "abc", " a", "é", "g0"] {
            assert_eq!(PlanHash::parse(&alloc::format!("lay_{digits}{bad}")), Err(IdError), "{bad}");
        }
    }

    #[test]
    fn tickets_of_an_order_are_distinct_and_keep_the_slot() {
        let order = OrderId::for_tickets(5, Slot::new(77), u128::MAX);
        assert_ne!(TicketId::of_order(order, 0), TicketId::of_order(order, 1));
        assert_eq!(TicketId::of_order(order, 9).slot(), Slot::new(77));
    }
}
