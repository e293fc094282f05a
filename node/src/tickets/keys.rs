//! The keys that sign tickets. Each epoch has one, derived from the cluster's secret, so that every node has the same; a
//! verifier gets the public halves only.
//!
//! To change the key, raise `tickets.signing_epoch` on one node after the other: every node already accepts the next epoch's
//! codes. Codes of old epochs stay good until `tickets.oldest_epoch` is raised past them.

use boxoffice_cluster_config::file::TicketKeys;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::base45;
use super::pass::{BODY_BYTES, Pass, SIGNATURE_BYTES};

/// Stands before what is signed, so that no other signature of this cluster is ever one of a ticket.
const DOMAIN: &[u8] = b"boxoffice ticket code\0";

/// Longest code that is looked at, in characters; a good one has 176.
pub const CODE_CHARS_MAX: usize = 256;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[error("derive the ticket signing keys from the cluster secret")]
pub struct KeyError;

/// The keys of all epochs that count.
pub struct Keyring {
    keys: Vec<Key>,
    /// Which of them signs.
    signing: usize,
}

struct Key {
    id: [u8; 4],
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl Keyring {
    /// The keys of a cluster.
    ///
    /// # Errors
    /// When the cryptographic library refuses a derived key.
    pub fn new(secret: &[u8; 32], epochs: &TicketKeys) -> Result<Self, KeyError> {
        let range = epochs.oldest_epoch..=epochs.signing_epoch.saturating_add(1);
        let keys = range.map(|epoch| Key::of(secret, epoch)).collect::<Result<Vec<_>, _>>()?;
        let signing = epochs.signing_epoch.checked_sub(epochs.oldest_epoch).ok_or(KeyError)? as usize;
        Ok(Self { keys, signing })
    }

    /// The code of a pass: what a QR symbol holds.
    #[must_use]
    pub fn sign(&self, pass: &Pass) -> String {
        let key = &self.keys[self.signing];
        let body = pass.write(key.id);
        let signature = key.pair.sign(&[DOMAIN, &body[..]].concat());
        base45::encode(&[&body[..], signature.as_ref()].concat())
    }

    /// What a code says, if one of the keys signed it.
    #[must_use]
    pub fn verify(&self, code: &str) -> Option<Pass> {
        if code.len() > CODE_CHARS_MAX {
            return None;
        }
        let bytes = base45::decode(code)?;
        let (body, signature) = bytes.split_first_chunk::<BODY_BYTES>()?;
        if signature.len() != SIGNATURE_BYTES {
            return None;
        }
        let (id, pass) = Pass::read(body)?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        let public = UnparsedPublicKey::new(&ED25519, &key.public);
        public.verify(&[DOMAIN, &body[..]].concat(), signature).ok().map(|()| pass)
    }

    /// Number and public half of every key that counts, the oldest first.
    pub fn public(&self) -> impl Iterator<Item = (String, [u8; 32])> + '_ {
        self.keys.iter().map(|key| (key.id.iter().map(|byte| format!("{byte:02x}")).collect(), key.public))
    }
}

impl Key {
    fn of(secret: &[u8; 32], epoch: u32) -> Result<Self, KeyError> {
        let seed = blake3::derive_key("boxoffice 2026 ticket code ed25519 seed", &[&secret[..], &epoch.to_be_bytes()[..]].concat());
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| KeyError)?;
        let hash = blake3::hash(&public);
        let [a, b, c, d, ..] = *hash.as_bytes();
        Ok(Self { id: [a, b, c, d], pair, public })
    }
}
