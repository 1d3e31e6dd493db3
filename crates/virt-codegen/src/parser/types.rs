//! Declarations: structs, unions and the types of their parts.

use super::Parser;
use crate::ast::{Arm, Builtin, Declaration, Shape, Spec, Union};
use crate::source::Error;

impl Parser<'_> {
    /// `{ declaration; ... }`
    pub(super) fn fields(&mut self) -> Result<Vec<Declaration>, Error> {
        self.sign('{', "`{` and the fields of the struct")?;
        let mut fields = Vec::new();
        loop {
            let first = self.at;
            let mut field = self.declaration("the type of a field")?;
            self.sign(';', &format!("`;` after the field `{}`", field.name.text))?;
            field.doc = self.doc(first);
            fields.push(field);
            if self.take('}') {
                return Ok(fields);
            }
        }
    }

    /// `switch (declaration) { case value: ... declaration; ... [default: declaration;] }`
    pub(super) fn union_body(&mut self) -> Result<Union, Error> {
        if !self.take_word("switch") {
            return Err(self.expected("`switch` and the discriminant of the union"));
        }
        self.sign('(', "`(` and the discriminant of the union")?;
        let discriminant = Box::new(self.declaration("the type of the discriminant")?);
        self.sign(')', "`)` after the discriminant")?;
        self.sign('{', "`{` and the arms of the union")?;
        let mut union = Union {
            discriminant,
            arms: Vec::new(),
            default: None,
        };
        loop {
            let first = self.at;
            if self.take_word("default") {
                self.sign(':', "`:` after `default`")?;
                union.default = Some(self.arm_body(first)?);
                self.sign(
                    '}',
                    "`}` after the default of the union, which is its last arm",
                )?;
                return Ok(union);
            }
            let mut labels = Vec::new();
            while self.take_word("case") {
                labels.push(self.value("a number or the name of a constant")?);
                self.sign(':', "`:` after a case")?;
            }
            if labels.is_empty() {
                return Err(self.expected("`case`"));
            }
            let body = self.arm_body(first)?;
            union.arms.push(Arm {
                labels,
                body,
                doc: self.doc(first),
            });
            if self.take('}') {
                return Ok(union);
            }
        }
    }

    /// `declaration;` or `void;`
    fn arm_body(&mut self, first: usize) -> Result<Option<Declaration>, Error> {
        let body = match self.take_word("void") {
            true => None,
            false => Some(self.declaration("the type of the arm, or `void`")?),
        };
        self.sign(';', "`;` after the arm of the union")?;
        let doc = self.doc(first);
        Ok(body.map(|body| Declaration { doc, ..body }))
    }

    /// A type, a name and how many there are.
    pub(super) fn declaration(&mut self, expected: &str) -> Result<Declaration, Error> {
        let spec = self.spec(expected)?;
        let optional = self.take('*');
        let name = self.name("a name for what is declared")?;
        let array = matches!(spec, Spec::String | Spec::Opaque);
        let shape = if optional && array {
            return Err(self
                .expected("no `*` with `string` or `opaque`: name the type with a typedef first"));
        } else if optional {
            Shape::Optional
        } else if self.is_at('[') && !matches!(spec, Spec::String) {
            self.at += 1;
            let count = self.value("how many there are")?;
            self.sign(']', "`]` after the count")?;
            Shape::Fixed(count)
        } else if self.take('<') {
            let bound = match self.is_at('>') {
                true => None,
                false => Some(self.value("how many there may be, or `>`")?),
            };
            self.sign('>', "`>` after the bound")?;
            Shape::Variable(bound)
        } else if matches!(spec, Spec::String) {
            return Err(self.expected("`<` and the bound of the string"));
        } else if array {
            return Err(self.expected("`[` or `<` and how many bytes there are"));
        } else {
            Shape::Plain
        };
        Ok(Declaration {
            name,
            spec,
            shape,
            doc: crate::ast::Doc::default(),
        })
    }

    /// A type.
    pub(super) fn spec(&mut self, expected: &str) -> Result<Spec, Error> {
        let Some(word) = self.word().map(str::to_owned) else {
            return Err(self.expected(expected));
        };
        let builtin = match word.as_str() {
            "int" => Builtin::Int,
            "hyper" => Builtin::Hyper,
            "float" => Builtin::Float,
            "double" => Builtin::Double,
            "quadruple" => Builtin::Quadruple,
            "bool" => Builtin::Bool,
            "unsigned" => {
                self.at += 1;
                let (builtin, words) = match self.word() {
                    Some("int" | "long") => (Builtin::UnsignedInt, 1),
                    Some("hyper") => (Builtin::UnsignedHyper, 1),
                    Some("char") => (Builtin::UnsignedChar, 1),
                    Some("short") => (Builtin::UnsignedShort, 1),
                    _ => (Builtin::UnsignedInt, 0),
                };
                self.at += words;
                return Ok(Spec::Builtin(builtin));
            }
            "string" | "opaque" => {
                self.at += 1;
                return Ok(if word == "string" {
                    Spec::String
                } else {
                    Spec::Opaque
                });
            }
            "enum" | "struct" | "union" => {
                self.at += 1;
                return self.nested(|parser| parser.defined_in_place(&word));
            }
            _ => return self.name(expected).map(Spec::Named),
        };
        self.at += 1;
        Ok(Spec::Builtin(builtin))
    }

    /// Parses the part behind `enum`, `struct` or `union` where a type is expected: a body, or a name as in C.
    fn defined_in_place(&mut self, word: &str) -> Result<Spec, Error> {
        match word {
            "enum" if self.is_at('{') => self.members().map(Spec::Enum),
            "struct" if self.is_at('{') => self.fields().map(Spec::Struct),
            "union" if self.word() == Some("switch") => {
                Ok(Spec::Union(Box::new(self.union_body()?)))
            }
            _ => self
                .name(&format!("the name or the body of the {word}"))
                .map(Spec::Named),
        }
    }
}
