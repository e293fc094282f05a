//! The sandbox provider's durable memory: an append-only file of checksummed lines, written by one thread that makes everything
//! that waits durable with one fdatasync. Opened, it is read, cut behind its last whole line, and written anew without the past.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

use anyhow::{Context, bail};
use tokio::sync::watch;

/// Lines that one fdatasync makes durable, at most.
const LINES_AT_ONCE: usize = 1024;

const FILE: &str = "journal";

/// A line is its checksum, a space, the text and a line feed.
const CHECKSUM_CHARS: usize = 16;

/// See the module.
pub struct Journal {
    lines: Sender<(u64, Vec<u8>)>,
    durable: watch::Receiver<u64>,
}

/// The texts that a folder's journal holds, oldest first.
///
/// # Errors
/// When it cannot be read, or is damaged anywhere but at its end.
pub fn read(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let mut texts = Vec::with_capacity(lines.len());
    for (place, line) in lines.iter().enumerate() {
        match text_of(line) {
            Some(text) => texts.push(text),
            None if lines[place + 1..].iter().any(|later| text_of(later).is_some()) => {
                bail!("{} is damaged in line {}: whole lines follow", path.display(), place + 1)
            }
            None => {
                tracing::warn!(lines = lines.len() - place, "the journal's end was not written whole: dropped, nobody was told of it");
                break;
            }
        }
    }
    Ok(texts)
}

impl Journal {
    /// Replaces the folder's journal by one with these texts, and goes on from there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path, texts: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let (path, fresh) = (folder.join(FILE), folder.join("journal.new"));
        let write = || -> std::io::Result<File> {
            let mut out = std::io::BufWriter::new(File::create(&fresh)?);
            texts.map(|text| line_of(&text)).try_for_each(|line| out.write_all(&line))?;
            out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
            fs::rename(&fresh, &path)?;
            File::open(folder)?.sync_all()?;
            OpenOptions::new().append(true).open(&path)
        };
        let file = write().with_context(|| format!("write {}", path.display()))?;
        let (lines, queue) = mpsc::channel();
        let (done, durable) = watch::channel(0);
        std::thread::Builder::new().name("journal".into()).spawn(move || write_all(file, path, &queue, &done)).context("start a thread")?;
        Ok(Self { lines, durable })
    }

    /// Queues a text under its number; numbers rise. Call it while holding what keeps the order.
    pub fn append(&self, number: u64, text: &str) {
        // The thread only ends with the process.
        let _ = self.lines.send((number, line_of(text)));
    }

    /// Waits until the text with this number, and so every one before it, is durable.
    pub async fn wait(&self, number: u64) {
        let mut durable = self.durable.clone();
        // It only fails when the thread has ended, and with it the process.
        let _ = durable.wait_for(|done| *done >= number).await;
    }
}

fn write_all(mut file: File, path: PathBuf, queue: &Receiver<(u64, Vec<u8>)>, done: &watch::Sender<u64>) {
    while let Ok((mut number, mut bytes)) = queue.recv() {
        for (later, line) in queue.try_iter().take(LINES_AT_ONCE - 1) {
            number = later;
            bytes.extend_from_slice(&line);
        }
        if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
            // What is on the disk now is unknown, so nothing may be promised any more.
            tracing::error!(path = %path.display(), %error, "the journal cannot be written");
            std::process::abort();
        }
        done.send_replace(number);
    }
}

fn line_of(text: &str) -> Vec<u8> {
    let mut line = checksum(text.as_bytes()).into_bytes();
    line.push(b' ');
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    line
}

fn text_of(line: &[u8]) -> Option<String> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, rest) = line.split_at_checked(CHECKSUM_CHARS)?;
    let text = rest.strip_prefix(b" ")?;
    (checksum(text).as_bytes() == sum).then(|| String::from_utf8(text.to_vec()).ok())?
}

fn checksum(text: &[u8]) -> String {
    blake3::hash(text).to_hex()[..CHECKSUM_CHARS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    async fn filled(folder: &Path) {
        let journal = Journal::create(folder, std::iter::once("zero".to_owned())).unwrap();
        journal.append(1, "one");
        journal.append(2, "two");
        journal.wait(2).await;
    }

    #[tokio::test]
    async fn what_was_waited_for_is_read_again() {
        let folder = folder();
        assert!(read(folder.path()).unwrap().is_empty());
        filled(folder.path()).await;
        assert_eq!(read(folder.path()).unwrap(), ["zero", "one", "two"]);
    }

    #[tokio::test]
    async fn every_torn_end_is_dropped() {
        let folder = folder();
        filled(folder.path()).await;
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        let last = whole.len() - line_of("two").len();
        for cut in last..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(read(folder.path()).unwrap(), ["zero", "one"], "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn damage_in_the_middle_is_refused() {
        let folder = folder();
        filled(folder.path()).await;
        let path = folder.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[line_of("zero").len() + 3] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("line 2"));
    }
}
