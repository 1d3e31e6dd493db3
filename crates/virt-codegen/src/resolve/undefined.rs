//! Constants that nothing defines, all reported together.

use std::collections::{HashMap, HashSet};

use super::Resolver;
use crate::ast::{Declaration, File, Item, ItemKind, Member, Shape, Spec, Union, Value, ValueKind};
use crate::source::{Error, Span};

impl Resolver<'_> {
    /// Refuses definitions that use constants without a value.
    pub(super) fn check_constants(&self, files: &[File]) -> Result<(), Error> {
        let mut used = Used::default();
        let mut homes = HashMap::new();
        for (source, file) in files.iter().enumerate() {
            for item in &file.items {
                // A definition that an earlier file hides is never resolved, nor is the program of an included file.
                let home = *homes.entry(item.name.text.as_str()).or_insert(source);
                match &item.kind {
                    ItemKind::Const(value) => used.value(value),
                    ItemKind::Text(_) => {}
                    ItemKind::Program(..) if source > 0 => {}
                    _ if home == source => used.item(item),
                    _ => {}
                }
            }
        }
        let mut known = HashSet::new();
        let missing: Vec<_> = used
            .0
            .into_iter()
            .filter(|(name, _)| !self.is_defined(name) && known.insert(*name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let errors: Vec<_> = missing
            .into_iter()
            .map(|(name, span)| self.undefined(name, span).to_string())
            .collect();
        Err(Error::new(errors.join("\n")))
    }

    pub(super) fn undefined(&self, name: &str, span: Span) -> Error {
        let message =
            format!("`{name}` is not defined, expected a constant (or `--define {name}=NUMBER`)");
        self.error(span, &message)
    }
}

/// The names of constants that definitions use, in order.
#[derive(Default)]
struct Used<'s>(Vec<(&'s str, Span)>);

impl<'s> Used<'s> {
    fn value(&mut self, value: &'s Value) {
        if let ValueKind::Name(name) = &value.kind {
            self.0.push((name, value.span));
        }
    }

    fn item(&mut self, item: &'s Item) {
        match &item.kind {
            ItemKind::Const(value) => self.value(value),
            ItemKind::Text(_) => {}
            ItemKind::Enum(members) => self.members(members),
            ItemKind::Struct(fields) => self.declarations(fields),
            ItemKind::Union(union) => self.union(union),
            ItemKind::Typedef(declaration) => self.declaration(declaration),
            ItemKind::Program(versions, number) => {
                for version in versions {
                    for procedure in &version.procedures {
                        let specs = procedure.arguments.iter().chain(&procedure.returns);
                        specs.for_each(|spec| self.spec(spec));
                        self.value(&procedure.value);
                    }
                    self.value(&version.value);
                }
                self.value(number);
            }
        }
    }

    fn members(&mut self, members: &'s [Member]) {
        let values = members.iter().filter_map(|member| member.value.as_ref());
        values.for_each(|value| self.value(value));
    }

    fn declarations(&mut self, declarations: &'s [Declaration]) {
        declarations
            .iter()
            .for_each(|declaration| self.declaration(declaration));
    }

    fn declaration(&mut self, declaration: &'s Declaration) {
        self.spec(&declaration.spec);
        match &declaration.shape {
            Shape::Fixed(value) | Shape::Variable(Some(value)) => self.value(value),
            Shape::Plain | Shape::Variable(None) | Shape::Optional => {}
        }
    }

    fn spec(&mut self, spec: &'s Spec) {
        match spec {
            Spec::Enum(members) => self.members(members),
            Spec::Struct(fields) => self.declarations(fields),
            Spec::Union(union) => self.union(union),
            Spec::Builtin(_) | Spec::String | Spec::Opaque | Spec::Named(_) => {}
        }
    }

    fn union(&mut self, union: &'s Union) {
        self.declaration(&union.discriminant);
        for arm in &union.arms {
            arm.labels.iter().for_each(|label| self.value(label));
            arm.body.iter().for_each(|body| self.declaration(body));
        }
        if let Some(Some(body)) = &union.default {
            self.declaration(body);
        }
    }
}
