//! Text of which UTF-8 is not certain: [`Text`] keeps its bytes, [`DecodeText`] makes any type of string of them.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::{self, Utf8Error};

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, UNBOUNDED};

/// A string as its bytes, which need not be UTF-8.
///
/// RFC 4506 has strings of ASCII, and libvirt passes on any bytes, such as the name of a file. Use this type in place of
/// `String` where every name has to round-trip. [`Display`](fmt::Display) shows U+FFFD in place of invalid bytes.
///
/// # Examples
///
/// ```
/// use virt_xdr::{Text, from_slice, to_vec};
///
/// let wire = b"\0\0\0\x05bad-\xd0\0\0\0";
/// let name: Text = from_slice(wire)?;
/// assert_eq!(name.to_string(), "bad-\u{fffd}");
/// assert_eq!(to_vec(&name)?, wire);
///
/// assert!(name.to_str().is_err());
/// assert_eq!(Text::from("good").to_str()?, "good");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Text(Vec<u8>);

/// A type that [`Decoder::text`] can read an XDR string as.
///
/// Implement it for a string type of your own to use it in generated types.
pub trait DecodeText<'a>: Sized {
    /// Makes the value of the bytes of a string.
    ///
    /// # Errors
    ///
    /// The bytes are not UTF-8, and the type holds nothing else.
    fn from_text(bytes: &'a [u8]) -> Result<Self, Utf8Error>;

    /// Makes the value of bytes that [`from_text`](Self::from_text) has refused, with U+FFFD in place of invalid ones.
    ///
    /// It returns `None` if the type cannot hold that, as a borrowed `&str` cannot.
    #[must_use]
    fn from_text_lossy(_: &'a [u8]) -> Option<Self> {
        None
    }
}

impl Text {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text, if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The bytes are not UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.0)
    }

    /// Returns the text, with U+FFFD in place of invalid bytes.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_owned())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// Shows U+FFFD in place of invalid bytes.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}

/// Shows a quoted string, with `\xNN` for each invalid byte.
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
        out.text(self, UNBOUNDED)
    }
}

impl Decode<'_> for Text {
    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.text(UNBOUNDED)
    }
}

impl DecodeText<'_> for Text {
    #[inline]
    fn from_text(bytes: &[u8]) -> Result<Self, Utf8Error> {
        Ok(Self::from(bytes))
    }
}

impl<'a> DecodeText<'a> for &'a [u8] {
    #[inline]
    fn from_text(bytes: &'a [u8]) -> Result<Self, Utf8Error> {
        Ok(bytes)
    }
}

impl<'a> DecodeText<'a> for &'a str {
    #[inline]
    fn from_text(bytes: &'a [u8]) -> Result<Self, Utf8Error> {
        str::from_utf8(bytes)
    }
}

impl DecodeText<'_> for String {
    #[inline]
    fn from_text(bytes: &[u8]) -> Result<Self, Utf8Error> {
        str::from_utf8(bytes).map(Self::from)
    }

    fn from_text_lossy(bytes: &[u8]) -> Option<Self> {
        Some(lossy(bytes))
    }
}

impl<'a> DecodeText<'a> for Cow<'a, str> {
    #[inline]
    fn from_text(bytes: &'a [u8]) -> Result<Self, Utf8Error> {
        str::from_utf8(bytes).map(Self::Borrowed)
    }

    fn from_text_lossy(bytes: &'a [u8]) -> Option<Self> {
        Some(Self::Owned(lossy(bytes)))
    }
}

/// Returns the length of `bytes` with U+FFFD in place of invalid ones, at most three times their own.
pub(crate) fn lossy_len(bytes: &[u8]) -> usize {
    let chunks = bytes.utf8_chunks().map(|chunk| {
        let replaced = !chunk.invalid().is_empty();
        chunk.valid().len() + usize::from(replaced) * char::REPLACEMENT_CHARACTER.len_utf8()
    });
    chunks.sum()
}

/// Returns the text with U+FFFD in place of invalid bytes, in a string that takes no more memory than that.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(lossy_len(bytes));
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}
