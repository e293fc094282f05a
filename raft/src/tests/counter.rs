//! The machine of the tests: it adds numbers, remembers what it added, and knows how to misbehave.

use std::io;

use bytes::Bytes;

use crate::machine::{Frozen, Halt, Position, StateMachine};

/// Commands are text: `+7` adds, `due 5` sets a deadline that many milliseconds after its batch, `pulse` does nothing, `halt` halts, `panic`
/// panics, `bulk 1000` adds that many bytes to the state.
#[derive(Clone, Default)]
pub struct Counter {
    pub sum: u64,
    pub count: u64,
    pub digest: u64,
    pub due_us: Option<u64>,
    pub last_at_us: u64,
    pub bulk: Vec<u8>,
}

impl Counter {
    fn run(&mut self, at_us: u64, command: &str) -> Result<String, Halt> {
        if self.due_us.is_some_and(|due| due <= at_us) {
            self.due_us = None;
        }
        match command.split_once(' ') {
            Some(("due", ms)) => self.due_us = Some(at_us + ms.parse::<u64>().unwrap_or(0) * 1000),
            Some(("bulk", bytes)) => self.bulk.resize(self.bulk.len() + bytes.parse::<usize>().unwrap_or(0), 7),
            _ if command == "pulse" => {}
            _ if command == "halt" => return Err(Halt::new("told to halt")),
            _ if command == "panic" => panic!("told to panic"),
            _ => {
                self.sum += command.trim_start_matches('+').parse::<u64>().unwrap_or(0);
                self.count += 1;
            }
        }
        Ok(format!("{}", self.sum))
    }
}

impl StateMachine for Counter {
    fn apply(&mut self, position: Position, at_us: u64, commands: &[Bytes]) -> Result<Vec<Bytes>, Halt> {
        assert!(at_us > self.last_at_us, "time must move on: {at_us} after {}", self.last_at_us);
        self.last_at_us = at_us;
        let mut replies = Vec::with_capacity(commands.len());
        for command in commands {
            let text = std::str::from_utf8(command).map_err(|error| Halt::new(error.to_string()))?;
            replies.push(self.run(at_us, text)?.into());
            let mixed = self.digest ^ position.index ^ at_us.rotate_left(32) ^ crc32c::crc32c(command) as u64;
            self.digest = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        }
        Ok(replies)
    }

    fn deadline_us(&self) -> Option<u64> {
        self.due_us
    }

    fn pulse(&self) -> Bytes {
        Bytes::from_static(b"pulse")
    }

    fn digest(&self) -> u128 {
        u128::from(self.digest) << 64 | u128::from(self.sum)
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(self.clone())
    }

    fn restore(&mut self, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()> {
        let numbers = frames.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let number = |place: usize| numbers[place * 8..place * 8 + 8].try_into().map(u64::from_le_bytes).map_err(io::Error::other);
        *self = Self { sum: number(0)?, count: number(1)?, digest: number(2)?, due_us: None, last_at_us: number(4)?, bulk: Vec::new() };
        self.due_us = Some(number(3)?).filter(|due| *due != 0);
        for frame in frames {
            self.bulk.extend(frame?);
        }
        Ok(())
    }
}

impl Frozen for Counter {
    fn write(&mut self, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let numbers = [self.sum, self.count, self.digest, self.due_us.unwrap_or(0), self.last_at_us];
        sink(&numbers.map(u64::to_le_bytes).concat())?;
        self.bulk.chunks(64 * 1024).try_for_each(sink)
    }
}
