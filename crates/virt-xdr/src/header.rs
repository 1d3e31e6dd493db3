//! The header: six words in front of every payload.

use core::fmt;

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, MessageType, Status};

/// The header of a message: six words between a frame's length and its payload.
///
/// Any six words decode, since message type and status are open sets. The dispatcher of frames refuses unknown values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Header {
    /// The program that the message belongs to, and its version.
    pub program: ProgramId,
    /// The procedure of the program. It is signed in the protocol.
    pub procedure: i32,
    /// The type of the message: a call, a reply, a message or part of a stream.
    pub message_type: MessageType,
    /// The serial, which the caller chooses and the reply and the stream repeat; 0 in a message.
    pub serial: Serial,
    /// The status, which tells a payload that is a value from an error and from data of a stream.
    pub status: Status,
}

/// A program of the protocol by its number and version, such as 0x6b656570 version 1 for keepalive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ProgramId {
    /// The program's number.
    pub number: u32,
    /// The program's version.
    pub version: u32,
}

/// The number that matches a reply and a stream to their call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Serial(pub u32);

impl Header {
    /// The size of a header in bytes, without the frame's length word.
    pub const SIZE: usize = 24;

    /// Reads a header from its bytes.
    #[must_use]
    #[inline]
    pub const fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        Self {
            program: ProgramId::new(word(bytes, 0), word(bytes, 1)),
            procedure: word(bytes, 2).cast_signed(),
            message_type: MessageType(word(bytes, 3).cast_signed()),
            serial: Serial(word(bytes, 4)),
            status: Status(word(bytes, 5).cast_signed()),
        }
    }

    /// Returns the bytes of the header.
    #[must_use]
    #[inline]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let words = [
            self.program.number,
            self.program.version,
            self.procedure.cast_unsigned(),
            self.message_type.0.cast_unsigned(),
            self.serial.0,
            self.status.0.cast_unsigned(),
        ];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        bytes
    }
}

impl ProgramId {
    /// Makes the identifier of the program with this number and version.
    #[must_use]
    pub const fn new(number: u32, version: u32) -> Self {
        Self { number, version }
    }
}

impl Encode for Header {
    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.raw(&self.to_bytes());
        Ok(())
    }
}

impl Decode<'_> for Header {
    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input
            .fixed_opaque()
            .map(Self::from_bytes)
            .map_err(|e| e.at("Header"))
    }
}

impl fmt::Debug for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramId({:#x}, {})", self.number, self.version)
    }
}

impl fmt::Display for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "program {:#x} version {}", self.number, self.version)
    }
}

#[inline]
const fn word(bytes: &[u8; Header::SIZE], index: usize) -> u32 {
    let at = index * 4;
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
