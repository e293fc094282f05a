//! What is drawn around a frame, and what keys do.

use super::frame::Frame;

const HELP: &[&str] = &[
    "commits/s   entries that leaders put through the log; commands/s what was in them",
    "commit p99  99 of 100 batches were committed and applied within this, since the last look; write p99 the same of requests",
    "queue       operations that wait for the log's writer       search lag  entries of the catalog that search lacks",
    "waiting     commands that wait for a batch                  lag         entries that the slowest node lacks",
    "outbox      records on their way to users' groups",
    "",
    "q ends   ? this   / picks groups by number, kind (events) or leader (n2); Enter keeps, Esc forgets",
];

/// What the person at the terminal chose to see.
#[derive(Default)]
pub struct View {
    /// Why there is nothing new.
    pub trouble: Option<String>,
    explains: bool,
    filter: String,
    types: bool,
}

impl View {
    /// Takes a key; whether it ends the view.
    pub fn press(&mut self, key: u8) -> bool {
        const ESCAPE: u8 = 0x1b;
        const BACKSPACE: u8 = 0x7f;
        const INTERRUPT: u8 = 0x03;
        match key {
            INTERRUPT => return true,
            b'\r' | b'\n' if self.types => self.types = false,
            ESCAPE => {
                (self.types, self.explains) = (false, false);
                self.filter.clear();
            }
            BACKSPACE if self.types => drop(self.filter.pop()),
            letter if self.types && (letter.is_ascii_alphanumeric()) => self.filter.push(char::from(letter.to_ascii_lowercase())),
            _ if self.types => {}
            b'q' => return true,
            b'?' => self.explains = !self.explains,
            b'/' => (self.types, self.filter) = (true, String::new()),
            _ => {}
        }
        false
    }

    /// The lines to show.
    pub fn lines(&self, frame: &Frame) -> Vec<String> {
        let mut lines = frame.lines(&self.filter);
        lines.push(String::new());
        if self.explains {
            lines.extend(HELP.iter().map(|line| (*line).to_owned()));
        }
        if let Some(trouble) = &self.trouble {
            lines.push(format!("no node answers: {trouble}"));
        }
        lines.push(match () {
            () if self.types => format!("/{}_", self.filter),
            () if self.filter.is_empty() => "q ends  ? explains  / picks groups".to_owned(),
            () => format!("groups: {}   Esc shows all", self.filter),
        });
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_explain_and_pick() {
        let mut view = View::default();
        let last = |view: &View| view.lines(&Frame::default()).pop().unwrap_or_default();
        assert!(!view.press(b'?') && view.lines(&Frame::default()).iter().any(|line| line.starts_with("queue")));
        for key in *b"/n2q" {
            assert!(!view.press(key), "while typing, q is a letter");
        }
        assert_eq!(last(&view), "/n2q_");
        assert!(!view.press(0x7f) && !view.press(b'\r'));
        assert_eq!(last(&view), "groups: n2   Esc shows all");
        assert!(!view.press(0x1b) && last(&view).starts_with("q ends"));
        assert!(view.press(b'q'));
    }
}
