//! Signing keys, derived from the cluster's secret: nothing about them has to be stored but their numbers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use boxoffice_ledger::accounts::KeyEpoch;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

use super::crypto;

/// Why a signing key could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("use the token signing key of the cluster")]
pub struct KeyError(#[from] pub jsonwebtoken::errors::Error);

/// One Ed25519 key.
pub struct SigningKey {
    /// Its name: a hash of the public half.
    pub id: String,
    pub signing: EncodingKey,
    pub checking: DecodingKey,
    public: String,
}

impl SigningKey {
    /// The key of whoever holds the secret.
    pub fn standing(secret: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of_seed(&blake3::derive_key("boxoffice 2026 access token ed25519 seed", secret))
    }

    /// The key of an epoch.
    fn of_epoch(secret: &[u8; 32], number: u32) -> Result<Self, KeyError> {
        let mut material = [0_u8; 36];
        material[..32].copy_from_slice(secret);
        material[32..].copy_from_slice(&number.to_le_bytes());
        Self::of_seed(&blake3::derive_key("boxoffice 2026 access token ed25519 seed of an epoch", &material))
    }

    fn of_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        crypto::install();
        let signing = EncodingKey::from_ed_der(&pkcs8(seed));
        let public = BASE64.encode(crypto::public(seed)?);
        let checking = DecodingKey::from_ed_components(&public)?;
        let id = blake3::hash(public.as_bytes()).to_hex()[..16].to_string();
        Ok(Self { id, signing, checking, public })
    }

    /// The public half as a JSON web key (RFC 8037).
    pub fn public(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.id, "x": self.public})
    }
}

/// The keys that are good, and the next one.
pub struct Ring {
    epochs: Vec<KeyEpoch>,
    /// One per epoch.
    live: Vec<SigningKey>,
    next: SigningKey,
}

impl Ring {
    pub fn new(secret: &[u8; 32], epochs: &[KeyEpoch]) -> Result<Self, KeyError> {
        let epochs = if epochs.is_empty() { vec![KeyEpoch::default()] } else { epochs.to_vec() };
        let live = epochs.iter().map(|epoch| SigningKey::of_epoch(secret, epoch.number)).collect::<Result<_, _>>()?;
        let next = SigningKey::of_epoch(secret, epochs[epochs.len() - 1].number.wrapping_add(1))?;
        Ok(Self { epochs, live, next })
    }

    pub fn epochs(&self) -> &[KeyEpoch] {
        &self.epochs
    }

    /// The key that signs.
    pub fn newest(&self) -> &SigningKey {
        self.live.last().unwrap_or(&self.next)
    }

    /// The keys that are good, and the next one.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.live.iter().chain([&self.next])
    }

    /// A key by its name, and when it stops to be good, in microseconds since the Unix epoch.
    pub fn find(&self, id: &str) -> Option<(&SigningKey, Option<u64>)> {
        if self.next.id == id {
            return Some((&self.next, None));
        }
        let place = self.live.iter().position(|key| key.id == id)?;
        Some((&self.live[place], self.epochs[place].until.map(|until| until.0)))
    }
}

/// A 32-byte Ed25519 seed in PKCS#8 version 1 (RFC 8410): a fixed head and the seed.
fn pkcs8(seed: &[u8; 32]) -> [u8; 48] {
    const HEAD: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let mut der = [0_u8; 48];
    der[..16].copy_from_slice(&HEAD);
    der[16..].copy_from_slice(seed);
    der
}
