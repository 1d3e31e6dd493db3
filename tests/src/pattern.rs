//! The words of a script's line: bytes to send, or what a received frame must look like.

use std::fmt;

use virt_testkit::hex;

/// A line's bytes, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(pub Vec<Token>);

/// One piece of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The serial of the last call received from the peer, plus this.
    Serial(u32),
    /// Any four bytes.
    AnyWord,
    /// Any XDR string: length, bytes, padding.
    AnyString,
}

impl Pattern {
    /// Reads a line's words; `any` says whether those that leave something open are allowed.
    ///
    /// # Errors
    ///
    /// Names the invalid word, and the valid forms.
    pub fn parse(line: &str, any: bool) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (word, after) = split_word(rest)?;
            let token = Token::parse(word)?;
            if !any && matches!(token, Token::AnyWord | Token::AnyString) {
                return Err(format!("`{word}` leaves open what is sent"));
            }
            tokens.push(token);
            rest = after.trim_start();
        }
        Ok(Self(tokens))
    }

    /// The bytes to send; `serial` is the last call's.
    ///
    /// # Panics
    ///
    /// When the pattern leaves something open, which `parse` does not allow for what is sent.
    #[must_use]
    pub fn bytes(&self, serial: u32) -> Vec<u8> {
        let bytes = |token: &Token| match token {
            Token::Bytes(bytes) => bytes.clone(),
            Token::Serial(plus) => serial.wrapping_add(*plus).to_be_bytes().to_vec(),
            Token::AnyWord | Token::AnyString => panic!("{token:?} cannot be sent"),
        };
        self.0.iter().flat_map(bytes).collect()
    }

    /// Returns whether a frame looks like this; a serial is taken as it comes.
    #[must_use]
    pub fn matches(&self, frame: &[u8]) -> bool {
        let mut rest = frame;
        for token in &self.0 {
            let length = match token {
                Token::Bytes(bytes) if rest.starts_with(bytes) => bytes.len(),
                Token::Bytes(_) => return false,
                Token::Serial(_) | Token::AnyWord => 4,
                Token::AnyString => match string_length(rest) {
                    Some(length) => length,
                    None => return false,
                },
            };
            match rest.get(length..) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

impl Token {
    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "........" => return Ok(Self::AnyWord),
            "*" => return Ok(Self::AnyString),
            "serial" => return Ok(Self::Serial(0)),
            "serial+1" => return Ok(Self::Serial(1)),
            _ => {}
        }
        let (bytes, times) = match word.split_once('*') {
            Some((digits, times)) if !digits.starts_with('"') => (digits, times.parse().ok()),
            _ => (word, Some(1)),
        };
        match (virt_testkit::parse(bytes), times) {
            (Ok(bytes), Some(times)) if !bytes.is_empty() => Ok(Self::Bytes(bytes.repeat(times))),
            _ => Err(format!(
                "`{word}` is none of: bytes in hex, bytes*times, \"a string\", `*` for any string, \
                 `........` for any word, `serial`, `serial+1`"
            )),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match token {
                Token::Bytes(bytes) => f.write_str(&dump(bytes))?,
                Token::Serial(0) => f.write_str("serial")?,
                Token::Serial(plus) => write!(f, "serial+{plus}")?,
                Token::AnyWord => f.write_str("........")?,
                Token::AnyString => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

/// Bytes as hex words; a long frame is cut after its first lines.
pub(crate) fn dump(bytes: &[u8]) -> String {
    const SHOWN: usize = 256;
    let shown = hex(bytes.get(..SHOWN).unwrap_or(bytes));
    let more = match bytes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} bytes more"),
    };
    shown + &more
}

fn split_word(line: &str) -> Result<(&str, &str), String> {
    let end = match line.strip_prefix('"') {
        Some(text) => {
            2 + text
                .find('"')
                .ok_or_else(|| format!("`{line}` lacks its closing quote"))?
        }
        None => line.find(char::is_whitespace).unwrap_or(line.len()),
    };
    Ok(line.split_at(end))
}

/// Returns the size of the XDR string at the front, in bytes.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()?;
    length.checked_next_multiple_of(4)?.checked_add(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_bytes_strings_and_repetitions_become_bytes() {
        let pattern =
            Pattern::parse("0000001c ff 00*3 \"ab c\" \"x\" serial serial+1", false).unwrap();
        assert_eq!(
            pattern.bytes(7),
            b"\0\0\0\x1c\xff\0\0\0\0\0\0\x04ab c\0\0\0\x01x\0\0\0\0\0\0\x07\0\0\0\x08"
        );
    }

    #[test]
    fn what_is_left_open_matches_anything_of_its_size() {
        let pattern = Pattern::parse("01020304 ........ * 09", true).unwrap();
        assert!(pattern.matches(b"\x01\x02\x03\x04zzzz\0\0\0\x05hello\0\0\0\x09"));
        assert!(
            !pattern.matches(b"\x01\x02\x03\x04zzzz\0\0\0\x05hello\0\0\0"),
            "too short"
        );
        assert!(
            !pattern.matches(b"\x01\x02\x03\x04zzzz\0\0\0\x05hello\0\0\0\x09\0"),
            "too long"
        );
        assert!(
            !pattern.matches(b"\x01\x02\x03\x04zzzz\xff\xff\xff\xff\x09"),
            "no string"
        );
    }

    #[test]
    fn what_is_sent_cannot_be_left_open() {
        for line in ["........", "*"] {
            let error = Pattern::parse(line, false).unwrap_err();
            assert_eq!(error, format!("`{line}` leaves open what is sent"));
        }
    }

    #[test]
    fn a_wrong_word_is_named() {
        for word in ["0000001", "zz", "00*", "00*x", "serial+2", "*00"] {
            let error = Pattern::parse(&format!("00 {word} 01"), true).unwrap_err();
            assert!(
                error.starts_with(&format!("`{word}` is none of")),
                "{error}"
            );
        }
        assert_eq!(
            Pattern::parse("\"ab", true).unwrap_err(),
            "`\"ab` lacks its closing quote"
        );
    }

    #[test]
    fn a_pattern_prints_as_it_is_read() {
        let line = "0000001c ........ * serial serial+1";
        assert_eq!(Pattern::parse(line, true).unwrap().to_string(), line);
    }
}
