//! Letters as `.eml` files in a folder. A file appears whole, under a name that sorts by time; whoever sends it removes it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{Letter, Mailer};
use crate::mint;

/// See the module.
pub struct FileMailer {
    dir: PathBuf,
    from: String,
}

impl FileMailer {
    /// Into this folder, which is made when there is something to put in.
    pub fn new(dir: PathBuf, from: String) -> Self {
        Self { dir, from }
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, letter: Letter) -> io::Result<()> {
        let (dir, text) = (self.dir.clone(), message(&self.from, &letter)?);
        tokio::task::spawn_blocking(move || write(&dir, &text)).await.map_err(io::Error::other)?
    }
}

/// The message in the form of RFC 5322. Addresses with line breaks are refused: they could forge headers.
fn message(from: &str, letter: &Letter) -> io::Result<String> {
    if [from, &letter.to, letter.subject].iter().any(|line| line.chars().any(char::is_control)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a control character in a header"));
    }
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
    let host = from.rsplit_once('@').map_or("localhost", |(_, host)| host);
    let body = letter.text.replace('\n', "\r\n");
    Ok(format!(
        "From: {from}\r\nTo: {}\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{:032x}@{host}>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n{body}",
        letter.to,
        letter.subject,
        mint::entropy(),
    ))
}

fn write(dir: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::create_dir_all(dir)?;
    let name = format!("{:013}-{:016x}", mint::now_ms(), mint::entropy() as u64);
    let hidden = dir.join(format!(".{name}.tmp"));
    // Links in it stand for rights: for the owner's eyes only.
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&hidden)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&hidden, dir.join(format!("{name}.eml")))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::letters;

    #[tokio::test]
    async fn a_letter_becomes_a_whole_file() {
        let dir = std::env::temp_dir().join(format!("boxoffice-mail-{}", mint::entropy()));
        let mailer = FileMailer::new(dir.clone(), "tickets@example.org".into());
        mailer.send(letters::reset("ada@example.org".into(), "https://x/#/reset/abc")).await.unwrap();
        mailer.send(letters::password_changed("bob@example.org".into())).await.unwrap();
        let names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(names.len() == 2 && names.iter().all(|name| name.extension().is_some_and(|kind| kind == "eml")), "{names:?}");
        let mut texts = names.iter().map(|name| fs::read_to_string(name).unwrap());
        let text = texts.find(|text| text.contains("To: ada@example.org\r\n")).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("From: tickets@example.org\r\n"), "{head}");
        assert!(body.contains("\r\nhttps://x/#/reset/abc\r\n"), "{body}");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn headers_cannot_be_forged() {
        let letter = Letter { to: "a@b\r\nBcc: all@b".into(), subject: "x", text: String::new() };
        assert!(message("c@d", &letter).is_err());
    }
}
