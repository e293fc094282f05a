//! The terminal: raw while it is open, as it was afterwards. Plain escape sequences that every terminal of the last decades knows.

use std::io::{BufReader, Read as _, Write as _};

use anyhow::Context as _;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

/// Shown when the size of the terminal is not known.
const ROWS: usize = 24;
const COLUMNS: usize = 80;

/// An open terminal.
pub struct Terminal {
    before: Termios,
    keys: mpsc::UnboundedReceiver<u8>,
}

impl Terminal {
    /// Takes the terminal over: another screen, no cursor, every key at once.
    ///
    /// # Errors
    /// When it is none.
    pub fn open() -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin()).context("read the terminal's settings")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw).context("change the terminal's settings")?;
        print!("\x1b[?1049h\x1b[?25l");
        let (sender, keys) = mpsc::unbounded_channel();
        // Ends with the process, or with the first key after the view.
        std::thread::spawn(move || {
            for byte in BufReader::new(std::io::stdin()).bytes().map_while(Result::ok) {
                if sender.send(byte).is_err() {
                    return;
                }
            }
        });
        Ok(Self { before, keys })
    }

    /// The next key.
    pub async fn key(&mut self) -> u8 {
        match self.keys.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }

    /// Draws lines, cut to what fits.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&mut self, lines: &[String]) -> anyhow::Result<()> {
        let (rows, columns) = tcgetwinsize(std::io::stdout())
            .map(|size| (usize::from(size.ws_row), usize::from(size.ws_col)))
            .ok()
            .filter(|(rows, columns)| *rows > 0 && *columns > 0)
            .unwrap_or((ROWS, COLUMNS));
        let mut text = String::from("\x1b[H");
        for (place, line) in lines.iter().take(rows).enumerate() {
            if place > 0 {
                text.push_str("\r\n");
            }
            text.extend(line.chars().take(columns));
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        print!("\x1b[?25h\x1b[?1049l");
        // There is nobody left to tell when these fail.
        let _ = std::io::stdout().flush();
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
