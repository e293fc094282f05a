//! Cursors as callers see them: opaque, and signed for the list that they belong to, so that nobody builds one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Bytes of the signature in a cursor.
const TAG_BYTES: usize = 8;

/// Seals and opens cursors; every node of a cluster does it alike.
pub struct Cursors {
    key: [u8; 32],
}

impl Cursors {
    /// From the cluster's secret.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: blake3::derive_key("boxoffice 2026-11 cursors of lists", secret) }
    }

    /// The cursor for a place in a list.
    #[must_use]
    pub fn seal(&self, list: &str, place: &str) -> String {
        BASE64.encode([&self.tag(list, place)[..], place.as_bytes()].concat())
    }

    /// The place of a cursor; `None` when it is not one of this list.
    #[must_use]
    pub fn open(&self, list: &str, cursor: &str) -> Option<String> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (tag, place) = bytes.split_at_checked(TAG_BYTES)?;
        let place = std::str::from_utf8(place).ok()?;
        (tag == self.tag(list, place)).then(|| place.to_owned())
    }

    fn tag(&self, list: &str, place: &str) -> [u8; TAG_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(list.as_bytes()).update(b"\0").update(place.as_bytes());
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursors = Cursors::new(&[7; 32]);
        let sealed = cursors.seal("events by start", "5.0.evt_1");
        assert_eq!(cursors.open("events by start", &sealed).as_deref(), Some("5.0.evt_1"));
        assert_eq!(cursors.open("events", &sealed), None);
        assert_eq!(Cursors::new(&[8; 32]).open("events by start", &sealed), None);
        for bad in ["", "5.0.evt_1", "AAAAAAAAAAA", "????"] {
            assert_eq!(cursors.open("events by start", bad), None, "{bad}");
        }
    }
}
