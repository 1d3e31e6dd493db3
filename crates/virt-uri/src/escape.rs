//! Percent-encoding (RFC 3986, section 2.1), strict when reading.

use std::fmt::{self, Write};

use crate::ParseError;

/// What may stand in a part unencoded, besides the unreserved characters.
pub(crate) type Keep = &'static [u8];

/// The sub-delimiters, `:`, `@`, `/` and `?`: everything a path, a query or a fragment may hold
/// unencoded.
const ALLOWED: Keep = b"!$&'()*+,;=:@/?";

/// Decodes `text`, the `part` of a URI.
///
/// # Errors
///
/// For a character that should have been encoded, a broken escape, a zero byte, and bytes that are
/// not UTF-8.
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

/// Prints a text percent-encoded, all but the unreserved characters and those in the list.
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
    // `from_str_radix` would take a sign.
    let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    two.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
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
