//! Percent-encoding (RFC 3986, section 2.1), decoded strictly.

use std::fmt::{self, Write};

use crate::ParseError;

/// The characters that a part may contain unencoded, besides the unreserved ones.
pub(crate) type Keep = &'static [u8];

/// The sub-delimiters, `:`, `@`, `/` and `?`: all that a path, a query or a fragment may contain
/// unencoded.
const ALLOWED: Keep = b"!$&'()*+,;=:@/?";

/// Decodes `text`, the `part` of a URI.
///
/// # Errors
///
/// An unencoded character that must be encoded, a broken escape, a zero byte, or bytes that are not
/// UTF-8.
pub(crate) fn decode(part: &'static str, text: &str) -> Result<String, ParseError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match u8::try_from(character) {
            Ok(b'%') => {
                let digits: String = rest.by_ref().take(2).collect();
                match hex(&digits) {
                    Some(0) => return Err(ParseError::Zero { part }),
                    Some(byte) => decoded.push(byte),
                    None => {
                        return Err(ParseError::Escape {
                            part,
                            escape: format!("%{digits}"),
                        });
                    }
                }
            }
            Ok(byte) if is_kept(byte, ALLOWED) => decoded.push(byte),
            _ => return Err(ParseError::Character { part, character }),
        }
    }
    String::from_utf8(decoded).map_err(|_| ParseError::NotUtf8 {
        part,
        text: text.to_owned(),
    })
}

/// Encodes each percent sign that starts no escape, for the zone of an IPv6 address.
///
/// RFC 6874 writes `%25eth0`. libvirt reads `%eth0` as well, but `%de` as an escape.
pub(crate) fn encode_bare_percents(text: &str) -> String {
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + if starts_with_hex(piece) { "%" } else { "%25" } + piece
    })
}

/// Returns whether a percent sign before the text would start an escape.
pub(crate) fn starts_with_hex(text: &str) -> bool {
    text.as_bytes()
        .get(..2)
        .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Prints a text percent-encoded, except the unreserved characters and those in the list.
pub(crate) struct Encoded<'a>(pub(crate) &'a str, pub(crate) Keep);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| {
            if is_kept(byte, self.1) {
                f.write_char(byte.into())
            } else {
                write!(f, "%{byte:02X}")
            }
        })
    }
}

fn is_kept(byte: u8, keep: Keep) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte)
}

fn hex(digits: &str) -> Option<u8> {
    // `from_str_radix` accepts a sign.
    let is_hex = digits.len() == 2 && starts_with_hex(digits);
    is_hex
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        for text in ["", "plain", "a b", "50%", "è☃", "/?#[]@!$&'()*+,;=:"] {
            assert_eq!(
                decode("path", &Encoded(text, b"").to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn refuses_each_broken_form() {
        let escape = |escape: &str| {
            Err(ParseError::Escape {
                part: "path",
                escape: escape.to_owned(),
            })
        };
        assert_eq!(decode("path", "a%"), escape("%"));
        assert_eq!(decode("path", "a%4"), escape("%4"));
        assert_eq!(decode("path", "a%zzb"), escape("%zz"));
        assert_eq!(decode("path", "a%+1b"), escape("%+1"));
        assert_eq!(decode("path", "a%è"), escape("%è"));
        assert_eq!(
            decode("path", "%00"),
            Err(ParseError::Zero { part: "path" })
        );
        assert_eq!(
            decode("path", "%fF"),
            Err(ParseError::NotUtf8 {
                part: "path",
                text: "%fF".to_owned()
            })
        );
        for character in [
            'è', ' ', '\n', '"', '<', '\\', '^', '`', '{', '|', '[', ']', '#', '\u{80}', '\u{ff}',
        ] {
            assert_eq!(
                decode("path", &character.to_string()),
                Err(ParseError::Character {
                    part: "path",
                    character
                })
            );
        }
    }
}
