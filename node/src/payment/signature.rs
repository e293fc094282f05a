//! The signature of webhooks, `Stripe-Signature: t=UNIX,v1=HEX`: an HMAC-SHA256 over the time, a full stop and the raw body.

use ring::hmac;

/// The header, in lower case.
pub const HEADER: &str = "stripe-signature";

/// How far the time of a signature may be from now, in seconds.
pub const WINDOW_S: u64 = 300;

/// Signatures in one header that are looked at.
const SIGNATURES_MAX: usize = 8;

/// Why a message is refused. A caller is told no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header or the body cannot be read.
    #[error("the signature header or the body is not well formed")]
    Malformed,
    /// No secret of ours made any of the signatures.
    #[error("the signature is not ours")]
    Forged,
    /// The signature is ours, but too old, or of the future.
    #[error("the signature is too old")]
    Stale,
}

/// The header's value for a body, signed at `at_s` seconds since the Unix epoch.
#[must_use]
pub fn sign(secret: &[u8], at_s: u64, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &signed(at_s, body));
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={digits}")
}

/// Checks a header against the raw body. Any of the secrets may have signed, so that one can be replaced by another.
///
/// # Errors
/// See [`Refused`].
pub fn verify(secrets: &[Vec<u8>], header: &str, body: &[u8], now_s: u64) -> Result<(), Refused> {
    let mut at_s = None;
    let mut given: Vec<[u8; 32]> = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if at_s.is_none() => at_s = Some(seconds(text)?),
            Some(("t", _)) | None => return Err(Refused::Malformed),
            Some(("v1", digits)) if given.len() < SIGNATURES_MAX => given.extend(hex(digits)),
            Some(_) => {} // Other schemes prove nothing.
        }
    }
    let at_s = at_s.ok_or(Refused::Malformed)?;
    let mut is_ours = false;
    let signed = signed(at_s, body);
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        for signature in &given {
            // In constant time.
            is_ours |= hmac::verify(&key, &signed, signature).is_ok();
        }
    }
    match is_ours {
        false => Err(Refused::Forged),
        true if now_s.abs_diff(at_s) > WINDOW_S => Err(Refused::Stale),
        true => Ok(()),
    }
}

/// What a signature covers: the time and the body.
fn signed(at_s: u64, body: &[u8]) -> Vec<u8> {
    [at_s.to_string().as_bytes(), b".", body].concat()
}

/// Plain digits only: a time has one way to be written, as the signature covers the number.
fn seconds(text: &str) -> Result<u64, Refused> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten().ok_or(Refused::Malformed)
}

fn hex(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |place: usize| char::from(pair[place]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secrets(of: &[&str]) -> Vec<Vec<u8>> {
        of.iter().map(|secret| secret.as_bytes().to_vec()).collect()
    }

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        assert_eq!(sign(b"whsec_test", 1_700_000_000, BODY), expected);
    }

    #[test]
    fn ours_is_accepted_with_either_secret_and_among_others() {
        let header = sign(b"new", 1000, BODY);
        assert_eq!(verify(&secrets(&["old", "new"]), &header, BODY, 1000), Ok(()));
        let foreign = sign(b"foreign", 1000, BODY);
        let both = format!("{foreign},{},v0=abc", header.split_once(',').unwrap().1);
        assert_eq!(verify(&secrets(&["new"]), &both, BODY, 1299), Ok(()));
    }

    #[test]
    fn forged_altered_and_old_ones_are_refused() {
        let header = sign(b"secret", 1000, BODY);
        let known = secrets(&["secret"]);
        assert_eq!(verify(&secrets(&["other"]), &header, BODY, 1000), Err(Refused::Forged));
        assert_eq!(verify(&[], &header, BODY, 1000), Err(Refused::Forged));
        assert_eq!(verify(&known, &header, br#"{"id":"evt_2"}"#, 1000), Err(Refused::Forged));
        assert_eq!(verify(&known, &header.replace("t=1000", "t=1001"), BODY, 1000), Err(Refused::Forged));
        assert_eq!(verify(&known, "t=1000", BODY, 1000), Err(Refused::Forged));
        assert_eq!(verify(&known, &header, BODY, 1000 + WINDOW_S), Ok(()));
        assert_eq!(verify(&known, &header, BODY, 1001 + WINDOW_S), Err(Refused::Stale));
        assert_eq!(verify(&known, &header, BODY, 999 - WINDOW_S), Err(Refused::Stale));
    }

    #[test]
    fn what_is_no_header_is_malformed() {
        for bad in ["", "t", "t=", "t=-1", "t=01", "t=1,t=1", "v1=00", "t=99999999999999999999", "t=1;v1=0"] {
            assert_eq!(verify(&secrets(&["secret"]), bad, BODY, 1), Err(Refused::Malformed), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_and_no_body_panics_or_passes(header in ".{0,200}", body in proptest::collection::vec(0_u8.., 0..200), now in 0_u64..) {
            assert!(verify(&secrets(&["secret"]), &header, &body, now).is_err());
        }

        #[test]
        fn nothing_like_a_signature_passes(digits in "[0-9a-fA-F]{62,66}", now in 0_u64..2_000_000_000) {
            assert!(verify(&secrets(&["secret"]), &format!("t={now},v1={digits}"), BODY, now).is_err());
        }
    }
}
