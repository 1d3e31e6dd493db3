//! UUIDs in the form in which libvirt writes them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// A UUID, which names an object such as a domain on every host.
///
/// # Examples
///
/// ```
/// use virt_protocol::Uuid;
///
/// let uuid: Uuid = "6695EB01-f6a4-8304-79aa-97f2502e193f".parse()?;
/// assert_eq!(uuid.to_string(), "6695eb01-f6a4-8304-79aa-97f2502e193f");
/// # Ok::<(), virt_protocol::ParseUuidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Uuid(pub [u8; 16]);

/// A text that is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{text:?} is not a UUID: expected 32 hexadecimal digits, as in 6695eb01-f6a4-8304-79aa-97f2502e193f"
)]
pub struct ParseUuidError {
    /// The text, cut to 64 characters.
    text: String,
}

impl Uuid {
    /// The bytes, in the order of the digits.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Reads 32 hexadecimal digits, as libvirt does: with white space around them, and dashes or spaces anywhere between
/// two bytes.
impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, ParseUuidError> {
        let error = || ParseUuidError {
            text: text.chars().take(64).collect(),
        };
        let mut bytes = [0; 16];
        let mut rest = text.trim();
        for byte in &mut bytes {
            rest = rest.trim_start_matches(['-', ' ']);
            let digits = rest.get(..2).ok_or_else(error)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(error());
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| error())?;
            rest = rest.get(2..).unwrap_or_default();
        }
        if rest.is_empty() {
            Ok(Self(bytes))
        } else {
            Err(error())
        }
    }
}

/// Shows lower-case digits in groups, as libvirt does.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 16]> for Uuid {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl From<Uuid> for [u8; 16] {
    fn from(uuid: Uuid) -> Self {
        uuid.0
    }
}

impl Encode for Uuid {
    #[inline]
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)
    }
}

impl Decode<'_> for Uuid {
    #[inline]
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Decode::decode(input).map(Self)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Uuid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Uuid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_libvirt_reads() {
        let uuid = Uuid([
            0x66, 0x95, 0xeb, 1, 0xf6, 0xa4, 0x83, 4, 0x79, 0xaa, 0x97, 0xf2, 0x50, 0x2e, 0x19,
            0x3f,
        ]);
        for text in [
            "6695eb01-f6a4-8304-79aa-97f2502e193f",
            "6695EB01F6A4830479AA97F2502E193F",
            " 6695eb01 f6a4 8304 79aa 97f2502e193f\n",
            "66-95-eb-01-f6-a4-83-04-79-aa-97-f2-50-2e-19-3f",
        ] {
            assert_eq!(text.parse(), Ok(uuid), "{text}");
        }
        assert_eq!(
            format!("{uuid} {uuid:?}"),
            "6695eb01-f6a4-8304-79aa-97f2502e193f 6695eb01-f6a4-8304-79aa-97f2502e193f"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "6695eb01-f6a4-8304-79aa-97f2502e193",
            "6695eb01-f6a4-8304-79aa-97f2502e193f0",
            "6695eb0-1f6a4-8304-79aa-97f2502e193f",
            "+695eb01-f6a4-8304-79aa-97f2502e193f",
            "ééééééééééééééééééééééééééééééééé",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
        let error = "x".repeat(1000).parse::<Uuid>().expect_err("no digits");
        assert!(error.to_string().len() < 200);
    }
}
