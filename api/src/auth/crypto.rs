//! The cryptography under tokens: Ed25519 by ring, the library that TLS stands on too, so that the binary holds one such library.
//!
//! The token library asks the process for its cryptography. Only the one algorithm of our tokens is there: for any other it gets an
//! error.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Makes it the process's. To be called before the token library signs or checks; again does nothing.
pub fn install() {
    let _ = PROVIDER.install_default();
}

/// The public half of the key that begins with this seed.
///
/// # Errors
/// When the library refuses the seed.
pub fn public(seed: &[u8; 32]) -> Result<[u8; 32]> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    let bytes = pair.public_key().as_ref().try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(bytes)
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    only_eddsa(*algorithm)?;
    // Keys are made of a seed alone: there is no public half to compare with.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes()).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Signer(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    only_eddsa(*algorithm)?;
    let public = key.try_get_as_bytes()?.to_vec();
    Ok(Box::new(Ed25519Verifier(UnparsedPublicKey::new(&ED25519, public))))
}

fn only_eddsa(algorithm: Algorithm) -> Result<()> {
    if algorithm == Algorithm::EdDSA { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

struct Ed25519Signer(Ed25519KeyPair);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_algorithm_signs_or_checks() {
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256] {
            assert!(signer(&algorithm, &EncodingKey::from_secret(b"secret")).is_err());
            assert!(verifier(&algorithm, &DecodingKey::from_secret(b"secret")).is_err());
        }
        assert!(signer(&Algorithm::EdDSA, &EncodingKey::from_ed_der(b"no key")).is_err());
    }
}
