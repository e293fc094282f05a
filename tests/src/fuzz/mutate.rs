//! Makes inputs of seeds: flips, cuts, copies, splices, inserted lengths. The same number makes the same input.

/// Longest input, in bytes.
const BYTES_MAX: usize = 64 * 1024;
/// Values that stand for lengths and counts in one format or another.
const LENGTHS: [&[u8]; 9] = [
    &[0xff, 0xff, 0xff, 0xff],
    &[0, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x10],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xff; 16],
    b"18446744073709551615",
    b"-1",
    b"1e308",
];
/// Text that parsers stumble over.
const WORDS: [&[u8]; 12] =
    [b"{", b"[", b"\"", b"}", b"[[[[[[[[", b"null", b"\\ud800", b"\0", "\u{202e}".as_bytes(), b"%00", b"../", "\u{1f3ab}".as_bytes()];

/// A source of inputs.
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The inputs of this number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self { state: number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    fn draw(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.draw() >> 11) as usize % bound.max(1)
    }

    /// One input, made of these seeds by a few changes.
    #[must_use]
    pub fn input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let place = self.below(seeds.len());
        let mut bytes = seeds.get(place).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, seeds);
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = at + self.below(bytes.len() - at + 1).min(64);
        match self.below(9) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff, b'9', b'"', b':'][self.below(8)];
                }
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let length = LENGTHS[self.below(LENGTHS.len())];
                let over = (at + length.len() * self.below(2)).min(bytes.len());
                bytes.splice(at..over, length.iter().copied());
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
}
