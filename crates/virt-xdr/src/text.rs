//! Strings that may not be UTF-8: XDR has bytes, Rust has `str`.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, UNBOUNDED};

/// A string as its bytes, which need not be UTF-8.
///
/// RFC 4506 has strings of ASCII, and libvirt passes on the bytes it is given: the name of a file may be any. Use this
/// type in place of `String` where every name has to round-trip. It prints with U+FFFD in place of invalid bytes.
///
/// # Examples
///
/// ```
/// use virt_xdr::{Text, from_slice, to_vec};
///
/// let name: Text = from_slice(b"\0\0\0\x05bad-\xd0\0\0\0")?;
/// assert_eq!(name.to_string(), "bad-\u{fffd}");
/// assert_eq!(to_vec(&name).unwrap(), b"\0\0\0\x05bad-\xd0\0\0\0");
/// assert_eq!(Text::from("good"), "good");
/// # Ok::<(), virt_xdr::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Text(Vec<u8>);

/// A type that can be sent as an XDR string.
pub trait EncodeText {
    /// Returns the bytes of the string.
    fn text(&self) -> &[u8];
}

/// A type that an XDR string can be received as.
pub trait DecodeText<'a>: Sized {
    /// Makes the value from the bytes of a string; `None` if they have to be UTF-8 and are not.
    ///
    /// `lossy` asks an owned type to replace invalid bytes by U+FFFD.
    fn from_text(bytes: &'a [u8], lossy: bool) -> Option<Self>;
}

impl Text {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the string, if it is UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// Returns the string, with U+FFFD in place of invalid bytes.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Takes the bytes out.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_owned())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// Prints with U+FFFD in place of invalid bytes.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

/// Prints as a quoted string, with `\xNN` for invalid bytes.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str("\"")
    }
}

impl Encode for Text {
    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.opaque(&self.0, UNBOUNDED)
    }
}

impl Decode<'_> for Text {
    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.opaque(UNBOUNDED).map(Self::from)
    }
}

impl EncodeText for Text {
    #[inline]
    fn text(&self) -> &[u8] {
        &self.0
    }
}

impl EncodeText for str {
    #[inline]
    fn text(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl EncodeText for String {
    #[inline]
    fn text(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl EncodeText for Cow<'_, str> {
    #[inline]
    fn text(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl EncodeText for [u8] {
    #[inline]
    fn text(&self) -> &[u8] {
        self
    }
}

impl<T: EncodeText + ?Sized> EncodeText for &T {
    #[inline]
    fn text(&self) -> &[u8] {
        T::text(self)
    }
}

impl<'a> DecodeText<'a> for &'a str {
    #[inline]
    fn from_text(bytes: &'a [u8], _: bool) -> Option<Self> {
        core::str::from_utf8(bytes).ok()
    }
}

impl DecodeText<'_> for String {
    #[inline]
    fn from_text(bytes: &[u8], lossy: bool) -> Option<Self> {
        match core::str::from_utf8(bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(_) if lossy => Some(Self::from_utf8_lossy(bytes).into_owned()),
            Err(_) => None,
        }
    }
}

impl<'a> DecodeText<'a> for Cow<'a, str> {
    #[inline]
    fn from_text(bytes: &'a [u8], lossy: bool) -> Option<Self> {
        match core::str::from_utf8(bytes) {
            Ok(text) => Some(Self::Borrowed(text)),
            Err(_) if lossy => Some(String::from_utf8_lossy(bytes)),
            Err(_) => None,
        }
    }
}

impl<'a> DecodeText<'a> for &'a [u8] {
    #[inline]
    fn from_text(bytes: &'a [u8], _: bool) -> Option<Self> {
        Some(bytes)
    }
}

impl DecodeText<'_> for Text {
    #[inline]
    fn from_text(bytes: &[u8], _: bool) -> Option<Self> {
        Some(Self::from(bytes))
    }
}
