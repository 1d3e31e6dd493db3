//! The meaning of definitions: every name looked up, every number known, every Rust name chosen.

use super::ast::{Builtin, Doc};
use super::source::Span;

/// Everything that goes into a generated file, and what it refers to.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) programs: Vec<Program>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) types: Vec<Type>,
    /// The type parameters for strings and for opaque data, so named that no type is.
    pub(crate) parameters: [String; 2],
}

/// The place of an item in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// In the generated file.
    Here,
    /// In the generated file, if anything uses it: it comes from an included file.
    Included,
    /// In another module, which its Rust name leads to.
    Elsewhere,
}

#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) xdr: String,
    pub(crate) rust: String,
    pub(crate) value: ConstantValue,
    pub(crate) source: usize,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) enum ConstantValue {
    Number(i128),
    Text(String),
}

#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) xdr: String,
    pub(crate) rust: String,
    pub(crate) span: Span,
    pub(crate) home: Home,
    pub(crate) doc: Doc,
    pub(crate) kind: Kind,
    pub(crate) facts: Facts,
    /// The payload of a procedure that it is.
    pub(crate) role: Role,
}

/// The payload of a procedure that a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is a part of payloads.
    Part,
    Arguments,
    /// The return value, or a message.
    Result,
    /// A struct of one field, which takes its place.
    Field,
}

/// The properties of a type that follow from its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// It holds strings.
    pub(crate) strings: bool,
    /// It holds opaque data of variable length.
    pub(crate) opaques: bool,
    /// It can be `Eq` and `Hash`.
    pub(crate) eq: bool,
    /// It can be `Copy`.
    pub(crate) copy: bool,
    /// It can be `Default`.
    pub(crate) default: bool,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Enum(Vec<Member>),
    /// An enum of bits that can be combined.
    Flags(Vec<Flag>),
    Struct(Vec<Field>),
    Union(Box<Union>),
    Typedef(Field),
    /// A procedure enum: its members are the procedures of a program.
    Procedures,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) xdr: String,
    pub(crate) rust: String,
    pub(crate) value: i32,
    pub(crate) doc: Doc,
}

#[derive(Debug, Clone)]
pub(crate) struct Flag {
    pub(crate) xdr: String,
    pub(crate) rust: String,
    pub(crate) value: u32,
    pub(crate) doc: Doc,
}

/// A field of a struct, the target of a typedef, or the body of a union's arm.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) rust: String,
    /// The declaration as it is written.
    pub(crate) declaration: String,
    pub(crate) ty: Ty,
    pub(crate) doc: Doc,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) discriminant: Field,
    pub(crate) arms: Vec<Arm>,
    pub(crate) default: Option<Arm>,
}

/// One case of a union, or its default. Shared cases are an arm each.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) rust: String,
    /// The case as it is written.
    pub(crate) label: String,
    pub(crate) value: i128,
    pub(crate) body: Option<Field>,
    pub(crate) doc: Doc,
}

/// The place of a type in [`Model::types`].
pub(crate) type TypeId = usize;

/// A type as it is used; typedefs are replaced by their targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ty {
    Builtin(Builtin),
    String(Bound),
    Opaque(Bound),
    FixedOpaque(Count),
    Array {
        item: Box<Ty>,
        bound: Bound,
    },
    FixedArray(Box<Ty>, Count),
    Optional {
        item: Box<Ty>,
        /// The item may contain the whole again, which therefore needs a `Box`.
        recursive: bool,
    },
    Named(TypeId),
    /// A type written by hand, which has its own codec.
    Foreign(String),
    /// Text or bytes, of which each character takes a word.
    Characters {
        text: bool,
        fixed: bool,
        bound: Bound,
    },
}

/// The number of elements, or its bound, and the constant that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) value: u32,
    /// The constant's Rust name.
    pub(crate) constant: Option<String>,
}

/// The bound; `None` is `<>`.
pub(crate) type Bound = Option<Count>;

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) xdr: String,
    /// The file that defines it.
    pub(crate) source: usize,
    /// The path of its module, with `::` at the end, where each file is a module.
    pub(crate) path: String,
    /// The module of its items, where a file has more programs than one.
    pub(crate) module: Option<String>,
    pub(crate) number: u32,
    pub(crate) version: u32,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) member: Member,
    /// The Rust name of the type that ties everything together.
    pub(crate) rust: String,
    /// The file that defines it.
    pub(crate) source: usize,
    pub(crate) link: Link,
}

/// The arguments and return value of a procedure. `None` is nothing.
#[derive(Debug)]
pub(crate) enum Link {
    /// The definitions do not say.
    Unknown,
    Call {
        arguments: Option<Payload>,
        returns: Option<Payload>,
    },
    Message {
        body: Option<Payload>,
    },
}

/// A whole payload.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// A type with a definition of its own, typedefs among them.
    Named(TypeId),
    /// The only field of a struct.
    Field(TypeId),
    Plain(Ty),
}

impl Type {
    /// Returns whether this is a typedef without a Rust type of its own.
    pub(crate) fn is_shorthand(&self) -> bool {
        matches!(self.kind, Kind::Typedef(_)) && self.doc.has("shorthand")
    }
}

impl Field {
    /// The declared name.
    pub(crate) fn declared(&self) -> &str {
        let name = self.declaration.rsplit(' ').next().unwrap_or_default();
        let end = name.find(['<', '[']).unwrap_or(name.len());
        name.get(..end).unwrap_or(name).trim_start_matches('*')
    }
}

impl Ty {
    /// The element of an array or an optional.
    pub(crate) fn item(&self) -> Option<&Self> {
        match self {
            Self::Array { item, .. } | Self::FixedArray(item, _) | Self::Optional { item, .. } => {
                Some(item)
            }
            _ => None,
        }
    }

    /// The type, then what it is made of, down to what is named or built in.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |ty| ty.item())
    }

    /// The type with a definition that this is, or repeats.
    pub(crate) fn named(&self) -> Option<TypeId> {
        self.layers().find_map(|layer| match layer {
            Self::Named(id) => Some(*id),
            _ => None,
        })
    }

    /// Returns whether this is narrower than the word it takes, so that Rust's type does not say how it is encoded.
    pub(crate) fn is_narrow(&self) -> bool {
        use Builtin::{Char, Short, UnsignedChar, UnsignedShort};
        matches!(
            self,
            Self::Builtin(Char | UnsignedChar | Short | UnsignedShort)
        )
    }

    /// The depth of nested arrays and optionals.
    pub(crate) fn depth(&self) -> usize {
        self.layers().count() - 1
    }
}

impl Kind {
    /// The types of its parts.
    pub(crate) fn parts(&self) -> Vec<&Field> {
        match self {
            Self::Enum(_) | Self::Flags(_) | Self::Procedures => Vec::new(),
            Self::Struct(fields) => fields.iter().collect(),
            Self::Typedef(field) => vec![field],
            Self::Union(union) => {
                let arms = union.arms.iter().chain(&union.default);
                std::iter::once(&union.discriminant)
                    .chain(arms.filter_map(|arm| arm.body.as_ref()))
                    .collect()
            }
        }
    }

    /// The types of its parts, to be changed.
    pub(crate) fn parts_mut(&mut self) -> Vec<&mut Field> {
        match self {
            Self::Enum(_) | Self::Flags(_) | Self::Procedures => Vec::new(),
            Self::Struct(fields) => fields.iter_mut().collect(),
            Self::Typedef(field) => vec![field],
            Self::Union(union) => {
                let arms = union.arms.iter_mut().chain(&mut union.default);
                arms.filter_map(|arm| arm.body.as_mut()).collect()
            }
        }
    }
}
