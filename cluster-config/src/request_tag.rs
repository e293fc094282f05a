//! What a request is called in the logs of every node that it crosses.

use std::fmt;

/// Most bytes of a tag.
pub const REQUEST_TAG_BYTES: usize = 16;

/// The target of the log lines, at level debug, that follow a request from node to node: `BOXOFFICE_LOG=info,boxoffice::requests=debug`.
pub const LOG_TARGET: &str = "boxoffice::requests";

/// The name of a request as it travels with commands and reads from node to node: the `X-Request-Id` itself, or its last
/// 16 characters when it is longer (the random part of a UUID or ULID), so that looking for those finds the lines of all
/// nodes. Fixed in size: it costs no allocation.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestTag([u8; REQUEST_TAG_BYTES]);

impl RequestTag {
    /// Work that no request asked for.
    pub const NONE: Self = Self([0; REQUEST_TAG_BYTES]);

    /// The tag of a request id. Characters that do not belong into an id are left out, so that no peer writes into a log what it likes.
    #[must_use]
    pub fn of(id: &[u8]) -> Self {
        let mut tag = [0; REQUEST_TAG_BYTES];
        let plain = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let end = &id[id.len().saturating_sub(REQUEST_TAG_BYTES)..];
        for (place, byte) in tag.iter_mut().zip(end.iter().filter(plain)) {
            *place = *byte;
        }
        Self(tag)
    }

    /// Whether no request asked.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0[0] == 0
    }

    /// As two numbers, for the wire; both 0 for none.
    #[must_use]
    pub fn halves(&self) -> [u64; 2] {
        let number = u128::from_be_bytes(self.0);
        [(number >> 64) as u64, number as u64]
    }

    /// From the wire.
    #[must_use]
    pub fn from_halves(high: u64, low: u64) -> Self {
        Self::of(&(u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

impl fmt::Display for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(REQUEST_TAG_BYTES);
        f.write_str(std::str::from_utf8(&self.0[..length]).unwrap_or_default())
    }
}

impl fmt::Debug for RequestTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_end_of_an_id() {
        for (id, tag) in
            [("", ""), ("a1-f", "a1-f"), ("0123456789abcdef", "0123456789abcdef"), ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "TSV4RRFFQ69G5FAV")]
        {
            let of = RequestTag::of(id.as_bytes());
            assert_eq!(of.to_string(), tag);
            assert_eq!(of.is_none(), tag.is_empty());
            let [high, low] = of.halves();
            assert_eq!(RequestTag::from_halves(high, low), of);
        }
        assert_eq!(RequestTag::NONE.halves(), [0, 0]);
    }

    #[test]
    fn a_peer_cannot_write_what_it_likes_into_a_log() {
        let forged = u128::from_be_bytes(*b"\nERROR\x1b[31m\"a\"b\xff");
        assert_eq!(RequestTag::from_halves((forged >> 64) as u64, forged as u64).to_string(), "ERROR31mab");
    }
}
