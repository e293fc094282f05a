//! Base 45 (RFC 9285): bytes as the 45 characters that a QR symbol packs tightest. A code of 117 bytes fits a symbol of 45 by
//! 45 squares this way; base 64 would need 53.

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Two bytes become three characters, a last one two.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    let mut push = |value: usize| text.push(char::from(ALPHABET[value % 45]));
    for pair in bytes.chunks(2) {
        match *pair {
            [high, low] => {
                let value = usize::from(high) << 8 | usize::from(low);
                [value, value / 45, value / 2025].into_iter().for_each(&mut push);
            }
            [only] => {
                [usize::from(only), usize::from(only) / 45].into_iter().for_each(&mut push);
            }
            _ => {}
        }
    }
    text
}

/// The bytes of a text; `None` if it is not the one encoding of any.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| ALPHABET.iter().position(|known| known == byte);
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for part in text.as_bytes().chunks(3) {
        let digits: Vec<usize> = part.iter().map(digit).collect::<Option<_>>()?;
        match *digits {
            [c, d, e] => bytes.extend(u16::try_from(c + d * 45 + e * 2025).ok()?.to_be_bytes()),
            [c, d] => bytes.push(u8::try_from(c + d * 45).ok()?),
            _ => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 9285, section 4.
    #[test]
    fn the_examples_of_the_rfc() {
        for (plain, coded) in [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0"), ("", "")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn every_length_survives_and_nonsense_does_not() {
        for length in 0..130_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(151)).collect();
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
        for bad in ["A", "GGW", ":::", "::", "ab", "\u{e9}AA", "AAAA"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
