//! Errors: of bytes that do not decode, of values that do not encode, and of frames.

use alloc::boxed::Box;
use core::fmt;

use thiserror::Error;

use crate::frame::FRAME_MIN;

/// An error in bytes that do not decode: its kind, position and field.
///
/// It is one pointer in size, so that results stay in registers.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DecodeError(Box<Located<DecodeErrorKind>>);

/// The kind of a [`DecodeError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end before the value does.
    #[error("needs {needed} bytes, has {available}")]
    Short {
        /// The least number of bytes that the value takes, padding included.
        needed: usize,
        /// The number of bytes left.
        available: usize,
    },
    /// Bytes follow a value that should be the whole input.
    #[error("{count} trailing bytes after the value")]
    Trailing {
        /// The number of trailing bytes.
        count: usize,
    },
    /// A padding byte is not zero (RFC 4506, section 3).
    #[error("padding byte is {value:#04x}, must be 0")]
    Padding {
        /// The first padding byte that is not zero.
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
        /// The word on the wire.
        value: u32,
    },
    /// A union has no arm for this discriminant (RFC 4506, section 4.15).
    #[error("union has no arm for discriminant {value}")]
    Discriminant {
        /// The discriminant on the wire.
        value: i32,
    },
    /// A `char`, a `short` or an unsigned form of these has a value outside the range of its type.
    #[error("value {value} is outside {min} to {max}")]
    OutOfRange {
        /// The word on the wire.
        value: i32,
        /// The least value of the type.
        min: i32,
        /// The greatest value of the type.
        max: i32,
    },
    /// A string is not UTF-8.
    #[error("string is not UTF-8: byte {value:#04x} after {valid} valid bytes")]
    Utf8 {
        /// The first invalid byte.
        value: u8,
        /// The number of valid bytes before it.
        valid: usize,
    },
    /// Values nest deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    #[error("values nest deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// A value takes more memory than an input of this length may: see [`Decoder::array`](crate::Decoder::array).
    #[error("values take {needed} bytes of memory, {} over the limit of {limit}", needed.saturating_sub(*limit))]
    TooLarge {
        /// The bytes of memory charged so far, the array, box or string at this offset included.
        needed: usize,
        /// The limit for an input of this length, in bytes.
        limit: usize,
    },
}

/// An error in a value that does not encode as declared: its kind, position and field.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EncodeError(Box<Located<EncodeErrorKind>>);

/// The kind of an [`EncodeError`].
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
    /// A payload is too long for a frame.
    #[error("payload of {length} bytes is {} over the limit of {limit}", length.saturating_sub(*limit))]
    PayloadTooLong {
        /// The length of the payload in bytes.
        length: usize,
        /// The limit in bytes, [`PAYLOAD_MAX`](crate::PAYLOAD_MAX).
        limit: usize,
    },
    /// The default arm of a union holds a discriminant that another arm is declared for.
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

/// An error in a byte stream that is not a sequence of frames; no later frame can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length word of a frame is out of range; it counts its own four bytes.
    ///
    /// A libvirt daemon then closes the connection without a reply.
    #[error("frame length {length} is outside {FRAME_MIN} to {limit}")]
    Length {
        /// The announced length in bytes.
        length: u32,
        /// The greatest length accepted, in bytes.
        limit: usize,
    },
}

/// A result whose error can name the field that it is about.
///
/// # Examples
///
/// ```
/// use virt_xdr::{At, Decoder};
///
/// let error = Decoder::new(b"").opaque(8).at("Point.label").unwrap_err();
/// assert_eq!(error.to_string(), "Point.label: needs 4 bytes, has 0 (at byte 0)");
/// ```
pub trait At: Sized {
    /// Names the field of the error, unless it is named already: the innermost name stays.
    ///
    /// # Errors
    ///
    /// The error of the result.
    #[must_use = "the result may be an error"]
    fn at(self, field: &'static str) -> Self;
}

impl<T> At for Result<T, DecodeError> {
    #[inline]
    fn at(self, field: &'static str) -> Self {
        self.map_err(|error| error.at(field))
    }
}

impl<T> At for Result<T, EncodeError> {
    #[inline]
    fn at(self, field: &'static str) -> Self {
        self.map_err(|error| error.at(field))
    }
}

/// An error with its position and field.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Located<K> {
    kind: K,
    offset: usize,
    field: Option<&'static str>,
}

impl DecodeError {
    /// Makes an error of this kind, `offset` bytes after the start of the input.
    #[must_use]
    #[cold]
    pub fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self(Box::new(Located {
            kind,
            offset,
            field: None,
        }))
    }

    // These take numbers and not the decoder, so that it can stay in registers.

    #[cold]
    pub(crate) fn short(needed: usize, available: usize, offset: usize) -> Self {
        Self::new(DecodeErrorKind::Short { needed, available }, offset)
    }

    /// Returns the error for a padding byte that is not zero, unless the decoder is lenient.
    #[cold]
    pub(crate) fn padding(value: u8, offset: usize, is_lenient: bool) -> Result<(), Self> {
        if is_lenient {
            return Ok(());
        }
        Err(Self::new(DecodeErrorKind::Padding { value }, offset))
    }

    #[cold]
    pub(crate) fn too_large(needed: usize, limit: usize, offset: usize) -> Self {
        Self::new(DecodeErrorKind::TooLarge { needed, limit }, offset)
    }

    /// Makes the error for a string whose length word is at `offset`, and of whose bytes only `valid` are UTF-8.
    #[cold]
    pub(crate) fn utf8(bytes: &[u8], valid: usize, offset: usize) -> Self {
        let value = bytes.get(valid).copied().unwrap_or_default();
        let offset = offset + size_of::<u32>() + valid;
        Self::new(DecodeErrorKind::Utf8 { value, valid }, offset)
    }

    /// Names the field of the error, unless it is named already: the innermost name stays.
    #[must_use]
    #[cold]
    pub fn at(mut self, field: &'static str) -> Self {
        self.0.field.get_or_insert(field);
        self
    }

    /// Returns the kind of error.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// Returns the offset in the input at which bytes are invalid or missing.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Returns the name of the field, such as `Domain.name`, if a type has given it.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }
}

impl EncodeError {
    /// Makes an error of this kind, `offset` bytes after the start of the output.
    #[must_use]
    #[cold]
    pub fn new(kind: EncodeErrorKind, offset: usize) -> Self {
        Self(Box::new(Located {
            kind,
            offset,
            field: None,
        }))
    }

    /// Names the field of the error, unless it is named already: the innermost name stays.
    #[must_use]
    #[cold]
    pub fn at(mut self, field: &'static str) -> Self {
        self.0.field.get_or_insert(field);
        self
    }

    /// Returns the kind of error.
    #[must_use]
    pub fn kind(&self) -> EncodeErrorKind {
        self.0.kind
    }

    /// Returns the offset in the output at which the value would have started, in bytes.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Returns the name of the field, such as `Domain.name`, if a type has given it.
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
