//! The notation of literal bytes.

/// Returns the bytes of a text in the notation of [`parse`].
///
/// # Panics
///
/// If the text is not in that notation.
#[must_use]
#[track_caller]
pub fn wire(text: &str) -> Vec<u8> {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the bytes of a text, as [`wire()`] does, with the arguments of [`format!`].
///
/// # Examples
///
/// ```
/// use virt_testkit::wire;
///
/// let serial = 7;
/// assert_eq!(wire!("{serial:08x} 'raw' \"xdr\""), b"\0\0\0\x07raw\0\0\0\x03xdr\0");
/// ```
#[macro_export]
macro_rules! wire {
    ($($text:tt)*) => {
        $crate::wire(&::std::format!($($text)*))
    };
}

/// Returns the bytes of a text: pairs of hex digits, `'raw text'`, and `"XDR strings"`.
///
/// White space separates, but not the two digits of a byte. An XDR string becomes its length, its text and its padding.
///
/// # Errors
///
/// Names the word that is not in the notation.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let '\'' | '"' = first {
            let (inside, after) = rest[1..]
                .split_once(first)
                .ok_or_else(|| format!("`{rest}` lacks its closing quote"))?;
            if first == '"' {
                push_string(&mut bytes, inside)?;
            } else {
                bytes.extend_from_slice(inside.as_bytes());
            }
            rest = after.trim_start();
        } else {
            let ends = |c: char| c.is_whitespace() || c == '\'' || c == '"';
            let (digits, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            push_digits(&mut bytes, digits)?;
            rest = after.trim_start();
        }
    }
    Ok(bytes)
}

/// Returns bytes as words of hex digits, so that a difference can be read.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let word = |word: &[u8]| word.iter().map(|byte| format!("{byte:02x}")).collect();
    let words: Vec<String> = bytes.chunks(4).map(word).collect();
    words.join(" ")
}

fn push_string(bytes: &mut Vec<u8>, text: &str) -> Result<(), String> {
    let length = u32::try_from(text.len()).map_err(|error| error.to_string())?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
    let padding = text.len().next_multiple_of(4) - text.len();
    bytes.extend_from_slice(&[0; 3][..padding]);
    Ok(())
}

fn push_digits(bytes: &mut Vec<u8>, digits: &str) -> Result<(), String> {
    let values: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(16)).collect();
    let values = values.filter(|values| values.len().is_multiple_of(2));
    let values = values.ok_or_else(|| format!("`{digits}` is not bytes in hex digits"))?;
    for pair in values.chunks(2) {
        bytes.push(u8::try_from(pair[0] * 16 + pair[1]).map_err(|error| error.to_string())?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bytes, words};

    #[test]
    fn digits_raw_text_and_strings_become_bytes() {
        assert_eq!(
            wire(" 00 01020304\n'a \"b' ff"),
            b"\0\x01\x02\x03\x04a \"b\xff"
        );
        assert_eq!(
            wire("\"it's\"\"abcde\""),
            b"\0\0\0\x04it's\0\0\0\x05abcde\0\0\0"
        );
        assert_eq!(wire("''\"\""), b"\0\0\0\0");
        assert_eq!(wire(""), b"");
    }

    #[test]
    fn a_word_that_is_not_bytes_is_named() {
        for (text, word) in [("00 123 45", "`123`"), ("00zz", "`00zz`"), ("0 0", "`0`")] {
            assert_eq!(
                parse(text),
                Err(format!("{word} is not bytes in hex digits"))
            );
        }
        for text in ["'ab", "\"ab"] {
            assert_eq!(
                parse(text),
                Err(format!("`{text}` lacks its closing quote"))
            );
        }
    }

    #[test]
    fn hex_breaks_bytes_into_words() {
        assert_eq!(hex(b"\0\0\0\x1ckeep\xff"), "0000001c 6b656570 ff");
        assert_eq!(hex(b""), "");
    }

    #[test]
    fn words_and_bytes_of_keepalive_are_the_same() {
        assert_eq!(hex(bytes::PING), words::PING);
        assert_eq!(hex(bytes::PONG), words::PONG);
        assert_eq!(wire(words::PING), bytes::PING);
    }
}
