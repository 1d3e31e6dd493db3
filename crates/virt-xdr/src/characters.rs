//! Arrays of `char`: text or bytes of which each takes a word, with the value in its low eight bits.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Decode, DecodeError, Decoder, EncodeError, EncodeErrorKind, Encoder};

impl Encoder<'_> {
    /// Appends `char<max>`: a count, and each byte as a word with its sign, as C on x86 sends it.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if there are more than `max` bytes.
    pub fn characters(&mut self, bytes: &[u8], max: usize) -> Result<(), EncodeError> {
        self.length(bytes.len(), max)?;
        bytes
            .iter()
            .for_each(|byte| self.narrow(byte.cast_signed()));
        Ok(())
    }

    /// Appends `char[count]`: each byte as a word with its sign, and zeros up to the count.
    ///
    /// # Errors
    ///
    /// [`EncodeErrorKind::TooLong`] if there are more than `count` bytes.
    pub fn fixed_characters(&mut self, bytes: &[u8], count: usize) -> Result<(), EncodeError> {
        let length = bytes.len();
        if length > count {
            let limit = count;
            return Err(self.error(EncodeErrorKind::TooLong { length, limit }));
        }
        let zeros = core::iter::repeat_n(&0, count - length);
        let padded = bytes.iter().chain(zeros);
        padded.for_each(|byte| self.narrow(byte.cast_signed()));
        Ok(())
    }
}

impl Decoder<'_> {
    /// Reads `char<max>`: a count, and the low eight bits of as many words.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::TooLong`](crate::DecodeErrorKind::TooLong), [`DecodeErrorKind::Short`](crate::DecodeErrorKind::Short).
    pub fn characters(&mut self, max: usize) -> Result<Vec<u8>, DecodeError> {
        let count = self.length(max)?;
        self.fixed_characters(count)
    }

    /// Reads `char[count]`: the low eight bits of as many words.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Short`](crate::DecodeErrorKind::Short).
    pub fn fixed_characters(&mut self, count: usize) -> Result<Vec<u8>, DecodeError> {
        let needed = count.saturating_mul(size_of::<u32>());
        if needed > self.remaining().len() {
            return Err(self.short(needed));
        }
        let low_byte = |word: u32| word.to_be_bytes()[3];
        (0..count)
            .map(|_| u32::decode(self).map(low_byte))
            .collect()
    }
}

/// Returns the text in an array of characters: up to the first zero, with U+FFFD in place of bytes that are not UTF-8.
#[must_use]
pub fn text_of_characters(characters: &[u8]) -> String {
    let text = characters.split(|byte| *byte == 0).next();
    String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_byte_takes_a_word_with_its_sign_and_is_read_by_its_low_bits() {
        let mut out = Vec::new();
        Encoder::new(&mut out).characters(b"a\xc3", 2).unwrap();
        assert_eq!(out, b"\0\0\0\x02\0\0\0a\xff\xff\xff\xc3");
        let mut input = Decoder::new(b"\0\0\0\x03\0\0\0a\0\0\0\xc3\x12\x34\x56\x63");
        assert_eq!(input.characters(3).unwrap(), b"a\xc3c");
    }

    #[test]
    fn a_fixed_array_is_filled_with_zeros() {
        let mut out = Vec::new();
        Encoder::new(&mut out).fixed_characters(b"a", 2).unwrap();
        assert_eq!(out, b"\0\0\0a\0\0\0\0");
        assert_eq!(Decoder::new(&out).fixed_characters(2).unwrap(), b"a\0");
        assert_eq!(text_of_characters(b"a\0b"), "a");
    }

    #[test]
    fn too_many_and_too_few_are_refused() {
        let mut out = Vec::new();
        let error = Encoder::new(&mut out)
            .fixed_characters(b"abc", 2)
            .unwrap_err();
        assert_eq!(
            error.kind(),
            EncodeErrorKind::TooLong {
                length: 3,
                limit: 2
            }
        );
        let error = Encoder::new(&mut out).characters(b"abc", 2).unwrap_err();
        assert_eq!(
            error.kind(),
            EncodeErrorKind::TooLong {
                length: 3,
                limit: 2
            }
        );
        let error = Decoder::new(b"\0\0\0\x02\0\0\0a")
            .characters(2)
            .unwrap_err();
        assert_eq!(error.to_string(), "needs 8 bytes, has 4 (at byte 4)");
        let error = Decoder::new(b"\0\0\0\x03").characters(2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "length 3 is 1 over the limit of 2 (at byte 0)"
        );
    }
}
