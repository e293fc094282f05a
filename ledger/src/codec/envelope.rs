//! Envelopes: a message whose field 1 is its version. Tells bytes of a newer build from bytes of no build.
//!
//! Every encoder here writes what decoding and encoding again would write, so a message that comes out shorter than it
//! came in held a field that this build does not know, at whatever depth: that is `Unknown`, never silently dropped.

use alloc::format;
use alloc::vec::Vec;

use prost::Message;
use prost::encoding::decode_varint;

use super::CodecError;

/// The version that this build writes and reads.
pub const VERSION: u32 = 1;

/// Field 1, wire type varint.
const VERSION_KEY: u8 = 0x08;

/// Encodes a message; its `version` field must be [`VERSION`].
pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    message.encode_to_vec()
}

/// Decodes a message whose field 1 is its version.
///
/// # Errors
/// [`CodecError::Unknown`] for another version or a field unknown to this build, [`CodecError::Broken`] for anything else.
pub fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, CodecError> {
    check_version(bytes)?;
    exact(bytes)
}

/// Checks that a message begins with the version that this build reads.
///
/// # Errors
/// [`CodecError::Unknown`] for another version, [`CodecError::Broken`] for none.
pub fn check_version(bytes: &[u8]) -> Result<(), CodecError> {
    let (&first, mut rest) = bytes.split_first().ok_or_else(|| CodecError::broken("no bytes"))?;
    if first != VERSION_KEY {
        return Err(CodecError::broken("no version"));
    }
    let version = decode_varint(&mut rest).map_err(|_| CodecError::broken("the version is cut off"))?;
    if version == 0 {
        return Err(CodecError::broken("version 0"));
    }
    if version != u64::from(VERSION) {
        return Err(CodecError::Unknown(format!("version {version}")));
    }
    Ok(())
}

/// Decodes a message all of whose fields this build knows.
///
/// # Errors
/// As [`decode`].
pub fn exact<M: Message + Default>(bytes: &[u8]) -> Result<M, CodecError> {
    let message = M::decode(bytes).map_err(|error| CodecError::Broken(format!("{error}")))?;
    if message.encoded_len() == bytes.len() { Ok(message) } else { Err(CodecError::unknown("a field of the message")) }
}

#[cfg(test)]
mod tests {
    use super::super::wire;
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn header() -> wire::SnapshotHeader {
        wire::SnapshotHeader { version: VERSION, machine: "seats".to_string(), at_us: 5, request_limit: 6 }
    }

    #[test]
    fn tells_unknown_from_broken() {
        let good = encode(&header());
        assert_eq!(decode::<wire::SnapshotHeader>(&good), Ok(header()));
        let newer = encode(&wire::SnapshotHeader { version: 2, ..header() });
        let with_field = [good.clone(), vec![0xf8, 0x07, 1]].concat();
        let newer_and_garbled = vec![0x08, 0x09, 0xff];
        for bytes in [newer, with_field, newer_and_garbled] {
            assert!(matches!(decode::<wire::SnapshotHeader>(&bytes), Err(CodecError::Unknown(_))), "{bytes:?}");
        }
        for bytes in [vec![], vec![0x08], vec![0x08, 0], good[2..].to_vec(), good[..good.len() - 1].to_vec(), vec![8, 1, 0xff]] {
            assert!(matches!(decode::<wire::SnapshotHeader>(&bytes), Err(CodecError::Broken(_))), "{bytes:?}");
        }
    }
}
