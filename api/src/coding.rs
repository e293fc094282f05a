//! Content codings: which one a caller takes, and how a body is packed.

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

/// Bodies below this are not worth packing.
const PACKED_BYTES_MIN: usize = 512;
/// Levels at which a page of 30 kB takes less than a millisecond.
const GZIP_LEVEL: u32 = 5;
const ZSTD_LEVEL: i32 = 3;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Coding {
    /// Its name in `Content-Encoding`; none for identity.
    #[must_use]
    pub fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
        }
    }

    /// What a caller takes: the coding that it rates highest, the smaller one of equals.
    #[must_use]
    pub fn asked(headers: &HeaderMap) -> Self {
        let Some(text) = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else { return Self::Identity };
        let (mut zstd, mut gzip, mut any) = (None, None, 0);
        for part in text.split(',') {
            let (name, rating) = rated(part);
            match name {
                name if name.eq_ignore_ascii_case("zstd") => zstd = Some(rating),
                name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => gzip = Some(rating),
                "*" => any = rating,
                _ => {}
            }
        }
        match (zstd.unwrap_or(any), gzip.unwrap_or(any)) {
            (0, 0) => Self::Identity,
            (zstd, gzip) if zstd >= gzip => Self::Zstd,
            _ => Self::Gzip,
        }
    }

    /// Packs a body; `None` when that would not make it smaller.
    #[must_use]
    pub fn pack(self, body: &[u8]) -> Option<Bytes> {
        if body.len() < PACKED_BYTES_MIN {
            return None;
        }
        let packed = match self {
            Self::Identity => None,
            Self::Gzip => gzip(body),
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL).ok(),
        };
        packed.filter(|packed| packed.len() < body.len()).map(Bytes::from)
    }
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 2), flate2::Compression::new(GZIP_LEVEL));
    writer.write_all(body).ok()?;
    writer.finish().ok()
}

/// A name with its rating in thousandths; what is not understood is taken as a whole yes.
fn rated(part: &str) -> (&str, u32) {
    let mut pieces = part.split(';');
    let name = pieces.next().unwrap_or_default().trim();
    let rating = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(1000, thousandths);
    (name, rating)
}

/// `1`, `0`, `0.5`, `0.123` in thousandths.
fn thousandths(text: &str) -> u32 {
    let (whole, rest) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = rest.bytes().chain(std::iter::repeat(b'0')).take(3);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0').min(9)));
    if whole == "0" { fraction } else { 1000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn callers_get_what_they_rate_highest() {
        for (text, coding) in [
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("gzip, deflate, br", Coding::Gzip),
            ("GZIP;q=0.8, zstd;q=0.2", Coding::Gzip),
            ("zstd;q=0, gzip", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("*", Coding::Zstd),
            ("*;q=0.001, zstd;q=0.0", Coding::Gzip),
            ("br", Coding::Identity),
            ("", Coding::Identity),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            assert_eq!(Coding::asked(&headers), coding, "{text}");
        }
        assert_eq!(Coding::asked(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn what_is_packed_is_smaller_and_whole() {
        let body = "a seat, another seat, ".repeat(100);
        let gzip = Coding::Gzip.pack(body.as_bytes()).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, body);
        let packed = Coding::Zstd.pack(body.as_bytes()).unwrap();
        assert_eq!(zstd::bulk::decompress(&packed, 10_000).unwrap(), body.as_bytes());
        assert!(gzip.len() < body.len() / 5 && packed.len() < body.len() / 5);
        assert_eq!(Coding::Gzip.pack(b"short"), None);
        assert_eq!(Coding::Identity.pack(body.as_bytes()), None);
    }
}
