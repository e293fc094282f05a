//! Walks the fields of a protobuf message in place, without allocating.

use prost::encoding::{WireType, decode_key, decode_varint};

use super::super::CodecError;

/// The content of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// An integer.
    Varint(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message in the order of its bytes, each with its number. Stops after an error.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of this message.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn read(&mut self) -> Result<(u32, Field<'a>), CodecError> {
        let (tag, wire_type) = decode_key(&mut self.rest).map_err(|_| CodecError::broken("no field where one begins"))?;
        let number = match wire_type {
            WireType::Varint | WireType::LengthDelimited => decode_varint(&mut self.rest),
            _ => return Err(CodecError::broken("a field of another wire type")),
        };
        let number = number.map_err(|_| CodecError::broken("an integer is cut off"))?;
        if wire_type == WireType::Varint {
            return Ok((tag, Field::Varint(number)));
        }
        let length = usize::try_from(number).ok().filter(|&length| length <= self.rest.len());
        let (bytes, rest) = self.rest.split_at(length.ok_or_else(|| CodecError::broken("a field is cut off"))?);
        self.rest = rest;
        Ok((tag, Field::Bytes(bytes)))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Field<'a>), CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Reads a `sint32`.
pub fn zigzag(value: u64) -> i32 {
    let value = value as u32;
    ((value >> 1) as i32) ^ -((value & 1) as i32)
}
