//! One reader of a live map in `bench live`: keeps the map as a page does.

use super::connection::{find, text_field};
use super::verify::base64;

/// The map of a reader: two bits a seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The revision that it shows; 0 = none yet.
    pub rev: u64,
    /// Two bits a seat, lowest bits of each byte first.
    pub states: Vec<u8>,
    /// How often it had to start over.
    pub resyncs: u64,
}

/// A delta that was taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Delta {
    /// Its revision.
    pub rev: u64,
    /// The seats that it set to sold.
    pub sold: Vec<u32>,
}

/// A message did not fit what came before.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap;

impl Watched {
    /// Takes a message; gives what a new delta brought.
    ///
    /// # Errors
    /// When it does not follow on what came before.
    pub fn take(&mut self, text: &[u8]) -> Result<Option<Delta>, Gap> {
        match text_field(text, "type") {
            Some("snapshot") => {
                self.rev = number_field(text, "rev").ok_or(Gap)?;
                self.states = text_field(text, "state").and_then(base64).ok_or(Gap)?;
            }
            Some("delta") => {
                let (prev, rev) = (number_field(text, "prev").ok_or(Gap)?, number_field(text, "rev").ok_or(Gap)?);
                if prev > self.rev {
                    return Err(Gap);
                }
                if rev > self.rev {
                    return self.follow(rev, text).map(Some);
                }
            }
            Some("resync") => self.resyncs += 1,
            _ => {}
        }
        Ok(None)
    }

    fn follow(&mut self, rev: u64, text: &[u8]) -> Result<Delta, Gap> {
        let mut sold = Vec::new();
        for (seat, state) in pairs(text).ok_or(Gap)? {
            self.set(seat, state).ok_or(Gap)?;
            if state == 2 {
                sold.push(seat);
            }
        }
        self.rev = rev;
        Ok(Delta { rev, sold })
    }

    fn set(&mut self, seat: u32, state: u8) -> Option<()> {
        let (place, shift) = (seat as usize / 4, seat % 4 * 2);
        let byte = self.states.get_mut(place)?;
        *byte = *byte & !(3 << shift) | (state & 3) << shift;
        Some(())
    }

    /// How many seats are in another state than these, one byte a seat.
    #[must_use]
    pub fn differences(&self, states: &[u8]) -> usize {
        let own = |seat: usize| self.states.get(seat / 4).map(|byte| byte >> (seat % 4 * 2) & 3);
        states.iter().enumerate().filter(|(seat, state)| own(*seat) != Some(**state)).count()
    }
}

/// The number after `"name":`.
fn number_field(text: &[u8], name: &str) -> Option<u64> {
    let mark = format!("\"{name}\":");
    let start = find(text, mark.as_bytes())? + mark.len();
    digits(&text[start..]).map(|(number, _)| number)
}

/// A number at the beginning, and how long it is.
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    let length = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let number = std::str::from_utf8(&text[..length]).ok()?.parse().ok()?;
    Some((number, length))
}

/// The pairs of `"set":[[seat,state],...]`.
fn pairs(text: &[u8]) -> Option<Vec<(u32, u8)>> {
    const MARK: &[u8] = b"\"set\":[";
    let mut rest = &text[find(text, MARK)? + MARK.len()..];
    let mut found = Vec::new();
    while let Some(inner) = rest.strip_prefix(b"[") {
        let (seat, length) = digits(inner)?;
        let inner = inner[length..].strip_prefix(b",")?;
        let (state, length) = digits(inner)?;
        found.push((u32::try_from(seat).ok()?, u8::try_from(state).ok()?));
        let after = inner[length..].strip_prefix(b"]")?;
        rest = after.strip_prefix(b",").unwrap_or(after);
    }
    rest.first().filter(|byte| **byte == b']').map(|_| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_follows_its_messages() {
        let mut map = Watched::default();
        let snapshot =
            br#"{"type":"snapshot","rev":10,"layout":"lay_1","seats":5,"sale":"on_sale","state":"4wI=","prices":{"0":5},"agg":{}}"#;
        assert_eq!(map.take(snapshot), Ok(None));
        assert_eq!((map.rev, map.differences(&[3, 0, 2, 3, 2])), (10, 0));
        let delta = br#"{"type":"delta","prev":10,"rev":12,"set":[[0,1],[4,2]],"agg":{"A":[1,2,3]}}"#;
        assert_eq!(map.take(delta), Ok(Some(Delta { rev: 12, sold: vec![4] })));
        assert_eq!((map.rev, map.differences(&[1, 0, 2, 3, 2])), (12, 0));
        assert_eq!(map.take(br#"{"type":"delta","prev":8,"rev":11,"set":[[0,0]]}"#), Ok(None), "it is older");
        assert_eq!(map.take(br#"{"type":"delta","prev":14,"rev":15,"set":[]}"#), Err(Gap));
        assert_eq!(map.take(br#"{"type":"delta","prev":12,"rev":14,"set":[[99,1]]}"#), Err(Gap));
        assert_eq!((map.take(br#"{"type":"resync"}"#), map.resyncs), (Ok(None), 1));
    }

    #[test]
    fn broken_lists_are_no_lists() {
        for text in [r#"{"set":[[1,2]"#, r#"{"set":[[1]]}"#, r#"{"set":[[a,1]]}"#, r#"{"nothing":1}"#] {
            assert_eq!(pairs(text.as_bytes()), None, "{text}");
        }
    }
}
