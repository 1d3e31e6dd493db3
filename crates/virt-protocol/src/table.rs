//! All procedures of all programs as data, for tools: names, kinds, attributes, and payloads that can be shown.
//!
//! The table is generated from the same definitions as the types, and is read when it is first used. A program that does
//! not use it does not contain it.
//!
//! # Examples
//!
//! ```
//! use virt_protocol::{remote, table};
//!
//! let procedure = table::procedure(remote::PROGRAM, 23).expect("it is known");
//! assert_eq!(procedure.name, "DOMAIN_LOOKUP_BY_NAME");
//! assert_eq!(procedure.kind, table::Kind::Call);
//!
//! let arguments = procedure.arguments(b"\0\0\0\x04web1")?;
//! assert_eq!(arguments.to_string(), r#"{name: "web1"}"#);
//! # Ok::<(), virt_protocol::table::ShowError>(())
//! ```

use std::collections::HashMap;
use std::sync::OnceLock;

use thiserror::Error;
use virt_transport::ErrorPayload;
use virt_xdr::{Decode, DecodeError, Decoder, ProgramId, text_of_characters};

use crate::{Uuid, Value};

/// The number of values in a payload beyond which it is not decoded.
pub const VALUES_MAX: usize = 4 << 20;

/// A procedure of a program.
#[derive(Debug)]
#[non_exhaustive]
pub struct Procedure {
    /// The name of the program, such as `remote`.
    pub program: &'static str,
    /// The number.
    pub number: i32,
    /// The name, such as `DOMAIN_CREATE`.
    pub name: &'static str,
    /// A call or a message.
    pub kind: Kind,
    /// The first version of libvirt that has it; `9.0.0` for all that are older.
    pub since: &'static str,
    /// True if a daemon serves it by the workers that never wait for a hypervisor.
    pub is_priority: bool,
    /// True if a daemon serves it before authentication.
    pub before_authentication: bool,
    /// True if a read-only connection may call it, at least with some arguments.
    pub on_read_only: bool,
    /// The stream that it opens.
    pub stream: Option<StreamDirection>,
    /// True if the stream may have holes.
    pub is_sparse: bool,
    /// True if descriptors come with the call.
    pub takes_fds: bool,
    /// True if descriptors come with the reply.
    pub returns_fds: bool,
    arguments: &'static str,
    result: &'static str,
}

/// The two kinds of procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A client calls it, and gets a reply.
    Call,
    /// The daemon sends it unasked.
    Message,
}

/// The direction of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamDirection {
    /// From the daemon to the client.
    Read,
    /// From the client to the daemon.
    Write,
    /// In both directions.
    Both,
}

/// A payload that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShowError {
    /// The payload is not what the definition says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The payload has too many values.
    #[error("more than {limit} values, which is the limit")]
    TooMany {
        /// The limit, [`VALUES_MAX`].
        limit: usize,
    },
}

/// Returns the procedure of a program, if it is known.
#[must_use]
pub fn procedure(program: ProgramId, number: i32) -> Option<&'static Procedure> {
    let program = tables().programs.iter().find(|(id, ..)| *id == program)?;
    let position = program
        .2
        .binary_search_by_key(&number, |procedure| procedure.number);
    program.2.get(position.ok()?)
}

/// Iterates over the programs: number and version, name, and the procedures by number.
pub fn programs() -> impl Iterator<Item = (ProgramId, &'static str, &'static [Procedure])> {
    let programs = tables().programs.iter();
    programs.map(|(id, name, procedures)| (*id, *name, procedures.as_slice()))
}

/// Decodes the error that comes in place of a return value.
///
/// # Errors
///
/// The payload is not an error.
pub fn error(payload: &[u8]) -> Result<Value, ShowError> {
    let error = ErrorPayload::decode(&mut Decoder::lenient(payload))?;
    let text = |text: Option<String>| text.map_or(Value::None, Value::Text);
    Ok(Value::Struct(vec![
        ("code", named(error.code.name(), error.code.0)),
        ("domain", named(error.domain.name(), error.domain.0)),
        ("message", text(error.message)),
        ("level", named(error.level.name(), error.level.0)),
        ("str1", text(error.str1)),
        ("str2", text(error.str2)),
        ("str3", text(error.str3)),
        ("int1", Value::Int(error.int1.into())),
        ("int2", Value::Int(error.int2.into())),
    ]))
}

/// Decodes a hole in a stream.
///
/// # Errors
///
/// The payload is not a hole.
pub fn hole(payload: &[u8]) -> Result<Value, ShowError> {
    let mut input = Decoder::lenient(payload);
    let length = i64::decode(&mut input)?;
    let flags = u32::decode(&mut input)?;
    Ok(Value::Struct(vec![
        ("length", Value::Int(length)),
        ("flags", Value::Uint(flags.into())),
    ]))
}

impl Procedure {
    /// Decodes the payload of a call, or of a message.
    ///
    /// It is read leniently, as libvirt's C code does.
    ///
    /// # Errors
    ///
    /// The payload is not what the definition says.
    pub fn arguments(&self, payload: &[u8]) -> Result<Value, ShowError> {
        show(self.arguments, payload)
    }

    /// Decodes the payload of a reply with status ok.
    ///
    /// # Errors
    ///
    /// The payload is not what the definition says.
    pub fn result(&self, payload: &[u8]) -> Result<Value, ShowError> {
        show(self.result, payload)
    }
}

/// The definition of a type that has a name.
#[derive(Debug)]
enum Definition {
    Struct(Vec<(&'static str, &'static str)>),
    /// The arms by discriminant.
    Union(HashMap<i32, (&'static str, &'static str)>),
    Enum(Vec<(&'static str, i32)>),
    Flags(Vec<(&'static str, u32)>),
}

#[derive(Debug, Default)]
struct Tables {
    types: HashMap<&'static str, Definition>,
    programs: Vec<(ProgramId, &'static str, Vec<Procedure>)>,
}

/// The generated table. The generator documents its form.
const TEXT: &str = include_str!("table.txt");

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables::default();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            tables.read(line);
        }
        tables
    })
}

impl Tables {
    fn read(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let (Some(kind), Some(second)) = (words.next(), words.next()) else {
            return;
        };
        let pairs = || {
            line.split(' ')
                .skip(2)
                .filter_map(|word| word.split_once('='))
        };
        let definition = match kind {
            "struct" => Definition::Struct(pairs().collect()),
            "union" => Definition::Union(pairs().filter_map(arm).collect()),
            "enum" => Definition::Enum(numbers(pairs())),
            "flags" => Definition::Flags(numbers(pairs())),
            "program" => {
                let mut numbers = words.filter_map(|word| word.parse().ok());
                let id = ProgramId::new(
                    numbers.next().unwrap_or_default(),
                    numbers.next().unwrap_or_default(),
                );
                return self.programs.push((id, second, Vec::new()));
            }
            _ => {
                if let Some((_, program, procedures)) = self.programs.last_mut() {
                    procedures.extend(read_procedure(program, kind, line));
                }
                return;
            }
        };
        self.types.insert(second, definition);
    }
}

fn arm((case, arm): (&'static str, &'static str)) -> Option<(i32, (&'static str, &'static str))> {
    Some((case.parse().ok()?, arm.split_once(':')?))
}

fn numbers<T: std::str::FromStr>(
    pairs: impl Iterator<Item = (&'static str, &'static str)>,
) -> Vec<(&'static str, T)> {
    let number = |(name, value): (&'static str, &'static str)| Some((name, value.parse().ok()?));
    pairs.filter_map(number).collect()
}

fn read_procedure(
    program: &'static str,
    kind: &'static str,
    line: &'static str,
) -> Option<Procedure> {
    let mut words = line.split(' ').skip(1);
    let number = words.next()?.parse().ok()?;
    let name = words.next()?;
    let arguments = words.next()?;
    let kind = match kind {
        "call" => Kind::Call,
        _ => Kind::Message,
    };
    let result = match kind {
        Kind::Call => words.next()?,
        Kind::Message => "-",
    };
    let attributes: HashMap<_, _> = words
        .map(|word| word.split_once('=').unwrap_or((word, "")))
        .collect();
    let has = |name: &str| attributes.contains_key(name);
    let stream = match attributes.get("stream") {
        None => None,
        Some(_) if has("duplex") => Some(StreamDirection::Both),
        Some(&"read") => Some(StreamDirection::Read),
        Some(_) => Some(StreamDirection::Write),
    };
    Some(Procedure {
        program,
        number,
        name,
        kind,
        since: attributes.get("since").copied().unwrap_or("9.0.0"),
        is_priority: has("priority"),
        before_authentication: has("no-auth"),
        on_read_only: has("readonly"),
        stream,
        is_sparse: has("sparse"),
        takes_fds: has("fds-in"),
        returns_fds: has("fds-out"),
        arguments,
        result,
    })
}

fn show(layout: &'static str, payload: &[u8]) -> Result<Value, ShowError> {
    let mut reader = Reader {
        tables: tables(),
        input: Decoder::lenient(payload),
        values: 0,
    };
    reader.value(layout)
}

/// Reads values by their layout.
struct Reader<'p> {
    tables: &'static Tables,
    input: Decoder<'p>,
    /// The number of values read so far.
    values: usize,
}

impl Reader<'_> {
    fn value(&mut self, layout: &'static str) -> Result<Value, ShowError> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(ShowError::TooMany { limit: VALUES_MAX });
        }
        let input = &mut self.input;
        let (name, rest) = layout.split_once(':').unwrap_or((layout, ""));
        Ok(match name {
            "-" => Value::None,
            "int" | "char" | "short" => Value::Int(i32::decode(input)?.into()),
            "uint" | "uchar" | "ushort" => Value::Uint(u32::decode(input)?.into()),
            "hyper" => Value::Int(i64::decode(input)?),
            "uhyper" => Value::Uint(u64::decode(input)?),
            "float" => Value::Double(f32::decode(input)?.into()),
            "double" => Value::Double(f64::decode(input)?),
            "bool" => Value::Bool(bool::decode(input)?),
            "uuid" => Value::Uuid(Uuid::decode(input)?),
            "text" => Value::Text(input.text(count(rest))?),
            "opaque" => Value::Bytes(input.opaque(count(rest))?.to_vec()),
            "characters" => self.characters(rest)?,
            "optional" => match bool::decode(input)? {
                true => self.value(rest)?,
                false => Value::None,
            },
            "list" => {
                let (max, item) = rest.split_once(':').unwrap_or_default();
                let items = self.count(count(max))?;
                self.list(items, item)?
            }
            "array" => {
                let (items, item) = rest.split_once(':').unwrap_or_default();
                self.list(count(items), item)?
            }
            name => self.named(name)?,
        })
    }

    /// The number of elements of a list, each of which takes a word at least.
    fn count(&mut self, max: usize) -> Result<usize, ShowError> {
        let before = self.input.position();
        let count = u32::decode(&mut self.input)? as usize;
        if count > max {
            let kind = virt_xdr::DecodeErrorKind::TooLong {
                length: count,
                limit: max,
            };
            return Err(DecodeError::new(kind, before).into());
        }
        Ok(count)
    }

    fn list(&mut self, items: usize, item: &'static str) -> Result<Value, ShowError> {
        // The memory grows with what has been read, not with what is announced.
        let mut values = Vec::new();
        for _ in 0..items {
            values.push(self.value(item)?);
        }
        Ok(Value::List(values))
    }

    fn characters(&mut self, layout: &str) -> Result<Value, ShowError> {
        let mut words = layout.split(':');
        let is_text = words.next() == Some("text");
        let is_fixed = words.next() == Some("fixed");
        let limit = count(words.next().unwrap_or_default());
        let bytes = match is_fixed {
            true => self.input.fixed_characters(limit)?,
            false => self.input.characters(limit)?,
        };
        Ok(match is_text {
            true => Value::Text(text_of_characters(&bytes)),
            false => Value::Bytes(bytes),
        })
    }

    fn named(&mut self, name: &str) -> Result<Value, ShowError> {
        let Some(definition) = self.tables.types.get(name) else {
            unreachable!("the generated table defines all types that it names");
        };
        Ok(match definition {
            Definition::Struct(fields) => {
                let field = |(name, layout): &(&'static str, &'static str)| {
                    Ok((*name, self.value(layout)?))
                };
                let fields: Result<Vec<_>, ShowError> = fields.iter().map(field).collect();
                Value::Struct(fields?)
            }
            Definition::Union(arms) => {
                let discriminant = i32::decode(&mut self.input)?;
                let Some((_, layout)) = arms.get(&discriminant) else {
                    return Err(self.input.unknown_discriminant(discriminant).into());
                };
                self.value(layout)?
            }
            Definition::Enum(members) => {
                let value = i32::decode(&mut self.input)?;
                let member = members.iter().find(|(_, known)| *known == value);
                named(member.map(|(name, _)| *name), value)
            }
            Definition::Flags(flags) => {
                let mut unknown = u32::decode(&mut self.input)?;
                let mut names = Vec::new();
                for (name, bits) in flags {
                    if *bits != 0 && unknown & bits == *bits {
                        unknown &= !bits;
                        names.push(*name);
                    }
                }
                Value::Flags { names, unknown }
            }
        })
    }
}

fn named(name: Option<&'static str>, value: i32) -> Value {
    Value::Enum { name, value }
}

/// A number of the table.
fn count(text: &str) -> usize {
    text.parse::<u32>().unwrap_or_default() as usize
}
