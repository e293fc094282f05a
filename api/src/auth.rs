//! Access tokens: who is calling. JWT signed with Ed25519; the algorithm is pinned, keys come from the cluster's secret.
//!
//! Keys have epochs: the newest signs, older ones are good until their last token has expired, and the one after the newest
//! is good already, so that a node that has not heard of a rotation accepts what another signs. Beside them stands the key of
//! whoever holds the secret (the command line), which no rotation ends.
//!
//! A signature is checked once per token: what was found is remembered until the token expires, so that the hot path
//! pays for one hash and one look-up.

mod crypto;
mod ring;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use boxoffice_ledger::accounts::KeyEpoch;
use boxoffice_ledger::command::Role;
use boxoffice_ledger::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, Header, Validation};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::ring::KeyError;
use self::ring::{Ring, SigningKey};
use crate::backend::{Caller, Grant};
use crate::json;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 1024;
const SHARDS: usize = 32;
/// Remembered tokens per shard; at the bound the expired ones go, then all of them.
const SHARD_TOKENS_MAX: usize = 4096;
/// How far another node's clock may be ahead, in seconds.
const CLOCK_SKEW_S: u64 = 60;

/// Issues and checks access tokens.
pub struct Tokens {
    cluster: String,
    secret: [u8; 32],
    /// The key of whoever holds the secret.
    standing: SigningKey,
    ring: RwLock<Arc<Ring>>,
    validation: Validation,
    cache_key: [u8; 32],
    seen: Vec<Mutex<HashMap<[u8; 16], Seen>>>,
}

#[derive(Clone, Copy)]
struct Seen {
    grant: Grant,
    expires_s: u64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ver: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

impl Tokens {
    /// Tokens of a cluster. The same name and secret give the same keys on every node.
    ///
    /// # Errors
    /// When the cryptographic library refuses the derived key.
    pub fn new(cluster: &str, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[cluster]);
        validation.set_audience(&[cluster]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.validate_exp = false; // Checked below, against the edge's own clock and without leeway.
        Ok(Self {
            cluster: cluster.into(),
            secret: *secret,
            standing: SigningKey::standing(secret)?,
            ring: RwLock::new(Arc::new(Ring::new(secret, &[KeyEpoch::default()])?)),
            validation,
            cache_key: blake3::derive_key("boxoffice 2026 token cache", secret),
            seen: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Takes up the signing keys that are good now; answers whether they are others than before.
    ///
    /// # Errors
    /// When the cryptographic library refuses a derived key.
    pub fn follow(&self, epochs: &[KeyEpoch]) -> Result<bool, KeyError> {
        if self.ring.read().epochs() == epochs {
            return Ok(false);
        }
        let ring = Ring::new(&self.secret, epochs)?;
        *self.ring.write() = Arc::new(ring);
        Ok(true)
    }

    /// A token that the holder of the cluster's secret makes for this caller, valid for `ttl` from `now_us` (microseconds since
    /// the Unix epoch). No account need exist.
    ///
    /// # Errors
    /// When the cryptographic library refuses to sign.
    pub fn issue(&self, caller: Caller, ttl: Duration, now_us: u64) -> Result<String, KeyError> {
        self.sign(&self.standing, &Grant { caller, version: None, session: None }, ttl, now_us)
    }

    /// A token of a session, signed with the newest key.
    ///
    /// # Errors
    /// When the cryptographic library refuses to sign.
    pub fn grant(&self, grant: &Grant, ttl: Duration, now_us: u64) -> Result<String, KeyError> {
        let ring = Arc::clone(&self.ring.read());
        self.sign(ring.newest(), grant, ttl, now_us)
    }

    fn sign(&self, key: &SigningKey, grant: &Grant, ttl: Duration, now_us: u64) -> Result<String, KeyError> {
        let now_s = now_us / 1_000_000;
        let mut name = [0_u8; 16];
        getrandom::fill(&mut name).map_err(|_| KeyError(jsonwebtoken::errors::ErrorKind::InvalidToken.into()))?;
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let claims = Claims {
            iss: self.cluster.clone(),
            aud: self.cluster.clone(),
            sub: grant.caller.user.to_string(),
            role: json::role(grant.caller.role).into(),
            iat: now_s,
            nbf: now_s,
            exp: now_s + ttl.as_secs(),
            jti: BASE64.encode(name),
            ver: grant.version,
            sid: grant.session.map(|session| session.to_string()),
        };
        Ok(jsonwebtoken::encode(&header, &claims, &key.signing)?)
    }

    /// What a token says at `now_us`; `None` if it is not ours, not whole or not valid (any more).
    #[must_use]
    pub fn check(&self, token: &str, now_us: u64) -> Option<Grant> {
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let now_s = now_us / 1_000_000;
        let mut hash = [0_u8; 16];
        hash.copy_from_slice(&blake3::keyed_hash(&self.cache_key, token.as_bytes()).as_bytes()[..16]);
        let shard = &self.seen[usize::from(hash[0]) % SHARDS];
        if let Some(seen) = shard.lock().get(&hash).copied() {
            return (seen.expires_s > now_s).then_some(seen.grant);
        }
        let seen = self.verify(token, now_us)?;
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
        Some(seen.grant)
    }

    /// The public keys, as `GET /.well-known/jwks.json` lists them.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Value> {
        let ring = Arc::clone(&self.ring.read());
        ring.keys().chain([&self.standing]).map(SigningKey::public).collect()
    }

    fn verify(&self, token: &str, now_us: u64) -> Option<Seen> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA {
            return None;
        }
        let kid = header.kid?;
        let ring = Arc::clone(&self.ring.read());
        let (key, until_us) = if kid == self.standing.id { (&self.standing, None) } else { ring.find(&kid)? };
        if until_us.is_some_and(|until| until <= now_us) {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &key.checking, &self.validation).ok()?.claims;
        if claims.nbf > now_us / 1_000_000 + CLOCK_SKEW_S {
            return None;
        }
        let caller = Caller { user: UserId::parse(&claims.sub).ok()?, role: role_of(&claims.role)? };
        let session = claims.sid.map(|sid| SessionId::parse(&sid)).transpose().ok()?;
        // Remembered no longer than its key is good.
        let expires_s = until_us.map_or(claims.exp, |until| claims.exp.min(until / 1_000_000));
        Some(Seen { grant: Grant { caller, version: claims.ver, session }, expires_s })
    }
}

/// All roles, the least first.
pub const ROLES: [Role; 6] = [Role::Guest, Role::Customer, Role::Gate, Role::Coordinator, Role::Operator, Role::Admin];

/// The role of this name.
#[must_use]
pub fn role_of(name: &str) -> Option<Role> {
    ROLES.into_iter().find(|&role| json::role(role) == name)
}

#[cfg(test)]
mod tests;
