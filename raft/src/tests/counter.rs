//! The machine of the tests: it adds numbers, remembers which, and knows how to misbehave.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::machine::{Frozen, Halt, Position, StateMachine};

/// What a counter has come to.
#[derive(Clone, Default, Debug)]
pub struct State {
    pub sum: u64,
    /// How many additions there were; more than `numbers` has when one was executed twice.
    pub count: u64,
    pub numbers: BTreeSet<u64>,
    /// What additions with a key came to.
    keys: BTreeMap<u64, u64>,
    pub due_us: Option<u64>,
    digest: u64,
    last_at_us: u64,
    bulk: Vec<u8>,
}

/// Commands are text: `+7` adds, `+7 3` adds once for the key 3, `due 5` sets a deadline that many milliseconds after its batch, `pulse`
/// does nothing, `halt` halts, `panic` panics, `bulk 1000` adds that many bytes to the state. The state can be looked at from outside.
pub struct Counter(pub Arc<Mutex<State>>);

impl Counter {
    /// A new counter that shows itself there.
    pub fn shown_in(view: Arc<Mutex<State>>) -> Self {
        *view.lock() = State::default();
        Self(view)
    }
}

impl State {
    fn run(&mut self, at_us: u64, command: &str) -> Result<String, Halt> {
        if self.due_us.is_some_and(|due| due <= at_us) {
            self.due_us = None;
        }
        match command.split_once(' ') {
            Some(("due", ms)) => self.due_us = Some(at_us + ms.parse::<u64>().unwrap_or(0) * 1000),
            Some(("bulk", bytes)) => self.bulk.resize(self.bulk.len() + bytes.parse::<usize>().unwrap_or(0), 7),
            None if command == "pulse" => {}
            None if command == "halt" => return Err(Halt::new("told to halt")),
            None if command == "panic" => panic!("told to panic"),
            Some((number, key)) => {
                let key = key.parse::<u64>().unwrap_or(0);
                if !self.keys.contains_key(&key) {
                    self.add(number);
                    self.keys.insert(key, self.sum);
                }
                return Ok(format!("{}", self.keys[&key]));
            }
            None => self.add(command),
        }
        Ok(format!("{}", self.sum))
    }

    fn add(&mut self, number: &str) {
        let number = number.trim_start_matches('+').parse::<u64>().unwrap_or(0);
        self.sum += number;
        self.count += 1;
        self.numbers.insert(number);
    }
}

impl StateMachine for Counter {
    fn apply(&mut self, position: Position, at_us: u64, commands: &[Bytes], mut replies: Option<&mut Vec<Bytes>>) -> Result<(), Halt> {
        let mut state = self.0.lock();
        assert!(at_us > state.last_at_us, "time must move on: {at_us} after {}", state.last_at_us);
        state.last_at_us = at_us;
        for command in commands {
            let text = std::str::from_utf8(command).map_err(|error| Halt::new(error.to_string()))?;
            let reply = state.run(at_us, text)?;
            if let Some(replies) = &mut replies {
                replies.push(reply.into());
            }
            let mixed = state.digest ^ position.index ^ at_us.rotate_left(32) ^ u64::from(crc32c::crc32c(command));
            state.digest = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
        }
        Ok(())
    }

    fn deadline_us(&self) -> Option<u64> {
        self.0.lock().due_us
    }

    fn pulse(&self) -> Bytes {
        Bytes::from_static(b"pulse")
    }

    fn digest(&self) -> u128 {
        let state = self.0.lock();
        u128::from(state.digest) << 64 | u128::from(state.sum)
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(self.0.lock().clone())
    }

    fn restore(&mut self, frames: &mut dyn Iterator<Item = io::Result<Vec<u8>>>) -> io::Result<()> {
        let mut state = State::default();
        let numbers = frames.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let mut numbers = numbers.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().expect("chunks of 8")));
        let mut next = || numbers.next().unwrap_or(0);
        (state.sum, state.count, state.digest, state.last_at_us) = (next(), next(), next(), next());
        state.due_us = Some(next()).filter(|due| *due != 0);
        state.keys = (0..next()).map(|_| (next(), next())).collect();
        state.numbers = numbers.collect();
        for frame in frames {
            state.bulk.extend(frame?);
        }
        *self.0.lock() = state;
        Ok(())
    }
}

impl Frozen for State {
    fn write(&mut self, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let head = [self.sum, self.count, self.digest, self.last_at_us, self.due_us.unwrap_or(0), self.keys.len() as u64];
        let keys = self.keys.iter().flat_map(|(key, sum)| [*key, *sum]);
        let numbers: Vec<u8> = head.into_iter().chain(keys).chain(self.numbers.iter().copied()).flat_map(u64::to_le_bytes).collect();
        sink(&numbers)?;
        self.bulk.chunks(64 * 1024).try_for_each(sink)
    }
}
