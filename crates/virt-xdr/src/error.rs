//! What can be wrong: with bytes that are decoded, with values that are encoded, with a frame.

use alloc::boxed::Box;
use core::fmt;

use thiserror::Error;

use crate::frame::FRAME_MIN;

/// Bytes that are not the XDR they should be: what is wrong, where, and in which field.
///
/// One pointer in size, so that the results of a decoder stay in registers.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DecodeError(Box<Located<DecodeErrorKind>>);

/// What is wrong with bytes that did not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end before the value does.
    #[error("needs {needed} bytes, has {available}")]
    Short {
        /// The bytes that the value takes at least, padding included.
        needed: usize,
        /// The bytes that are left.
        available: usize,
    },
    /// Bytes follow where the value should have been the whole input.
    #[error("{count} bytes follow the end of the value, none may")]
    Trailing {
        /// How many bytes follow.
        count: usize,
    },
    /// A padding byte is not zero (RFC 4506, section 3).
    #[error("padding byte is {value:#04x}, must be 0")]
    Padding {
        /// The first byte of padding that is not zero.
        value: u8,
    },
    /// A string, opaque or array is longer than its declaration allows.
    #[error("length {length} is {} over the limit of {limit}", length.saturating_sub(*limit))]
    TooLong {
        /// The announced length, in bytes or elements.
        length: usize,
        /// The bound of the declaration.
        limit: usize,
    },
    /// A bool is neither 0 nor 1 (RFC 4506, section 4.4).
    #[error("bool is {value}, must be 0 or 1")]
    Bool {
        /// The word that was found.
        value: u32,
    },
    /// A union has no arm for this discriminant (RFC 4506, section 4.15).
    #[error("union has no arm for discriminant {value}")]
    Discriminant {
        /// The discriminant that was found.
        value: i32,
    },
    /// A `char`, `short` or unsigned form of these holds more than its type can.
    #[error("value {value} is outside {min} to {max}")]
    OutOfRange {
        /// The word that was found.
        value: i32,
        /// The least value of the type.
        min: i32,
        /// The greatest value of the type.
        max: i32,
    },
    /// A string is not UTF-8.
    #[error("string is not UTF-8: byte {value:#04x} after {valid} valid bytes")]
    Utf8 {
        /// The first byte that cannot be.
        value: u8,
        /// How many bytes before it are valid.
        valid: usize,
    },
    /// Values nest deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("values nest deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// Arrays and boxes take more memory than the length of the input allows; see
    /// [`Decoder::array`](crate::Decoder::array).
    #[error("values take {needed} bytes of memory, {} over the limit of {limit}", needed.saturating_sub(*limit))]
    TooLarge {
        /// What all arrays and boxes up to here take, in bytes: what was read, and this one whole.
        needed: usize,
        /// What they may take for an input of this length, in bytes.
        limit: usize,
    },
}

/// A value that cannot be written as the XDR it is declared to be.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EncodeError(Box<Located<EncodeErrorKind>>);

/// Why a value cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A string, opaque or array is longer than its declaration allows.
    #[error("length {length} is {} over the limit of {limit}", length.saturating_sub(*limit))]
    TooLong {
        /// The length of the value, in bytes or elements.
        length: usize,
        /// The bound of the declaration.
        limit: usize,
    },
    /// A payload does not fit a frame.
    #[error("payload of {length} bytes is {} over the limit of {limit}", length.saturating_sub(*limit))]
    PayloadTooLong {
        /// The length of the payload in bytes.
        length: usize,
        /// The limit in bytes, [`PAYLOAD_MAX`](crate::PAYLOAD_MAX).
        limit: usize,
    },
    /// The default arm of a union holds a discriminant that has an arm of its own.
    #[error("discriminant {value} in the default arm of a union has an arm of its own")]
    Discriminant {
        /// The discriminant.
        value: i32,
    },
    /// Values nest deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("values nest deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
}

/// A byte stream that is not one of frames; nothing that follows can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame announces a length, its own four bytes included, that no frame can have.
    ///
    /// A libvirt daemon closes the connection on it without a reply.
    #[error("frame length {length} is outside {FRAME_MIN} to {limit}")]
    Length {
        /// The announced length in bytes.
        length: u32,
        /// The greatest length that is accepted, in bytes.
        limit: usize,
    },
}

/// An error, the byte it was found at and the field it was found in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Located<K> {
    kind: K,
    offset: usize,
    field: Option<&'static str>,
}

impl DecodeError {
    /// An error of this kind, found `offset` bytes after the start of the input.
    #[must_use]
    #[cold]
    pub fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self(Box::new(Located {
            kind,
            offset,
            field: None,
        }))
    }

    /// Names the field in which the error was found; a name that is already there stays, being nearer.
    #[must_use]
    #[cold]
    pub fn at(mut self, field: &'static str) -> Self {
        self.0.field.get_or_insert(field);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// Where the bytes that are wrong begin, or are missing, counted from the start of the input.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The field that is wrong, such as `Domain.name`, where a type has named it.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }
}

impl EncodeError {
    /// An error of this kind, found `offset` bytes after the start of the output.
    #[must_use]
    #[cold]
    pub fn new(kind: EncodeErrorKind, offset: usize) -> Self {
        Self(Box::new(Located {
            kind,
            offset,
            field: None,
        }))
    }

    /// Names the field in which the error was found; a name that is already there stays, being nearer.
    #[must_use]
    #[cold]
    pub fn at(mut self, field: &'static str) -> Self {
        self.0.field.get_or_insert(field);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> EncodeErrorKind {
        self.0.kind
    }

    /// Where in the output the value would have started, in bytes.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The field that is wrong, such as `Domain.name`, where a type has named it.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("DecodeError", f)
    }
}

impl fmt::Debug for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("EncodeError", f)
    }
}

impl<K: fmt::Debug> Located<K> {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("kind", &self.kind)
            .field("offset", &self.offset)
            .field("field", &self.field)
            .finish()
    }
}

impl<K: fmt::Display> fmt::Display for Located<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{} (at byte {})", self.kind, self.offset)
    }
}
