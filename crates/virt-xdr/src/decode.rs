//! Reading XDR: the [`Decode`] trait and the [`Decoder`] it reads from.

use alloc::vec::Vec;

use crate::text::DecodeText;
use crate::{DecodeError, DecodeErrorKind, MAX_DEPTH};

/// How many bytes of memory arrays may reserve for each byte of the input before their elements were read.
const RESERVE_PER_BYTE: usize = 4;

/// How many bytes of memory arrays and boxes may take for each byte of the input.
const MEMORY_PER_BYTE: usize = 64;

/// How many bytes of memory they may take besides, so that a small input may hold a few large values.
const MEMORY_BESIDES: usize = 1024 * 1024;

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
    /// Reads one value and leaves the input behind it.
    ///
    /// # Errors
    ///
    /// The bytes are not such a value: see [`DecodeErrorKind`]. Where the input is left is then not said.
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError>;
}

/// Decodes a value that takes all of `bytes`, as the payload of a message does.
///
/// # Errors
///
/// As [`Decode::decode`], and [`DecodeErrorKind::Trailing`] if bytes follow the value.
#[inline]
pub fn from_slice<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let mut input = Decoder::new(bytes);
    let value = T::decode(&mut input)?;
    input.finish()?;
    Ok(value)
}

/// Decodes a value that `bytes` begin with, as libvirt's C code does: see [`Decoder::lenient`].
///
/// # Errors
///
/// Those of [`Decode::decode`]. Trailing bytes are ignored.
#[inline]
pub fn from_slice_lenient<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::lenient(bytes))
}

/// Reads XDR from a slice.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    /// Whether input is accepted that RFC 4506 forbids and libvirt's C code reads.
    is_lenient: bool,
    /// The length of the whole input: `rest` is its end.
    total: usize,
    depth: u32,
    /// How many bytes of memory all arrays and boxes so far take:
    /// `memory <= MEMORY_PER_BYTE * total + MEMORY_BESIDES`.
    memory: usize,
}

impl<'a> Decoder<'a> {
    /// Makes a decoder at the start of `bytes`, which accepts what RFC 4506 allows.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::with_leniency(bytes, false)
    }

    /// Makes a decoder at the start of `bytes`, which reads as libvirt's C code does.
    ///
    /// It accepts any non-zero word as a true bool, any padding bytes, and any word for a `char` or `short`, of which
    /// it takes the low bits. A string that is not UTF-8 has U+FFFD in place of invalid bytes, if its type is owned.
    /// Bounds are those of a strict decoder.
    #[must_use]
    #[inline]
    pub const fn lenient(bytes: &'a [u8]) -> Self {
        Self::with_leniency(bytes, true)
    }

    const fn with_leniency(bytes: &'a [u8], is_lenient: bool) -> Self {
        Self {
            rest: bytes,
            is_lenient,
            total: bytes.len(),
            depth: 0,
            memory: 0,
        }
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.total - self.rest.len()
    }

    /// The bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// Ends the decoding of a whole input.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Trailing`] if bytes are left.
    #[inline]
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
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

    /// Reads `string<max>`: a length, the bytes, and zeros up to a multiple of four.
    ///
    /// RFC 4506 has strings of ASCII; libvirt sends UTF-8, and so does every libvirt peer.
    ///
    /// # Errors
    ///
    /// As [`opaque`](Self::opaque), and [`DecodeErrorKind::Utf8`].
    #[inline]
    pub fn string(&mut self, max: usize) -> Result<&'a str, DecodeError> {
        let start = self.position() + size_of::<u32>();
        let bytes = self.opaque(max)?;
        core::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to(), start))
    }

    /// Reads `string<max>` as any type of text, such as `String`, `&str` or [`Text`](crate::Text).
    ///
    /// # Errors
    ///
    /// Those of [`opaque`](Self::opaque), and [`DecodeErrorKind::Utf8`] if the type has to be UTF-8 and the bytes are
    /// not; a [lenient](Self::lenient) decoder replaces invalid bytes in an owned type.
    #[inline]
    pub fn text<T: DecodeText<'a>>(&mut self, max: usize) -> Result<T, DecodeError> {
        let start = self.position() + size_of::<u32>();
        let bytes = self.opaque(max)?;
        T::from_text(bytes, self.is_lenient).ok_or_else(|| {
            let valid =
                core::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
            not_utf8(bytes, valid, start)
        })
    }

    /// Reads a bool: a word of 0 or 1.
    #[inline]
    pub(crate) fn bool(&mut self) -> Result<bool, DecodeError> {
        let before = self.position();
        match u32::from_be_bytes(self.words()?) {
            0 => Ok(false),
            1 => Ok(true),
            _ if self.is_lenient => Ok(true),
            value => Err(DecodeError::new(DecodeErrorKind::Bool { value }, before)),
        }
    }

    /// Reads `T<max>`: a count, and each element by `each`, one level deeper.
    ///
    /// The count alone never sizes an allocation. It is first held against the bytes that are there, an
    /// element being a word at least; and all arrays of one input together reserve at most four times its
    /// size before their elements have been read. An array counts as one level of nesting.
    ///
    /// A word on the wire can be a large value in memory: an arm of a union without content takes as much as
    /// the largest arm. So all arrays and boxes (`Box<T>`) of one input together may take 64 times its size
    /// and 1 MiB of memory, and three times that for as long as an array grows beyond what was reserved. Each
    /// is charged `size_of::<T>()` for every element as soon as its count is read.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooLong`] if more than `max` elements are announced, [`DecodeErrorKind::Short`]
    /// if the input cannot hold as many, [`DecodeErrorKind::TooLarge`] if they take too much memory,
    /// [`DecodeErrorKind::TooDeep`], and what `each` returns.
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
    /// What `each` returns.
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

    /// Reads `T *`: whether there is a value, and if so the value by `each`.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Bool`], [`DecodeErrorKind::Short`], and what `each` returns.
    ///
    /// # Examples
    ///
    /// A list whose nodes each point at the next, of any length, since a loop does not nest:
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

    /// Reads a `char`, a `short` or the unsigned form of either, which take a word each as an int does.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::OutOfRange`] if the word is no value of the type, [`DecodeErrorKind::Short`].
    #[inline]
    pub fn narrow<T: Narrow>(&mut self) -> Result<T, DecodeError> {
        let before = self.position();
        let value = i32::decode(self)?;
        if self.is_lenient {
            return Ok(T::truncate(value));
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

    /// Runs `each` one level deeper: for a type that may contain itself, as `Box<T>` and
    /// [`array`](Self::array) do.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooDeep`] below [`MAX_DEPTH`] levels, and what `each` returns.
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

    /// The error for a discriminant, just read, that no arm of a union has.
    #[must_use]
    #[cold]
    pub fn unknown_discriminant(&self, value: i32) -> DecodeError {
        DecodeError::new(
            DecodeErrorKind::Discriminant { value },
            self.position().saturating_sub(4),
        )
    }

    /// Charges the memory of `count` values, which the bytes at `offset` announce.
    #[inline]
    pub(crate) fn charge<T>(&mut self, count: usize, offset: usize) -> Result<(), DecodeError> {
        let memory = count.saturating_mul(size_of::<T>());
        let needed = self.memory.saturating_add(memory);
        let limit = self.total.saturating_mul(MEMORY_PER_BYTE);
        let limit = limit.saturating_add(MEMORY_BESIDES);
        if needed > limit {
            return Err(too_large(needed, limit, offset));
        }
        self.memory = needed;
        Ok(())
    }

    /// Reads `N` bytes, a multiple of four.
    #[inline]
    pub(crate) fn words<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        const { assert!(N.is_multiple_of(4)) };
        self.fixed_opaque().copied()
    }

    #[inline]
    fn length(&mut self, max: usize) -> Result<usize, DecodeError> {
        let before = self.position();
        let length = u32::decode(self)? as usize;
        if length > max {
            return Err(DecodeError::new(
                DecodeErrorKind::TooLong { length, limit: max },
                before,
            ));
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
        if let Some(at) = padding.iter().position(|&byte| byte != 0)
            && !self.is_lenient
        {
            let kind = DecodeErrorKind::Padding { value: padding[at] };
            return Err(DecodeError::new(kind, self.position() + length + at));
        }
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn short(&self, needed: usize) -> DecodeError {
        short(needed, self.rest.len(), self.position())
    }

    #[inline]
    fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.position())
    }
}

/// An integer type narrower than a word: `i8`, `u8`, `i16` or `u16`.
pub trait Narrow: TryFrom<i32> + sealed::Sealed {
    /// The least value of the type.
    const LEAST: i32;
    /// The greatest value of the type.
    const GREATEST: i32;

    /// Takes the low bits of a word.
    fn truncate(word: i32) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! narrow {
    ($($type:ty),*) => {$(
        impl sealed::Sealed for $type {}
        impl Narrow for $type {
            const LEAST: i32 = <$type>::MIN as i32;
            const GREATEST: i32 = <$type>::MAX as i32;

            #[expect(
                clippy::allow_attributes,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is what this is for"
            )]
            fn truncate(word: i32) -> Self {
                word as Self
            }
        }
    )*};
}

narrow!(i8, u8, i16, u16);

// They take numbers, not the decoder: one that no error refers to can stay in registers.
#[cold]
fn short(needed: usize, available: usize, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::Short { needed, available }, offset)
}

#[cold]
fn too_large(needed: usize, limit: usize, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::TooLarge { needed, limit }, offset)
}

#[cold]
fn not_utf8(bytes: &[u8], valid: usize, start: usize) -> DecodeError {
    let value = bytes.get(valid).copied().unwrap_or_default();
    DecodeError::new(DecodeErrorKind::Utf8 { value, valid }, start + valid)
}
