//! The syntax tree of a definition file, before names are looked up.

use std::fmt;

use super::source::Span;

/// A whole file.
#[derive(Debug, Default)]
pub struct File {
    /// The comment at the top that is about the whole file: a blank line follows it.
    pub doc: Doc,
    /// The names in `#include "..."` and `%#include "..."`.
    pub includes: Vec<String>,
    /// Its definitions, in order.
    pub items: Vec<Item>,
}

/// A definition.
#[derive(Debug)]
pub struct Item {
    /// The name that it defines.
    pub name: Name,
    /// The comment about it.
    pub doc: Doc,
    /// The body of the definition.
    pub kind: ItemKind,
}

/// The kinds of definition.
#[derive(Debug)]
pub enum ItemKind {
    /// `const name = value;`
    Const(Value),
    /// `const name = "text";`
    Text(String),
    /// `enum name { ... };`
    Enum(Vec<Member>),
    /// `struct name { ... };`
    Struct(Vec<Declaration>),
    /// `union name switch (...) { ... };`
    Union(Union),
    /// `typedef declaration;`
    Typedef(Declaration),
    /// `program name { ... } = value;`
    Program(Vec<Version>, Value),
}

/// A name and where it stands.
#[derive(Debug, Clone)]
pub struct Name {
    /// The name as it is written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The comment about a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// Its lines, without the signs that make it a comment.
    pub lines: Vec<String>,
    /// The annotations: a line that begins with `@` holds nothing else.
    pub tags: Vec<Tag>,
}

/// An annotation in a comment: `@name value value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The word behind the `@`.
    pub name: String,
    /// The words up to the next annotation.
    pub values: Vec<String>,
}

impl Doc {
    /// Returns whether this tag is among the comment's.
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        self.tag(tag).is_some()
    }

    /// Returns the values of a tag, if it is among the comment's.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&[String]> {
        let tag = self.tags.iter().find(|tag| tag.name == name)?;
        Some(&tag.values)
    }

    /// Returns the values of each tag of this name.
    pub fn each(&self, name: &str) -> impl Iterator<Item = &[String]> {
        let tags = self.tags.iter().filter(move |tag| tag.name == name);
        tags.map(|tag| tag.values.as_slice())
    }
}

/// A number, or the name of one.
#[derive(Debug, Clone)]
pub struct Value {
    /// The number or the name.
    pub kind: ValueKind,
    /// Its place.
    pub span: Span,
}

/// See [`Value`].
#[derive(Debug, Clone)]
pub enum ValueKind {
    /// A number.
    Number(i128),
    /// The name of a constant.
    Name(String),
}

/// A member of an enum.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: Name,
    /// Its value; without one it is one more than the member before.
    pub value: Option<Value>,
    /// The comment about it.
    pub doc: Doc,
}

/// A name and its type, such as `int x<5>`.
#[derive(Debug)]
pub struct Declaration {
    /// The declared name.
    pub name: Name,
    /// The type of its elements.
    pub spec: Spec,
    /// The number of elements.
    pub shape: Shape,
    /// The comment about it.
    pub doc: Doc,
}

/// The part of a declaration behind the name.
#[derive(Debug)]
pub enum Shape {
    /// `T x`
    Plain,
    /// `T x[n]`
    Fixed(Value),
    /// `T x<n>`, `T x<>`
    Variable(Option<Value>),
    /// `T *x`
    Optional,
}

/// A type.
#[derive(Debug)]
pub enum Spec {
    /// A type of the language.
    Builtin(Builtin),
    /// `string`, which needs a [`Shape::Variable`].
    String,
    /// `opaque`, which needs an array's shape.
    Opaque,
    /// A type that is defined somewhere.
    Named(Name),
    /// An enum defined in place.
    Enum(Vec<Member>),
    /// A struct defined in place.
    Struct(Vec<Declaration>),
    /// A union defined in place.
    Union(Box<Union>),
}

/// The types of the language that take a fixed number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// `int`, `long`, `int32_t`
    Int,
    /// `unsigned int`, `unsigned`
    UnsignedInt,
    /// `hyper`, `int64_t`
    Hyper,
    /// `unsigned hyper`
    UnsignedHyper,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `quadruple`
    Quadruple,
    /// `bool`
    Bool,
    /// `char`: a word
    Char,
    /// `unsigned char`: a word
    UnsignedChar,
    /// `short`: a word
    Short,
    /// `unsigned short`: a word
    UnsignedShort,
}

/// A union.
#[derive(Debug)]
pub struct Union {
    /// The discriminant: always plain.
    pub discriminant: Box<Declaration>,
    /// Its arms, `default` aside.
    pub arms: Vec<Arm>,
    /// The arm for every other discriminant, if there is one; `None` inside is `void`.
    pub default: Option<Option<Declaration>>,
}

/// An arm of a union.
#[derive(Debug)]
pub struct Arm {
    /// Its cases.
    pub labels: Vec<Value>,
    /// The body behind the discriminant; `None` is `void`.
    pub body: Option<Declaration>,
    /// The comment about it.
    pub doc: Doc,
}

/// A version of a program.
#[derive(Debug)]
pub struct Version {
    /// Its name.
    pub name: Name,
    /// Its procedures.
    pub procedures: Vec<Procedure>,
    /// Its number.
    pub value: Value,
    /// The comment about it.
    pub doc: Doc,
}

/// A procedure of a version.
#[derive(Debug)]
pub struct Procedure {
    /// Its name.
    pub name: Name,
    /// The return type; `None` is `void`.
    pub returns: Option<Spec>,
    /// The types of the arguments; empty is `void`.
    pub arguments: Vec<Spec>,
    /// Its number.
    pub value: Value,
    /// The comment about it.
    pub doc: Doc,
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = match &self.spec {
            Spec::Builtin(builtin) => match builtin {
                Builtin::Int => "int",
                Builtin::UnsignedInt => "unsigned int",
                Builtin::Hyper => "hyper",
                Builtin::UnsignedHyper => "unsigned hyper",
                Builtin::Float => "float",
                Builtin::Double => "double",
                Builtin::Quadruple => "quadruple",
                Builtin::Bool => "bool",
                Builtin::Char => "char",
                Builtin::UnsignedChar => "unsigned char",
                Builtin::Short => "short",
                Builtin::UnsignedShort => "unsigned short",
            },
            Spec::String => "string",
            Spec::Opaque => "opaque",
            Spec::Named(name) => &name.text,
            Spec::Enum(_) => "enum { … }",
            Spec::Struct(_) => "struct { … }",
            Spec::Union(_) => "union { … }",
        };
        let name = &self.name.text;
        match &self.shape {
            Shape::Plain => write!(f, "{spec} {name}"),
            Shape::Optional => write!(f, "{spec} *{name}"),
            Shape::Fixed(count) => write!(f, "{spec} {name}[{}]", count),
            Shape::Variable(None) => write!(f, "{spec} {name}<>"),
            Shape::Variable(Some(bound)) => write!(f, "{spec} {name}<{}>", bound),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Number(number) => number.fmt(f),
            ValueKind::Name(name) => f.write_str(name),
        }
    }
}
