//! The values of constants and enum members.

use std::ops::RangeInclusive;

use super::Resolver;
use super::programs::Convention;
use crate::ast::{Doc, Item, ItemKind, Member, Name, Spec, Union, Value, ValueKind};
use crate::model::{self, Bound, Constant, ConstantValue, Count, Flag, Home, TypeId};
use crate::names::{Scope, common_prefix, screaming, without, words};
use crate::source::{Error, Span};

/// The longest chain of constants defined by constants.
const MAX_CHAIN: usize = 32;

/// The longest array or opaque of fixed length: it lies in its struct, often on the stack.
const MAX_FIXED: u32 = 65_536;

/// The value of a name.
pub(super) struct Definition<'s> {
    /// The value that is written; a member without any counts from 0.
    base: Option<&'s Value>,
    /// The difference between a member and the value written before it.
    offset: i32,
    span: Span,
    /// The Rust constant that has the value.
    constant: Option<String>,
}

impl<'s> Resolver<'s> {
    /// Registers the constant or the enum members that an item defines.
    pub(super) fn declare_values(&mut self, source: usize, item: &'s Item) -> Result<(), Error> {
        let mut enums = Vec::new();
        match &item.kind {
            ItemKind::Const(value) => {
                let definition = Definition {
                    base: Some(value),
                    offset: 0,
                    span: item.name.span,
                    constant: None,
                };
                return self.declare_value(source, &item.name, definition);
            }
            ItemKind::Enum(members) => enums.push(members),
            ItemKind::Struct(fields) => fields
                .iter()
                .for_each(|field| enums_in(&field.spec, &mut enums)),
            ItemKind::Union(union) => enums_in_union(union, &mut enums),
            ItemKind::Typedef(declaration) => enums_in(&declaration.spec, &mut enums),
            ItemKind::Program(..) | ItemKind::Text(_) => {}
        }
        for members in enums {
            let mut base = None;
            let mut offset = 0;
            for member in members {
                if member.value.is_some() {
                    (base, offset) = (member.value.as_ref(), 0);
                }
                let definition = Definition {
                    base,
                    offset,
                    span: member.name.span,
                    constant: None,
                };
                self.declare_value(source, &member.name, definition)?;
                offset += 1;
            }
        }
        Ok(())
    }

    fn declare_value(
        &mut self,
        source: usize,
        name: &'s Name,
        definition: Definition<'s>,
    ) -> Result<(), Error> {
        match self.values.get(name.text.as_str()) {
            Some(first) if first.span.source == source => Err(self.twice(name, first.span)),
            // What a file defines itself hides what it includes.
            Some(_) => Ok(()),
            None => {
                self.values.insert(&name.text, definition);
                Ok(())
            }
        }
    }

    /// Gives a constant its Rust name, unless it says which program this is.
    pub(super) fn name_constant(
        &mut self,
        source: usize,
        item: &'s Item,
        programs: &[Convention<'_>],
    ) -> Result<(), Error> {
        let value = match &item.kind {
            ItemKind::Const(value) => ConstantValue::Number(self.evaluate(value)?),
            ItemKind::Text(text) => ConstantValue::Text(text.clone()),
            _ => return Ok(()),
        };
        let of_program = programs.iter().any(|program| program.owns(&item.name.text));
        if of_program || self.home(source) == Home::Included {
            return Ok(());
        }
        let rust = self.claim(source, screaming(&self.stripped(source, &item.name.text)));
        if let Some(definition) = self.values.get_mut(item.name.text.as_str())
            && definition.span == item.name.span
            && let ConstantValue::Number(number) = value
            && u32::try_from(number).is_ok()
        {
            definition.constant = Some(rust.clone());
        }
        if source == 0 || self.settings.tree.is_some() {
            let constant = Constant {
                xdr: item.name.text.clone(),
                rust,
                value,
                source,
                doc: item.doc.clone(),
            };
            self.model.constants.push(constant);
        }
        Ok(())
    }

    /// The number that a value is.
    pub(super) fn evaluate(&self, value: &Value) -> Result<i128, Error> {
        let mut current = value;
        let mut sum = 0;
        for _ in 0..MAX_CHAIN {
            let name = match &current.kind {
                ValueKind::Number(number) => return Ok(number + sum),
                ValueKind::Name(name) => name.as_str(),
            };
            match self.values.get(name) {
                Some(Definition {
                    base: Some(base),
                    offset,
                    ..
                }) => {
                    sum += i128::from(*offset);
                    current = base;
                }
                Some(Definition {
                    base: None, offset, ..
                }) => return Ok(sum + i128::from(*offset)),
                None => {
                    return match self.defined_elsewhere(name) {
                        Some(number) => Ok(number + sum),
                        None => Err(self.undefined(name, current.span)),
                    };
                }
            }
        }
        let message = format!(
            "constants name one another without end, expected a chain of at most {MAX_CHAIN}"
        );
        Err(self.error(value.span, &message))
    }

    /// The value of a constant that no file defines.
    fn defined_elsewhere(&self, name: &str) -> Option<i128> {
        match (self.settings.defines.get(name), name) {
            (Some(number), _) => Some(*number),
            (None, "TRUE") => Some(1),
            (None, "FALSE") => Some(0),
            (None, _) => None,
        }
    }

    /// Returns whether a file or the caller gives this constant a value.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.defined_elsewhere(name).is_some()
    }

    /// A number in a range, or an error that says what it is out of range for.
    pub(super) fn in_range<T>(
        &self,
        number: i128,
        span: Span,
        range: RangeInclusive<T>,
        what: &str,
    ) -> Result<T, Error>
    where
        T: TryFrom<i128> + Into<i128> + Copy + PartialOrd,
    {
        T::try_from(number)
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (least, greatest): (i128, i128) =
                    ((*range.start()).into(), (*range.end()).into());
                self.error(
                    span,
                    &format!("{number} is out of range for {what}, expected {least} to {greatest}"),
                )
            })
    }

    /// Returns the number of elements of an array.
    pub(super) fn fixed(&self, value: &Value) -> Result<Count, Error> {
        // An element without bytes could be repeated for nothing, so that there are no arrays of none.
        let number = self.in_range(
            self.evaluate(value)?,
            value.span,
            1..=MAX_FIXED,
            "a fixed length",
        )?;
        Ok(Count {
            value: number,
            constant: self.constant_of(value),
        })
    }

    /// Returns the greatest number of elements of an array.
    pub(super) fn bound(&self, value: Option<&Value>) -> Result<Bound, Error> {
        let Some(value) = value else { return Ok(None) };
        let number = self.in_range(self.evaluate(value)?, value.span, 0..=u32::MAX, "a bound")?;
        Ok(Some(Count {
            value: number,
            constant: self.constant_of(value),
        }))
    }

    /// The Rust constant that a value names.
    fn constant_of(&self, value: &Value) -> Option<String> {
        match &value.kind {
            ValueKind::Name(name) => self.values.get(name.as_str())?.constant.clone(),
            ValueKind::Number(_) => None,
        }
    }

    /// The members of the enum of this name.
    pub(super) fn members(
        &self,
        source: usize,
        name: &str,
        members: &[Member],
        doc: &Doc,
    ) -> Result<Vec<model::Member>, Error> {
        let stripped = self.member_words(source, name, members, doc);
        let mut scope = Scope::new(&["ALL"]);
        let mut resolved = Vec::new();
        let mut next = 0;
        for (Member { name, value, doc }, words) in members.iter().zip(stripped) {
            let number = value
                .as_ref()
                .map_or(Ok(next), |value| self.evaluate(value))?;
            let span = value.as_ref().map_or(name.span, |value| value.span);
            let value = self.in_range(number, span, i32::MIN..=i32::MAX, "a member of an enum")?;
            let rust = scope.claim(screaming(&words));
            resolved.push(model::Member {
                xdr: name.text.clone(),
                rust,
                value,
                doc: doc.clone(),
            });
            next = number + 1;
        }
        Ok(resolved)
    }
}

impl Resolver<'_> {
    /// The words of each member's name without the prefix that they share, or that a `@prefix` names.
    fn member_words(
        &self,
        source: usize,
        name: &str,
        members: &[Member],
        doc: &Doc,
    ) -> Vec<Vec<String>> {
        let mut names: Vec<_> = members
            .iter()
            .map(|member| words(&member.name.text))
            .collect();
        if let Some(prefixes) = doc.tag("prefix") {
            let prefixes: Vec<_> = prefixes.iter().map(|prefix| words(prefix)).collect();
            let stripped = |name: &Vec<String>| {
                let prefix = prefixes
                    .iter()
                    .find(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
                prefix.map_or(name.clone(), |prefix| without(name, prefix))
            };
            return names.iter().map(stripped).collect();
        }
        if names.len() == 1 {
            // A member alone shares its prefix with the enum itself.
            let mut name = words(name);
            name.push("members".into());
            names.push(name);
        }
        let prefix = common_prefix(&names);
        let stripped = |member: &Member| match prefix.is_empty() {
            true => self.stripped(source, &member.name.text),
            false => words(&member.name.text).split_off(prefix.len()),
        };
        members.iter().map(stripped).collect()
    }

    /// The members of a set of flags.
    pub(super) fn flags(&mut self, id: TypeId, members: &[Member]) -> Result<Vec<Flag>, Error> {
        let ty = &self.model.types[id];
        let names = self.member_words(ty.span.source, &ty.xdr, members, &ty.doc);
        let mut scope = Scope::new(&["ALL"]);
        let mut flags = Vec::new();
        for (member, words) in members.iter().zip(names) {
            let Some(value) = &member.value else {
                let message = "a flag needs a value";
                return Err(self.error(member.name.span, message));
            };
            let number = self.evaluate(value)?;
            flags.push(Flag {
                xdr: member.name.text.clone(),
                rust: scope.claim(screaming(&words)),
                value: self.in_range(number, value.span, 0..=u32::MAX, "a flag")?,
                doc: member.doc.clone(),
            });
        }
        Ok(flags)
    }
}

/// Every enum that is defined in place in this type.
fn enums_in<'s>(spec: &'s Spec, enums: &mut Vec<&'s Vec<Member>>) {
    match spec {
        Spec::Enum(members) => enums.push(members),
        Spec::Struct(fields) => fields.iter().for_each(|field| enums_in(&field.spec, enums)),
        Spec::Union(union) => enums_in_union(union, enums),
        Spec::Builtin(_) | Spec::String | Spec::Opaque | Spec::Named(_) => {}
    }
}

fn enums_in_union<'s>(union: &'s Union, enums: &mut Vec<&'s Vec<Member>>) {
    enums_in(&union.discriminant.spec, enums);
    let bodies = union.arms.iter().filter_map(|arm| arm.body.as_ref());
    for body in bodies.chain(union.default.as_ref().and_then(Option::as_ref)) {
        enums_in(&body.spec, enums);
    }
}
