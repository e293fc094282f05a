//! Tokens that must pass, and tokens that must not.

use boxoffice_ledger::ids::Slot;
use boxoffice_ledger::time::Timestamp;

use super::*;

const NOW_US: u64 = 1_790_000_000_000_000;
const TTL: Duration = Duration::from_secs(900);

fn tokens() -> Tokens {
    Tokens::new("test", &[1; 32]).unwrap()
}

fn caller() -> Caller {
    Caller { user: UserId::new(5, Slot::new(7), 9), role: Role::Coordinator }
}

/// What a token by the holder of the secret says.
fn ada() -> Grant {
    Grant { caller: caller(), version: None, session: None }
}

/// A token with any header and claims, signed by `sign`.
fn forged(header: &str, claims: &str, sign: impl Fn(&str) -> String) -> String {
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = sign(&message);
    format!("{message}.{signature}")
}

fn claims() -> String {
    format!(
        r#"{{"iss":"test","aud":"test","sub":"{}","role":"operator","iat":1,"nbf":1,"jti":"x","exp":{}}}"#,
        caller().user,
        NOW_US / 1_000_000 + 60
    )
}

#[test]
fn a_token_speaks_for_its_caller_on_every_node() {
    let token = tokens().issue(caller(), TTL, NOW_US).unwrap();
    let node = tokens();
    assert_eq!(node.check(&token, NOW_US), Some(ada()));
    assert_eq!(node.check(&token, NOW_US), Some(ada()), "from memory");
    assert!(token.len() < 512, "{}", token.len());
}

#[test]
fn a_token_ends_when_it_says_also_from_memory() {
    let node = tokens();
    let token = node.issue(caller(), TTL, NOW_US).unwrap();
    let last = NOW_US + 899 * 1_000_000;
    assert_eq!(node.check(&token, last), Some(ada()));
    assert_eq!(node.check(&token, last + 1_000_000), None);
    assert_eq!(tokens().check(&token, last + 1_000_000), None);
}

#[test]
fn other_clusters_and_other_keys_do_not_count() {
    let token = Tokens::new("test", &[2; 32]).unwrap().issue(caller(), TTL, NOW_US).unwrap();
    assert_eq!(tokens().check(&token, NOW_US), None);
    let token = Tokens::new("other", &[1; 32]).unwrap().issue(caller(), TTL, NOW_US).unwrap();
    assert_eq!(tokens().check(&token, NOW_US), None);
}

#[test]
fn every_changed_byte_is_noticed() {
    let node = tokens();
    let token = node.issue(caller(), TTL, NOW_US).unwrap();
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last character of a base-64 part may hold unused bits; those do not change the token's meaning.
        if changed != token && node.check(&changed, NOW_US).is_some() {
            assert!(at + 1 == token.len(), "byte {at}");
        }
    }
}

#[test]
fn the_algorithm_is_not_the_tokens_to_choose() {
    let node = tokens();
    let public = node.standing.public()["x"].as_str().unwrap().to_owned();
    let none = forged(r#"{"alg":"none","typ":"JWT"}"#, &claims(), |_| String::new());
    assert_eq!(node.check(&none, NOW_US), None);
    let unsigned = forged(&format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, node.standing.id), &claims(), |_| String::new());
    assert_eq!(node.check(&unsigned, NOW_US), None);
    for secret in [public.as_bytes().to_vec(), BASE64.decode(&public).unwrap()] {
        let key = ::ring::hmac::Key::new(::ring::hmac::HMAC_SHA256, &secret);
        let hmac = forged(&format!(r#"{{"alg":"HS256","kid":"{}"}}"#, node.standing.id), &claims(), |message| {
            BASE64.encode(::ring::hmac::sign(&key, message.as_bytes()))
        });
        assert_eq!(node.check(&hmac, NOW_US), None);
    }
}

#[test]
fn a_key_id_is_only_compared() {
    let node = tokens();
    for kid in ["../../etc/passwd", "' or 1=1 --", "", "0123456789abcdef"] {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        let claims: Claims = serde_json::from_str(&claims()).unwrap();
        let token = jsonwebtoken::encode(&header, &claims, &node.standing.signing).unwrap();
        assert_eq!(node.check(&token, NOW_US), None, "{kid}");
    }
}

#[test]
fn a_session_token_says_what_it_was_granted() {
    let grant = Grant { version: Some(7), session: Some(SessionId(5)), ..ada() };
    let token = tokens().grant(&grant, TTL, NOW_US).unwrap();
    assert_eq!(tokens().check(&token, NOW_US), Some(grant));
    assert_ne!(tokens().grant(&grant, TTL, NOW_US).unwrap(), token, "each token has a name of its own");
    assert_eq!(tokens().check(&token, NOW_US - 61_000_000), None, "not before it was made, but for the clocks' difference");
    assert!(token.len() < 600, "{}", token.len());
}

#[test]
fn a_rotated_key_is_good_until_its_last_token_has_expired() {
    let (node, late) = (tokens(), tokens());
    let old = node.grant(&ada(), TTL, NOW_US).unwrap();
    let until = NOW_US + 900_000_000;
    let epochs = [KeyEpoch { number: 0, until: Some(Timestamp(until)) }, KeyEpoch { number: 1, until: None }];
    assert!(node.follow(&epochs).unwrap() && !node.follow(&epochs).unwrap());
    let new = node.grant(&ada(), TTL, NOW_US + 1).unwrap();
    assert_eq!((node.check(&old, until - 1_000_000), node.check(&old, until)), (Some(ada()), None));
    // A node that has not heard of the rotation accepts the next key already.
    assert_eq!(late.check(&new, NOW_US + 1), Some(ada()));
    // One that starts after the old key's end does not know it.
    let fresh = tokens();
    fresh.follow(&epochs[1..]).unwrap();
    assert_eq!((fresh.check(&old, NOW_US), fresh.check(&new, NOW_US + 1)), (None, Some(ada())));
    // What the holder of the secret signs stays good.
    assert_eq!(fresh.check(&tokens().issue(caller(), TTL, NOW_US).unwrap(), NOW_US), Some(ada()));
    assert_eq!(node.public_keys().len(), 4);
}

#[test]
fn nonsense_is_refused() {
    let node = tokens();
    let long = "a".repeat(100_000);
    for text in ["", ".", "..", "a.b.c", "\u{0}", &long] {
        assert_eq!(node.check(text, NOW_US), None);
    }
}

#[test]
fn memory_is_bounded() {
    let node = tokens();
    let shard = &node.seen[0];
    for number in 0..2 * SHARD_TOKENS_MAX as u128 {
        let mut hash = [0_u8; 16];
        hash[8..].copy_from_slice(&(number as u64).to_le_bytes());
        shard.lock().insert(hash, Seen { grant: ada(), expires_s: u64::MAX });
        if shard.lock().len() >= SHARD_TOKENS_MAX {
            break;
        }
    }
    for number in 0..200 {
        let token = node.issue(caller(), Duration::from_secs(900 + number), NOW_US).unwrap();
        assert!(node.check(&token, NOW_US).is_some());
    }
    assert!(shard.lock().len() <= SHARD_TOKENS_MAX);
}
