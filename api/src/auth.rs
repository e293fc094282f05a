//! Access tokens: who is calling. JWT signed with Ed25519; the algorithm is pinned, keys come from the cluster's secret.
//!
//! A signature is checked once per token: what was found is remembered until the token expires, so that the hot path
//! pays for one hash and one look-up.

use std::collections::HashMap;
use std::time::Duration;

use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::UserId;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::backend::Caller;
use crate::json;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 1024;
const SHARDS: usize = 32;
/// Remembered tokens per shard; at the bound the expired ones go, then all of them.
const SHARD_TOKENS_MAX: usize = 4096;

/// Why the signing key could not be made.
#[derive(Debug, thiserror::Error)]
#[error("derive the token signing key from the cluster secret")]
pub struct KeyError(#[from] jsonwebtoken::errors::Error);

/// Issues and checks access tokens.
pub struct Tokens {
    cluster: String,
    key_id: String,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    cache_key: [u8; 32],
    seen: Vec<Mutex<HashMap<[u8; 16], Seen>>>,
}

#[derive(Clone, Copy)]
struct Seen {
    caller: Caller,
    expires_s: u64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    iat: u64,
    exp: u64,
}

impl Tokens {
    /// Tokens of a cluster. The same name and secret give the same keys on every node.
    ///
    /// # Errors
    /// When the cryptographic library refuses the derived key.
    pub fn new(cluster: &str, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let seed = blake3::derive_key("boxoffice 2026 access token ed25519 seed", secret);
        let signing = EncodingKey::from_ed_der(&pkcs8(&seed));
        let public = match Jwk::from_encoding_key(&signing, Algorithm::EdDSA)?.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => pair.x,
            _ => return Err(KeyError(jsonwebtoken::errors::ErrorKind::InvalidEddsaKey.into())),
        };
        let checking = DecodingKey::from_ed_components(&public)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[cluster]);
        validation.set_audience(&[cluster]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.validate_exp = false; // Checked below, against the edge's own clock and without leeway.
        let key_id = blake3::hash(public.as_bytes()).to_hex()[..16].to_string();
        Ok(Self {
            cluster: cluster.into(),
            key_id,
            signing,
            checking,
            validation,
            cache_key: blake3::derive_key("boxoffice 2026 token cache", secret),
            seen: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// A token for this caller, valid for `ttl` from `now_us` (microseconds since the Unix epoch).
    ///
    /// # Errors
    /// When the cryptographic library refuses to sign.
    pub fn issue(&self, caller: Caller, ttl: Duration, now_us: u64) -> Result<String, KeyError> {
        let now_s = now_us / 1_000_000;
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::EdDSA) };
        let claims = Claims {
            iss: self.cluster.clone(),
            aud: self.cluster.clone(),
            sub: caller.user.to_string(),
            role: json::role(caller.role).into(),
            iat: now_s,
            exp: now_s + ttl.as_secs(),
        };
        Ok(jsonwebtoken::encode(&header, &claims, &self.signing)?)
    }

    /// Who a token speaks for at `now_us`; `None` if it is not ours, not whole or not valid any more.
    #[must_use]
    pub fn check(&self, token: &str, now_us: u64) -> Option<Caller> {
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let now_s = now_us / 1_000_000;
        let mut hash = [0_u8; 16];
        hash.copy_from_slice(&blake3::keyed_hash(&self.cache_key, token.as_bytes()).as_bytes()[..16]);
        let shard = &self.seen[usize::from(hash[0]) % SHARDS];
        if let Some(seen) = shard.lock().get(&hash).copied() {
            return (seen.expires_s > now_s).then_some(seen.caller);
        }
        let seen = self.verify(token)?;
        if seen.expires_s <= now_s {
            return None;
        }
        let mut shard = shard.lock();
        if shard.len() >= SHARD_TOKENS_MAX {
            shard.retain(|_, seen| seen.expires_s > now_s);
            if shard.len() >= SHARD_TOKENS_MAX {
                shard.clear();
            }
        }
        shard.insert(hash, seen);
        Some(seen.caller)
    }

    fn verify(&self, token: &str) -> Option<Seen> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA || header.kid.as_deref() != Some(self.key_id.as_str()) {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation).ok()?.claims;
        let user = UserId::parse(&claims.sub).ok()?;
        let role = role_of(&claims.role)?;
        Some(Seen { caller: Caller { user, role }, expires_s: claims.exp })
    }
}

/// The role of this name.
#[must_use]
pub fn role_of(name: &str) -> Option<Role> {
    [Role::Customer, Role::Coordinator, Role::Operator].into_iter().find(|&role| json::role(role) == name)
}

/// A 32-byte Ed25519 seed in PKCS#8 version 1 (RFC 8410): a fixed head and the seed.
fn pkcs8(seed: &[u8; 32]) -> [u8; 48] {
    const HEAD: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let mut der = [0_u8; 48];
    der[..16].copy_from_slice(&HEAD);
    der[16..].copy_from_slice(seed);
    der
}

#[cfg(test)]
mod tests;
