//! Secrets in files. The cluster's is 32 bytes in a file of 64 hexadecimal digits, readable by its owner only; others are plain text.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

/// Reads the secret.
///
/// # Errors
/// When the file is missing or holds something else; the error says how to make one.
pub fn read(path: &Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read the secret from {}; make one with: boxoffice secret > FILE", path.display()))?;
    parse(text.trim())
        .with_context(|| format!("{} does not hold 64 hexadecimal digits; make one with: boxoffice secret > FILE", path.display()))
}

/// Makes a secret file unless there is one.
///
/// # Errors
/// When it cannot be written.
pub fn create(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(mut file) => {
            file.write_all(fresh()?.as_bytes()).and_then(|()| file.sync_all()).with_context(|| format!("write {}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).with_context(|| format!("create {}", path.display())),
    }
}

/// Reads a secret that somebody else made, such as a payment provider's key: the file's text without the space around it.
///
/// # Errors
/// When the file is missing, empty, or holds more than one line.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read the secret from {}", path.display()))?;
    match text.trim() {
        secret if !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(secret.to_owned()),
        _ => bail!("{} does not hold one line of printable characters", path.display()),
    }
}

/// A new secret as text.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn fresh() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    if getrandom::fill(&mut bytes).is_err() {
        bail!("the operating system has no random bytes");
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n")
}

fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (place, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_secret_can_be_read_and_is_not_made_twice() {
        let dir = std::env::temp_dir().join(format!("boxoffice-secret-{}", crate::mint::entropy()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("secret");
        create(&path).unwrap();
        let first = read(&path).unwrap();
        create(&path).unwrap();
        assert_eq!(read(&path).unwrap(), first);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "00", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
