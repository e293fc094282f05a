//! Letters of the PDF's built-in fonts: Windows code page 1252. What is not in it is written with the nearest letter that is,
//! or as a question mark, and the page says so.

/// A text in code page 1252, and whether every letter of it is there as it was.
pub fn encode(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut exact = true;
    for letter in text.chars() {
        if let Some(byte) = of_1252(letter) {
            bytes.push(byte);
            continue;
        }
        exact = false;
        bytes.extend_from_slice(nearest(letter).unwrap_or("?").as_bytes());
    }
    (bytes, exact)
}

/// The upper half of the page where it is not Latin-1.
const HIGH: [(char, u8); 27] = [
    ('\u{20ac}', 0x80),
    ('\u{201a}', 0x82),
    ('\u{0192}', 0x83),
    ('\u{201e}', 0x84),
    ('\u{2026}', 0x85),
    ('\u{2020}', 0x86),
    ('\u{2021}', 0x87),
    ('\u{02c6}', 0x88),
    ('\u{2030}', 0x89),
    ('\u{0160}', 0x8a),
    ('\u{2039}', 0x8b),
    ('\u{0152}', 0x8c),
    ('\u{017d}', 0x8e),
    ('\u{2018}', 0x91),
    ('\u{2019}', 0x92),
    ('\u{201c}', 0x93),
    ('\u{201d}', 0x94),
    ('\u{2022}', 0x95),
    ('\u{2013}', 0x96),
    ('\u{2014}', 0x97),
    ('\u{02dc}', 0x98),
    ('\u{2122}', 0x99),
    ('\u{0161}', 0x9a),
    ('\u{203a}', 0x9b),
    ('\u{0153}', 0x9c),
    ('\u{017e}', 0x9e),
    ('\u{0178}', 0x9f),
];

fn of_1252(letter: char) -> Option<u8> {
    match letter {
        ' '..='~' => Some(letter as u8),
        '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).ok(),
        _ => HIGH.iter().find(|(known, _)| *known == letter).map(|(_, byte)| *byte),
    }
}

/// Latin letters of the languages of Central Europe, Turkey and the Baltic, in pairs of capital and small.
const LATIN: [(&str, &str); 25] = [
    ("\u{100}\u{102}\u{104}", "A"),
    ("\u{101}\u{103}\u{105}", "a"),
    ("\u{106}\u{108}\u{10a}\u{10c}", "C"),
    ("\u{107}\u{109}\u{10b}\u{10d}", "c"),
    ("\u{10e}\u{110}", "D"),
    ("\u{10f}\u{111}", "d"),
    ("\u{112}\u{114}\u{116}\u{118}\u{11a}", "E"),
    ("\u{113}\u{115}\u{117}\u{119}\u{11b}", "e"),
    ("\u{11c}\u{11e}\u{120}\u{122}", "G"),
    ("\u{11d}\u{11f}\u{121}\u{123}", "g"),
    ("\u{128}\u{12a}\u{12e}\u{130}", "I"),
    ("\u{129}\u{12b}\u{12f}\u{131}", "i"),
    ("\u{139}\u{13b}\u{13d}\u{141}", "L"),
    ("\u{13a}\u{13c}\u{13e}\u{142}", "l"),
    ("\u{143}\u{145}\u{147}", "N"),
    ("\u{144}\u{146}\u{148}", "n"),
    ("\u{14c}\u{150}", "O"),
    ("\u{14d}\u{151}", "o"),
    ("\u{154}\u{158}", "R"),
    ("\u{155}\u{159}", "r"),
    ("\u{15a}\u{15c}\u{15e}\u{218}", "S"),
    ("\u{15b}\u{15d}\u{15f}\u{219}", "s"),
    ("\u{162}\u{164}\u{21a}", "T"),
    ("\u{163}\u{165}\u{21b}", "t"),
    ("\u{179}\u{17b}", "Z"),
];
const MORE_LATIN: [(&str, &str); 5] = [
    ("\u{17a}\u{17c}", "z"),
    ("\u{168}\u{16a}\u{16c}\u{16e}\u{170}\u{172}", "U"),
    ("\u{169}\u{16b}\u{16d}\u{16f}\u{171}\u{173}", "u"),
    ("\u{136}", "K"),
    ("\u{137}", "k"),
];

fn nearest(letter: char) -> Option<&'static str> {
    if letter.is_whitespace() {
        return Some(" ");
    }
    LATIN.iter().chain(&MORE_LATIN).find(|(letters, _)| letters.contains(letter)).map(|(_, plain)| *plain)
}

/// Width of a text in Helvetica, in thousandths of the font's size. Bold letters are a twentieth wider.
pub fn width(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(letter_width(*byte))).sum()
}

/// From the font's metrics; letters with marks are as wide as those without.
fn letter_width(byte: u8) -> u16 {
    match byte {
        b' ' | b'!' | b',' | b'.' | b'/' | b':' | b';' | b'I' | b'[' | b'\\' | b']' | b'f' | b't' => 278,
        b'i' | b'j' | b'l' | b'\'' => 222,
        b'(' | b')' | b'-' | b'`' | b'r' => 333,
        b'"' => 355,
        b'c' | b'k' | b's' | b'v' | b'x' | b'y' | b'z' | b'J' => 500,
        b'F' | b'T' | b'Z' | b'+' | b'<' | b'=' | b'>' => 611,
        b'A' | b'B' | b'E' | b'K' | b'P' | b'S' | b'V' | b'X' | b'Y' | b'&' => 667,
        b'C' | b'D' | b'H' | b'N' | b'R' | b'U' | b'w' => 722,
        b'G' | b'O' | b'Q' => 778,
        b'M' | b'm' => 833,
        b'%' => 889,
        b'W' => 944,
        b'@' => 1015,
        0xc0..=0xde => 722,
        _ => 556,
    }
}
