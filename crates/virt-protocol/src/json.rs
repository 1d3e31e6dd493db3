//! Serialization of generated types as a person would write them: enums and flags by name, opaque data in hexadecimal
//! digits.

/// Implements `Serialize` and `Deserialize` for an open enum by the names of its values; unknown values are numbers.
macro_rules! named {
    ($name:ty) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.name() {
                    Some(name) => serializer.serialize_str(name),
                    None => serializer.serialize_i32(self.0),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value = $crate::json::NameOr::<i32>::deserialize(deserializer)?;
                value.among(Self::ALL, |known| known.name(), Self)
            }
        }
    };
}

/// Implements `Serialize` and `Deserialize` for a set of flags as a list of their names; unknown bits are a number in it.
macro_rules! flags {
    ($name:ty) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let known = Self::ALL.iter().filter(|flag| flag.0 != 0);
                let all = known.filter_map(|flag| Some((flag.0, flag.name()?)));
                $crate::json::serialize_flags(self.0, all, serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let parts = Vec::<$crate::json::NameOr<u32>>::deserialize(deserializer)?;
                parts.into_iter().try_fold(Self(0), |set, part| {
                    let flag: Self = part.among(Self::ALL, |known| known.name(), Self)?;
                    Ok(set | flag)
                })
            }
        }
    };
}

pub(crate) use {flags, named};

use serde::de::Error;
use serde::ser::{SerializeSeq, Serializer};

/// A name or a number.
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum NameOr<N> {
    Number(N),
    Name(String),
}

impl<N> NameOr<N> {
    /// The value of a number, or the one of the known values that has the name.
    pub(crate) fn among<T: Copy, E: Error>(
        self,
        known: &[T],
        name_of: fn(T) -> Option<&'static str>,
        value: fn(N) -> T,
    ) -> Result<T, E> {
        match self {
            Self::Number(number) => Ok(value(number)),
            Self::Name(name) => {
                let found = known
                    .iter()
                    .copied()
                    .find(|known| name_of(*known) == Some(&name));
                found.ok_or_else(|| E::custom(format_args!("unknown name {name:?}")))
            }
        }
    }
}

pub(crate) fn serialize_flags<S: Serializer>(
    bits: u32,
    flags: impl Iterator<Item = (u32, &'static str)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(None)?;
    let mut unknown = bits;
    for (flag, name) in flags {
        if unknown & flag == flag {
            unknown &= !flag;
            list.serialize_element(name)?;
        }
    }
    if unknown != 0 {
        list.serialize_element(&unknown)?;
    }
    list.end()
}

/// Opaque data as hexadecimal digits.
pub(crate) mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &impl AsRef<[u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let digits = bytes.as_ref().iter().map(|byte| format!("{byte:02x}"));
        serializer.serialize_str(&digits.collect::<String>())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(
        deserializer: D,
    ) -> Result<B, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let error = || D::Error::custom("expected an even number of hexadecimal digits");
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            let is_hexadecimal =
                pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hexadecimal
                .then(|| u8::from_str_radix(pair, 16).ok())
                .flatten()
        };
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        bytes.map(B::from).ok_or_else(error)
    }
}
