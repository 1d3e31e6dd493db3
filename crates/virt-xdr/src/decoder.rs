//! The [`Decoder`], which reads XDR from a slice.

use alloc::vec::Vec;

use crate::text::{DecodeText, lossy_len};
use crate::{Decode, DecodeError, DecodeErrorKind, MAX_DEPTH, Narrow};

/// The bytes of memory that arrays may reserve for each byte of the input, before their elements were read.
const RESERVE_PER_BYTE: usize = 4;

/// The bytes of memory that a value may be charged for each byte of the input.
const MEMORY_PER_BYTE: usize = 64;

/// The bytes of memory that a value may be charged in addition, so that a small input may hold a few large values.
const MEMORY_BESIDES: usize = 1024 * 1024;

/// Reads XDR from a slice.
///
/// A decoder from [`new`](Self::new) is strict: it accepts what RFC 4506 allows, and strings of UTF-8. A
/// [`lenient`](Self::lenient) one reads as libvirt's C code does. Bounds and limits are the same for both.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    /// The length of the whole input, which `rest` is the end of: `rest.len() <= total`.
    total: usize,
    depth: u32,
    is_lenient: bool,
    /// The bytes of memory charged so far: `memory <= MEMORY_PER_BYTE * total + MEMORY_BESIDES`.
    memory: usize,
}

impl<'a> Decoder<'a> {
    /// Makes a strict decoder at the start of `bytes`.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
            depth: 0,
            is_lenient: false,
            memory: 0,
        }
    }

    /// Makes a decoder at the start of `bytes` that reads as libvirt's C code does.
    ///
    /// It differs from a strict one in this:
    ///
    /// - Any word but 0 is a true bool.
    /// - Padding may be any bytes.
    /// - A `char`, a `short` or an unsigned form of these is the low bits of its word.
    /// - [`finish`](Self::finish) ignores trailing bytes.
    /// - In a string, [`text`](Self::text) replaces bytes that are not UTF-8 by U+FFFD, if its type is owned. A `&str`
    ///   is refused, since it borrows from the input.
    ///
    /// # Examples
    ///
    /// ```
    /// use virt_xdr::{Decode, DecodeError, Decoder};
    ///
    /// let mut input = Decoder::lenient(b"\x01\0\0\0\0\0\0\x02a\xff..trailing");
    /// assert!(bool::decode(&mut input)?);
    /// assert_eq!(String::decode(&mut input)?, "a\u{fffd}");
    /// input.finish()?;
    /// # Ok::<(), DecodeError>(())
    /// ```
    #[must_use]
    #[inline]
    pub const fn lenient(bytes: &'a [u8]) -> Self {
        let mut input = Self::new(bytes);
        input.is_lenient = true;
        input
    }

    /// Returns the number of bytes read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.total - self.rest.len()
    }

    /// Returns the bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the decoding of a whole input.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Trailing`] if bytes are left, unless the decoder is [lenient](Self::lenient).
    #[inline]
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            _ if self.is_lenient => Ok(()),
            count => Err(self.error(DecodeErrorKind::Trailing { count })),
        }
    }

    /// Reads `opaque[N]`: `N` bytes and zeros up to a multiple of four.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Short`], [`DecodeErrorKind::Padding`].
    #[inline]
    pub fn fixed_opaque<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.short(N.next_multiple_of(4)));
        };
        if N.is_multiple_of(4) {
            self.rest = rest;
        } else {
            self.padded(N)?;
        }
        Ok(bytes)
    }

    /// Reads `opaque<max>`: a length, the bytes, and zeros up to a multiple of four.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooLong`] if more than `max` bytes are announced, [`DecodeErrorKind::Short`],
    /// [`DecodeErrorKind::Padding`].
    #[inline]
    pub fn opaque(&mut self, max: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.length(max)?;
        self.padded(length)
    }

    /// Reads `string<max>` in place: a length, the bytes, and zeros up to a multiple of four.
    ///
    /// RFC 4506 has strings of ASCII; libvirt and its peers send UTF-8, with few exceptions. Where these matter, read
    /// the string by [`text`](Self::text).
    ///
    /// # Errors
    ///
    /// Those of [`opaque`](Self::opaque), and [`DecodeErrorKind::Utf8`].
    #[inline]
    pub fn string(&mut self, max: usize) -> Result<&'a str, DecodeError> {
        self.text(max)
    }

    /// Reads `string<max>` as any type of text, such as `String`, `&str` or [`Text`](crate::Text).
    ///
    /// # Errors
    ///
    /// Those of [`opaque`](Self::opaque), and [`DecodeErrorKind::Utf8`] if the type holds UTF-8 alone and the bytes are
    /// not. A [lenient](Self::lenient) decoder makes that error for a borrowed type only; it returns
    /// [`DecodeErrorKind::TooLarge`] if the replacements take too much memory: see [`array`](Self::array).
    // Inlined, and a copy is lent to the cold path, so that the decoder can stay in registers.
    #[inline(always)]
    pub fn text<T: DecodeText<'a>>(&mut self, max: usize) -> Result<T, DecodeError> {
        let before = self.position();
        let bytes = self.opaque(max)?;
        T::from_text(bytes).or_else(|error| {
            let mut input = self.clone();
            let text = input.replaced(bytes, error.valid_up_to(), before);
            *self = input;
            text
        })
    }

    /// Reads `T<max>`: a count, and each element by `each`, one level deeper.
    ///
    /// The count alone never sizes an allocation. It is first compared with the bytes that are there, since each element
    /// takes at least a word. All arrays of one input together reserve at most four times its size before their elements
    /// have been read. An array counts as one level of nesting.
    ///
    /// A word on the wire can be a large value in memory: an arm of a union without content takes as much as the largest
    /// arm. So one input is charged for the memory of its values, and the limit is 64 times its size and 1 MiB. Three
    /// times that may be in use while an array grows beyond the memory that was reserved. The charges are:
    ///
    /// - for an array or a `Box<T>`, `size_of::<T>()` for each element, as soon as the count is read;
    /// - for a string with U+FFFD in place of invalid bytes, its length. That is at most three times its bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooLong`] if more than `max` elements are announced, [`DecodeErrorKind::Short`] if the input
    /// cannot hold as many, [`DecodeErrorKind::TooLarge`] if they take too much memory, [`DecodeErrorKind::TooDeep`],
    /// and any error of `each`.
    #[inline]
    pub fn array<T>(
        &mut self,
        max: usize,
        mut each: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let before = self.position();
        let count = self.length(max)?;
        if count > self.rest.len() / 4 {
            return Err(self.short(count.saturating_mul(4)));
        }
        let reserve = self.total.saturating_mul(RESERVE_PER_BYTE);
        let reserve = reserve.saturating_sub(self.memory) / size_of::<T>().max(1);
        self.charge::<T>(count, before)?;
        let mut items = Vec::with_capacity(count.min(reserve));
        self.nested(|input| {
            for _ in 0..count {
                items.push(each(input)?);
            }
            items.shrink_to_fit();
            Ok(items)
        })
    }

    /// Reads `T[N]`: each element by `each`, without a count.
    ///
    /// # Errors
    ///
    /// Any error of `each`.
    #[inline]
    pub fn fixed_array<T, const N: usize>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<[T; N], DecodeError> {
        let mut items = [const { None }; N];
        for item in &mut items {
            *item = Some(each(self)?);
        }
        Ok(items.map(|item| item.unwrap_or_else(|| unreachable!("the loop filled every element"))))
    }

    /// Reads `T *`: a bool, and a value by `each` if it is true.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Bool`], [`DecodeErrorKind::Short`], and any error of `each`.
    ///
    /// # Examples
    ///
    /// A list of any length whose nodes each point at the next, since a loop does not nest:
    ///
    /// ```
    /// use virt_xdr::{Decode, DecodeError, Decoder};
    ///
    /// /// The values of `node *list`, with `struct node { int value; node *next; };`
    /// fn values(input: &mut Decoder<'_>) -> Result<Vec<i32>, DecodeError> {
    ///     let mut values = Vec::new();
    ///     while let Some(value) = input.optional(i32::decode)? {
    ///         values.push(value);
    ///     }
    ///     Ok(values)
    /// }
    ///
    /// let mut input = Decoder::new(b"\0\0\0\x01\0\0\0\x07\0\0\0\x01\0\0\0\x08\0\0\0\0");
    /// assert_eq!(values(&mut input)?, [7, 8]);
    /// input.finish()?;
    /// # Ok::<(), DecodeError>(())
    /// ```
    #[inline]
    pub fn optional<T>(
        &mut self,
        each: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if bool::decode(self)? {
            each(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Reads `string<max> *`: a bool, and the text if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`text`](Self::text) and [`optional`](Self::optional).
    #[inline]
    pub fn optional_text<T: DecodeText<'a>>(
        &mut self,
        max: usize,
    ) -> Result<Option<T>, DecodeError> {
        self.optional(|input| input.text(max))
    }

    /// Reads a field, whose name an error gets.
    ///
    /// # Errors
    ///
    /// Those of [`Decode::decode`].
    #[inline]
    pub fn field<T: Decode<'a>>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        T::decode(self).map_err(|error| error.at(name))
    }

    /// Reads a `char`, a `short` or an unsigned form of these, each of which takes a word as an int does.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::OutOfRange`] if the word is not a value of the type, unless the decoder is
    /// [lenient](Self::lenient); [`DecodeErrorKind::Short`].
    #[inline]
    pub fn narrow<T: Narrow>(&mut self) -> Result<T, DecodeError> {
        let before = self.position();
        let value = i32::decode(self)?;
        if self.is_lenient {
            return Ok(T::low_bits(value));
        }
        T::try_from(value).map_err(|_| {
            let kind = DecodeErrorKind::OutOfRange {
                value,
                min: T::LEAST,
                max: T::GREATEST,
            };
            DecodeError::new(kind, before)
        })
    }

    /// Runs `each` one level deeper, for a type that may contain itself; `Box<T>` and [`array`](Self::array) do so.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooDeep`] below [`MAX_DEPTH`] levels, and any error of `each`.
    #[inline]
    pub fn nested<T>(
        &mut self,
        each: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(DecodeErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth += 1;
        let result = each(self);
        self.depth -= 1;
        result
    }

    /// Returns the error for a discriminant that was just read and that no arm of the union has.
    #[must_use]
    #[cold]
    pub fn unknown_discriminant(&self, value: i32) -> DecodeError {
        let kind = DecodeErrorKind::Discriminant { value };
        DecodeError::new(kind, self.position().saturating_sub(4))
    }

    /// Charges the memory of `count` values, which the bytes at `offset` announce: see [`array`](Self::array).
    #[inline]
    pub(crate) fn charge<T>(&mut self, count: usize, offset: usize) -> Result<(), DecodeError> {
        let memory = count.saturating_mul(size_of::<T>());
        let needed = self.memory.saturating_add(memory);
        let limit = self.total.saturating_mul(MEMORY_PER_BYTE);
        let limit = limit.saturating_add(MEMORY_BESIDES);
        if needed > limit {
            return Err(DecodeError::too_large(needed, limit, offset));
        }
        self.memory = needed;
        Ok(())
    }

    /// Reads a bool: a word of 0 or 1.
    #[inline]
    pub(crate) fn bool(&mut self) -> Result<bool, DecodeError> {
        let before = self.position();
        match u32::decode(self)? {
            0 => Ok(false),
            1 => Ok(true),
            _ if self.is_lenient => Ok(true),
            value => Err(DecodeError::new(DecodeErrorKind::Bool { value }, before)),
        }
    }

    /// Reads `N` bytes, a multiple of four.
    #[inline]
    pub(crate) fn words<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        const { assert!(N.is_multiple_of(4)) };
        self.fixed_opaque().copied()
    }

    #[inline]
    pub(crate) fn length(&mut self, max: usize) -> Result<usize, DecodeError> {
        let before = self.position();
        let length = u32::decode(self)? as usize;
        if length > max {
            let kind = DecodeErrorKind::TooLong { length, limit: max };
            return Err(DecodeError::new(kind, before));
        }
        Ok(length)
    }

    /// Reads `length` bytes and their padding, and returns the bytes.
    #[inline]
    fn padded(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        // Only where `usize` has 32 bits can the sum overflow, and then no slice is that long.
        let padded = length.checked_next_multiple_of(4).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = self.rest.split_at_checked(padded) else {
            return Err(self.short(padded));
        };
        let (bytes, padding) = bytes.split_at(length);
        if let Some(at) = padding.iter().position(|&byte| byte != 0) {
            let offset = self.position() + length + at;
            DecodeError::padding(padding[at], offset, self.is_lenient)?;
        }
        self.rest = rest;
        Ok(bytes)
    }

    /// Makes text with U+FFFD in place of invalid bytes, or the error for them; the string begins at `offset`.
    #[cold]
    fn replaced<T: DecodeText<'a>>(
        &mut self,
        bytes: &'a [u8],
        valid: usize,
        offset: usize,
    ) -> Result<T, DecodeError> {
        if self.is_lenient {
            self.charge::<u8>(lossy_len(bytes), offset)?;
            if let Some(text) = T::from_text_lossy(bytes) {
                return Ok(text);
            }
        }
        Err(DecodeError::utf8(bytes, valid, offset))
    }

    #[inline]
    pub(crate) fn short(&self, needed: usize) -> DecodeError {
        DecodeError::short(needed, self.rest.len(), self.position())
    }

    #[inline]
    pub(crate) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.position())
    }
}
