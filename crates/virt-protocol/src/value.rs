//! A payload as a tree of names and values, for people and for JSON.

use std::fmt;

use crate::Uuid;

/// A decoded value of any type: see [`Procedure::arguments`](crate::table::Procedure::arguments).
///
/// [`Display`](fmt::Display) shows it on one line, without control characters. With the feature `serde` it serializes as
/// a person would write it in JSON: UUIDs in their usual form, enums and flags by name, opaque data in hexadecimal digits.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: an optional value that is absent, or no payload.
    None,
    /// A bool.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A value of an enum; unknown ones have no name.
    Enum {
        /// The name of the value.
        name: Option<&'static str>,
        /// The value.
        value: i32,
    },
    /// A set of flags.
    Flags {
        /// The names of the known flags that are set.
        names: Vec<&'static str>,
        /// The other bits that are set.
        unknown: u32,
    },
    /// Text, with U+FFFD in place of bytes that are not UTF-8.
    Text(String),
    /// Opaque data.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid(Uuid),
    /// A list, or an array of fixed length.
    List(Vec<Value>),
    /// The fields of a struct, in order.
    Struct(Vec<(&'static str, Value)>),
}

impl Value {
    /// Returns the field of this name, if this is a struct that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => {
                let mut found = fields.iter().filter(|(field, _)| *field == name);
                found.next().map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Enum {
                name: Some(name), ..
            } => f.write_str(name),
            Self::Enum { name: None, value } => write!(f, "{value}"),
            Self::Flags { names, unknown } => {
                let unknown = (*unknown != 0 || names.is_empty()).then(|| format!("{unknown:#x}"));
                let names = names.iter().map(|name| (*name).to_owned());
                f.write_str(&names.chain(unknown).collect::<Vec<_>>().join("|"))
            }
            Self::Text(text) => quoted(text, f),
            Self::Bytes(bytes) => hexadecimal(bytes, f),
            Self::Uuid(uuid) => write!(f, "{uuid}"),
            Self::List(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write!(f, "{value}")?;
                }
                f.write_str("]")
            }
            Self::Struct(fields) => {
                f.write_str("{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write!(f, "{name}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Shows text in quotation marks. Characters that are invisible, control a terminal or change the direction of text are
/// escaped.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if is_hidden {
            write!(f, "{}", c.escape_unicode())?;
        } else if c == '\'' {
            f.write_str("'")?;
        } else {
            write!(f, "{}", c.escape_debug())?;
        }
    }
    f.write_str("\"")
}

fn hexadecimal(bytes: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(feature = "serde")]
impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        match self {
            Self::None => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Uint(value) => serializer.serialize_u64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Enum {
                name: Some(name), ..
            } => serializer.serialize_str(name),
            Self::Enum { name: None, value } => serializer.serialize_i32(*value),
            Self::Flags { names, unknown } => {
                let unknown = (*unknown != 0).then(|| format!("{unknown:#x}"));
                let names = names.iter().map(|name| (*name).to_owned());
                serializer.collect_seq(names.chain(unknown))
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => {
                let mut digits = String::new();
                hexadecimal(bytes, &mut digits).map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(&digits)
            }
            Self::Uuid(uuid) => serializer.collect_str(uuid),
            Self::List(values) => serializer.collect_seq(values),
            Self::Struct(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}
