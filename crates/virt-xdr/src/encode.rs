//! Writing XDR: the [`Encode`] trait and the [`Encoder`] it writes to.

use alloc::vec::Vec;

use crate::{EncodeError, EncodeErrorKind, MAX_DEPTH};

/// A value that can be written as XDR.
///
/// # Examples
///
/// A struct is its fields in order, each with the bound that its declaration gives:
///
/// ```
/// use virt_xdr::{Encode, EncodeError, Encoder, to_vec};
///
/// /// `struct point { string label<8>; int x; };`
/// struct Point<'a> {
///     label: &'a str,
///     x: i32,
/// }
///
/// impl Encode for Point<'_> {
///     fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
///         out.string(self.label, 8).map_err(|e| e.at("Point.label"))?;
///         self.x.encode(out)
///     }
/// }
///
/// assert_eq!(to_vec(&Point { label: "a", x: -1 })?, b"\0\0\0\x01a\0\0\0\xff\xff\xff\xff");
///
/// let error = to_vec(&Point { label: "far too long", x: 0 }).unwrap_err();
/// assert_eq!(error.to_string(), "Point.label: length 12 is 4 over the limit of 8 (at byte 0)");
/// # Ok::<(), EncodeError>(())
/// ```
pub trait Encode {
    /// Appends the value to `out`.
    ///
    /// # Errors
    ///
    /// The value is over a bound of its declaration, or nests deeper than [`MAX_DEPTH`]. Bytes appended before the
    /// error was found stay in the output; [`to_vec`] and [`encode_frame`](crate::encode_frame) discard them.
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError>;
}

/// Encodes one value into a new vector.
///
/// # Errors
///
/// Those of [`Encode::encode`].
pub fn to_vec<T: Encode + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    value.encode(&mut Encoder::new(&mut out))?;
    Ok(out)
}

/// Appends XDR to a vector.
#[derive(Debug)]
pub struct Encoder<'b> {
    out: &'b mut Vec<u8>,
    /// The length of `out` before this encoder appended to it, which positions count from: `start <= out.len()`.
    start: usize,
    depth: u32,
}

impl<'b> Encoder<'b> {
    /// Makes an encoder that appends to `out`.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            depth: 0,
        }
    }

    /// Returns the number of bytes that this encoder has appended.
    #[must_use]
    pub fn position(&self) -> usize {
        self.out.len() - self.start
    }

    /// Appends bytes without length or padding.
    ///
    /// Use it for a payload that is not XDR, such as the data of a stream.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends `opaque[N]`: the bytes and zeros up to a multiple of four.
    #[inline]
    pub fn fixed_opaque(&mut self, bytes: &[u8]) {
        let end = self.out.len() + bytes.len().next_multiple_of(4);
        self.out.extend_from_slice(bytes);
        // Four zeros and a cut are one store and no branch; one to three zeros would be a loop.
        self.out.extend_from_slice(&[0; 4]);
        self.out.truncate(end);
    }

    /// Appends `opaque<max>`: a length, the bytes, and zeros up to a multiple of four.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if there are more than `max` bytes.
    #[inline]
    pub fn opaque(&mut self, value: &[u8], max: usize) -> Result<(), EncodeError> {
        self.length(value.len(), max)?;
        self.fixed_opaque(value);
        Ok(())
    }

    /// Appends `string<max>`: a length, the bytes, and zeros up to a multiple of four.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if the string takes more than `max` bytes.
    #[inline]
    pub fn string(&mut self, value: &str, max: usize) -> Result<(), EncodeError> {
        self.opaque(value.as_bytes(), max)
    }

    /// Appends `string<max>` from any type of text, such as `String`, `str` or [`Text`](crate::Text).
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if the text takes more than `max` bytes.
    #[inline]
    pub fn text(
        &mut self,
        value: &(impl AsRef<[u8]> + ?Sized),
        max: usize,
    ) -> Result<(), EncodeError> {
        self.opaque(value.as_ref(), max)
    }

    /// Appends `T<max>`: a count, and each element by `each`, one level deeper.
    ///
    /// Each element must take at least a word, as every type of RFC 4506 but void does: decoding relies on it.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if there are more than `max` elements, [`EncodeErrorKind::TooDeep`] below
    /// [`MAX_DEPTH`] levels, and any error of `each`.
    #[inline]
    pub fn array<T>(
        &mut self,
        items: &[T],
        max: usize,
        each: impl FnMut(&T, &mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.length(items.len(), max)?;
        self.nested(|out| out.fixed_array(items, each))
    }

    /// Appends `T[N]`: each element by `each`, without a count.
    ///
    /// # Errors
    ///
    /// Any error of `each`.
    #[inline]
    pub fn fixed_array<T>(
        &mut self,
        items: &[T],
        mut each: impl FnMut(&T, &mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        items.iter().try_for_each(|item| each(item, self))
    }

    /// Appends `T *`: a bool, and the value by `each` if there is one.
    ///
    /// # Errors
    ///
    /// Any error of `each`.
    #[inline]
    pub fn optional<T>(
        &mut self,
        value: Option<&T>,
        each: impl FnOnce(&T, &mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        value.is_some().encode(self)?;
        value.map_or(Ok(()), |value| each(value, self))
    }

    /// Appends `string<max> *`: a bool, and the text if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`text`](Self::text).
    // The error payload has four of these: calls of them would be a fifth of its instructions.
    #[inline(always)]
    pub fn optional_text(
        &mut self,
        value: Option<&impl AsRef<[u8]>>,
        max: usize,
    ) -> Result<(), EncodeError> {
        match value {
            None => {
                self.raw(&[0; 4]);
                Ok(())
            }
            Some(value) => {
                self.raw(&[0, 0, 0, 1]);
                self.text(value, max)
            }
        }
    }

    /// Appends a field, whose name an error gets.
    ///
    /// # Errors
    ///
    /// Those of [`Encode::encode`].
    #[inline]
    pub fn field<T: Encode>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        value.encode(self).map_err(|error| error.at(name))
    }

    /// Appends a `char`, a `short` or an unsigned form of these, each of which takes a word as an int does.
    ///
    /// RFC 4506 has none of these types; this is the form that rpcgen gives them.
    #[inline]
    pub fn narrow(&mut self, value: impl Into<i32>) {
        self.raw(&value.into().to_be_bytes());
    }

    /// Runs `each` one level deeper, for a type that may contain itself; `Box<T>` and [`array`](Self::array) do so.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooDeep`] below [`MAX_DEPTH`] levels, and any error of `each`.
    #[inline]
    pub fn nested(
        &mut self,
        each: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(EncodeErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let result = each(self);
        self.depth -= 1;
        result
    }

    /// Returns the error for a discriminant in the default arm of a union, if another arm is declared for it.
    #[must_use]
    #[cold]
    pub fn taken_discriminant(&self, value: i32) -> EncodeError {
        self.error(EncodeErrorKind::Discriminant { value })
    }

    #[inline]
    pub(crate) fn length(&mut self, length: usize, max: usize) -> Result<(), EncodeError> {
        match u32::try_from(length) {
            Ok(word) if length <= max => {
                self.raw(&word.to_be_bytes());
                Ok(())
            }
            _ => {
                let limit = max.min(crate::UNBOUNDED);
                Err(self.error(EncodeErrorKind::TooLong { length, limit }))
            }
        }
    }

    #[cold]
    pub(crate) fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        EncodeError::new(kind, self.position())
    }
}
