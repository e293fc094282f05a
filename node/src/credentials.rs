//! Texts that stand for a right: refresh tokens, keys of programs, mailed links. Each names its account, so that any node finds
//! the group, holds 256 random bits, and is sealed with a key of the cluster, so that a forged one costs no look-up and no log entry.
//! The ledger keeps hashes of them only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use boxoffice_ledger::command::SecretHash;
use boxoffice_ledger::ids::{Request, UserId};

use crate::mint;

/// What a text is for; one of another kind does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A refresh token of a session.
    Refresh,
    /// A key of a program.
    Key,
    /// A link to set a password.
    Reset,
    /// A link to confirm an address.
    Email,
    /// A link to a guest's tickets.
    Guest,
    /// What a node joins with; names who invited it.
    Join,
}

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The account.
    pub user: UserId,
    /// The session or the key; 0 for links.
    pub object: u128,
}

/// Bytes: account, object, secret, seal.
const BYTES: usize = 16 + 16 + 32 + 32;

/// Makes and reads such texts. The same on every node.
pub struct Credentials {
    seal: [u8; 32],
    hash: [u8; 32],
    follow: [u8; 32],
    first_admin: String,
}

impl Credentials {
    /// Of a cluster with this secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            seal: blake3::derive_key("boxoffice 2026 credential seal", secret),
            hash: blake3::derive_key("boxoffice 2026 credential hash", secret),
            follow: blake3::derive_key("boxoffice 2026 credential secret that follows", secret),
            first_admin: first_admin_token(secret),
        }
    }

    /// A new text.
    pub fn draw(&self, kind: Kind, named: Named) -> String {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&mint::entropy().to_le_bytes());
        secret[16..].copy_from_slice(&mint::entropy().to_le_bytes());
        self.text(kind, named, &secret)
    }

    /// The text that a request is answered with, whenever it comes.
    pub fn of_request(&self, kind: Kind, named: Named, request: Request) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.follow);
        hasher.update(b"request").update(&request.id.0.to_le_bytes()).update(&named.user.0.to_le_bytes());
        self.text(kind, named, hasher.finalize().as_bytes())
    }

    /// The refresh token that follows another one: always the same, so that a lost answer can be given again.
    pub fn next(&self, named: Named, token: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.follow);
        hasher.update(b"next").update(token.as_bytes());
        self.text(Kind::Refresh, named, hasher.finalize().as_bytes())
    }

    /// What a text says, if we made it for this use.
    pub fn read(&self, kind: Kind, text: &str) -> Option<Named> {
        let body = text.strip_prefix(prefix(kind))?;
        if body.len() != BYTES.div_ceil(3) * 4 {
            return None;
        }
        let bytes: [u8; BYTES] = BASE64.decode(body).ok()?.try_into().ok()?;
        let given = blake3::Hash::from_bytes(bytes[64..].try_into().ok()?);
        // Comparing hashes takes the same time wherever they differ.
        if self.sealed(kind, &bytes[..64]) != given {
            return None;
        }
        let number = |from: usize| Some(u128::from_be_bytes(bytes[from..from + 16].try_into().ok()?));
        Some(Named { user: UserId(number(0)?), object: number(16)? })
    }

    /// What the ledger keeps of a text.
    pub fn hash(&self, text: &str) -> SecretHash {
        SecretHash(*blake3::keyed_hash(&self.hash, text.as_bytes()).as_bytes())
    }

    /// Whether a text is the one that makes the first admin.
    pub fn is_first_admin(&self, text: &str) -> bool {
        blake3::hash(text.as_bytes()) == blake3::hash(self.first_admin.as_bytes())
    }

    /// The text that makes the first admin.
    pub fn first_admin(&self) -> &str {
        &self.first_admin
    }

    fn text(&self, kind: Kind, named: Named, secret: &[u8; 32]) -> String {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(&named.user.0.to_be_bytes());
        bytes[16..32].copy_from_slice(&named.object.to_be_bytes());
        bytes[32..64].copy_from_slice(secret);
        let seal = self.sealed(kind, &bytes[..64]);
        bytes[64..].copy_from_slice(seal.as_bytes());
        format!("{}{}", prefix(kind), BASE64.encode(bytes))
    }

    fn sealed(&self, kind: Kind, bytes: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.seal);
        hasher.update(&[kind as u8]).update(bytes);
        hasher.finalize()
    }
}

/// The text that makes the first admin of the cluster with this secret.
pub fn first_admin_token(secret: &[u8; 32]) -> String {
    BASE64.encode(blake3::derive_key("boxoffice 2026 first admin", secret))
}

fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "bo_live_",
        Kind::Join => "bo_join_",
        Kind::Refresh | Kind::Reset | Kind::Email | Kind::Guest => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::ids::RequestId;

    const NAMED: Named = Named { user: UserId(7 << 90), object: 9 };

    #[test]
    fn a_text_is_read_on_every_node_and_for_its_use_only() {
        let (one, other) = (Credentials::new(&[1; 32]), Credentials::new(&[1; 32]));
        const ALL: [Kind; 6] = [Kind::Refresh, Kind::Key, Kind::Reset, Kind::Email, Kind::Guest, Kind::Join];
        for kind in ALL {
            let text = one.draw(kind, NAMED);
            assert_eq!(other.read(kind, &text), Some(NAMED));
            assert_ne!(one.draw(kind, NAMED), text);
            assert_eq!(one.hash(&text), other.hash(&text));
            for wrong in ALL.into_iter().filter(|wrong| *wrong != kind) {
                assert_eq!(one.read(wrong, &text), None);
            }
            assert_eq!(Credentials::new(&[2; 32]).read(kind, &text), None);
        }
    }

    #[test]
    fn a_changed_text_does_not_pass() {
        let credentials = Credentials::new(&[1; 32]);
        let text = credentials.draw(Kind::Key, NAMED);
        for place in 8..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(credentials.read(Kind::Key, &String::from_utf8(bytes).unwrap()), None, "byte {place}");
        }
        for bad in ["", "bo_live_", "bo_live_x", &text[..text.len() - 1], &format!("{text}A"), "\u{e4}"] {
            assert_eq!(credentials.read(Kind::Key, bad), None, "{bad}");
        }
    }

    #[test]
    fn what_follows_is_always_the_same() {
        let credentials = Credentials::new(&[1; 32]);
        let first = credentials.draw(Kind::Refresh, NAMED);
        let second = credentials.next(NAMED, &first);
        assert_eq!(credentials.next(NAMED, &first), second);
        assert_eq!(credentials.read(Kind::Refresh, &second), Some(NAMED));
        assert_ne!(credentials.next(NAMED, &second), second);
        let request = Request { id: RequestId(5), fingerprint: 0 };
        assert_eq!(credentials.of_request(Kind::Key, NAMED, request), credentials.of_request(Kind::Key, NAMED, request));
    }

    #[test]
    fn there_is_one_first_admin_text() {
        let credentials = Credentials::new(&[1; 32]);
        assert!(credentials.is_first_admin(&first_admin_token(&[1; 32])));
        assert!(!credentials.is_first_admin(&first_admin_token(&[2; 32])) && !credentials.is_first_admin(""));
    }
}
