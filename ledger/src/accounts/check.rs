//! What a well-formed account command looks like.

use alloc::format;

use crate::command::{Delivery, Role, Scopes};
use crate::outcome::Rejection;

/// The longest e-mail, in bytes.
pub const EMAIL_BYTES_MAX: usize = 254;

/// The longest name of a person, in bytes.
pub const NAME_BYTES_MAX: usize = 120;

/// The longest hash of a password, in bytes.
pub const PASSWORD_HASH_BYTES_MAX: usize = 512;

/// The most records of one delivery.
pub const RECORDS_MAX: usize = 10_000;

/// The longest address of a session, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 64;

/// The longest agent of a session, in bytes.
pub const AGENT_BYTES_MAX: usize = 160;

/// The longest name of a key, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 80;

type Check = Result<(), Rejection>;

pub fn malformed(pointer: &str, detail: &str) -> Rejection {
    Rejection::Malformed { pointer: pointer.into(), detail: detail.into() }
}

pub fn register(email_given: &str, name: &str, hash: &str) -> Check {
    email(email_given)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(malformed("/name", &format!("at most {NAME_BYTES_MAX} bytes")));
    }
    password_hash(hash)
}

/// Guests come without a password, by a command of their own.
pub fn not_guest(role: Role) -> Check {
    if role == Role::Guest { Err(malformed("/role", "a guest has no account of their own")) } else { Ok(()) }
}

pub fn guest(email_given: &str, name: &str) -> Check {
    email(email_given)?;
    if name.len() > NAME_BYTES_MAX { Err(malformed("/name", &format!("at most {NAME_BYTES_MAX} bytes"))) } else { Ok(()) }
}

pub fn email(email: &str) -> Check {
    if email.len() > EMAIL_BYTES_MAX {
        return Err(malformed("/email", &format!("at most {EMAIL_BYTES_MAX} bytes")));
    }
    let parts = email.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    // Only ASCII letters are judged: what counts as a capital letter elsewhere differs from one toolchain to the next.
    let odd = |byte: u8| byte <= b' ' || byte == 0x7f || byte.is_ascii_uppercase();
    if !parts || email.bytes().any(odd) {
        return Err(malformed("/email", "an address of the form name@host, without spaces and capital letters"));
    }
    Ok(())
}

pub fn password_hash(hash: &str) -> Check {
    let fits = hash.starts_with('$') && hash.len() <= PASSWORD_HASH_BYTES_MAX;
    if fits { Ok(()) } else { Err(malformed("/password_hash", "a hash in PHC form")) }
}

pub fn session(address: &str, agent: &str) -> Check {
    if address.len() > ADDRESS_BYTES_MAX || agent.len() > AGENT_BYTES_MAX {
        return Err(malformed("/agent", &format!("at most {ADDRESS_BYTES_MAX} bytes of address, {AGENT_BYTES_MAX} of agent")));
    }
    Ok(())
}

pub fn key(name: &str, scopes: Scopes) -> Check {
    if name.is_empty() || name.len() > KEY_NAME_BYTES_MAX {
        return Err(malformed("/name", &format!("from 1 to {KEY_NAME_BYTES_MAX} bytes")));
    }
    if scopes.is_empty() { Err(malformed("/scopes", "at least one scope")) } else { Ok(()) }
}

pub fn deliver(records: &[Delivery]) -> Check {
    if records.len() <= RECORDS_MAX { Ok(()) } else { Err(malformed("/records", &format!("at most {RECORDS_MAX} records"))) }
}
