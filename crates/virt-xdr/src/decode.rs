//! The [`Decode`] trait, and the functions that decode a whole value.

use crate::{DecodeError, Decoder};

/// A value that can be read from XDR, and may borrow from it.
///
/// # Examples
///
/// A struct is its fields in order, each with the bound that its declaration gives:
///
/// ```
/// use virt_xdr::{Decode, DecodeError, Decoder, from_slice};
///
/// /// `struct point { string label<8>; int x; };`
/// #[derive(Debug, PartialEq)]
/// struct Point<'a> {
///     label: &'a str,
///     x: i32,
/// }
///
/// impl<'a> Decode<'a> for Point<'a> {
///     fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
///         Ok(Self {
///             label: input.string(8).map_err(|e| e.at("Point.label"))?,
///             x: i32::decode(input).map_err(|e| e.at("Point.x"))?,
///         })
///     }
/// }
///
/// let point: Point<'_> = from_slice(b"\0\0\0\x01a\0\0\0\xff\xff\xff\xff")?;
/// assert_eq!(point, Point { label: "a", x: -1 });
///
/// let error = from_slice::<Point<'_>>(b"\0\0\0\x01a\0\0\0\xff").unwrap_err();
/// assert_eq!(error.to_string(), "Point.x: needs 4 bytes, has 1 (at byte 8)");
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Decode<'a>: Sized {
    /// Reads one value and advances the input past it.
    ///
    /// # Errors
    ///
    /// The bytes are not such a value: see [`DecodeErrorKind`](crate::DecodeErrorKind). The position is then unspecified.
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError>;
}

/// Decodes a value that takes all of `bytes`, as the payload of a message does.
///
/// # Errors
///
/// Those of [`Decode::decode`], and [`Trailing`](crate::DecodeErrorKind::Trailing) if bytes follow the value.
#[inline]
pub fn from_slice<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    decode_whole(Decoder::new(bytes))
}

/// Decodes a value that `bytes` begin with, as libvirt's C code reads it: see [`Decoder::lenient`].
///
/// # Errors
///
/// Those of [`Decode::decode`]. Trailing bytes are ignored.
#[inline]
pub fn from_slice_lenient<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    decode_whole(Decoder::lenient(bytes))
}

#[inline]
fn decode_whole<'a, T: Decode<'a>>(mut input: Decoder<'a>) -> Result<T, DecodeError> {
    let value = T::decode(&mut input)?;
    input.finish()?;
    Ok(value)
}
