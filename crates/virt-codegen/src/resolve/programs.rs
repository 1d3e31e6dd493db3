//! Programs: their numbers, their procedures, and which types go with which procedure.
//!
//! libvirt has no `program` blocks but a convention. For a prefix such as `REMOTE` it is
//!
//! - `const REMOTE_PROGRAM`, and `const REMOTE_PROTOCOL_VERSION` or `REMOTE_PROGRAM_VERSION`,
//! - `enum remote_procedure` with members `REMOTE_PROC_X`,
//! - and for a procedure X `remote_x_args` and `remote_x_ret`, or `remote_x_msg` for an event.
//!
//! Neither case nor underscores count, as in `virLockSpaceProtocolRegisterArgs`.

use std::collections::HashMap;

use super::Resolver;
use crate::ast::{Doc, File, Item, ItemKind, Member, Name, Value};
use crate::model::{self, Link, Payload, Procedure, Program, TypeId};
use crate::names::{Scope, camel, normal, screaming, snake, unshadowed, without, words};
use crate::source::Error;

mod blocks;

/// A program in libvirt's convention: three definitions with one prefix.
pub(super) struct Convention<'s> {
    /// The words of the prefix.
    pub(super) prefix: Vec<String>,
    program: (&'s Name, &'s Value),
    version: (&'s Name, &'s Value),
    procedures: (&'s Item, &'s [Member]),
}

impl Convention<'_> {
    /// Returns whether this is one of the definitions that make the program.
    pub(super) fn owns(&self, name: &str) -> bool {
        [self.program.0, self.version.0, &self.procedures.0.name]
            .iter()
            .any(|own| own.text == name)
    }
}

/// The programs of a file that keep to the convention.
pub(super) fn conventions(file: &File) -> Vec<Convention<'_>> {
    let constants = || {
        file.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Const(value) => Some((&item.name, value)),
            _ => None,
        })
    };
    let mut enums = HashMap::new();
    for item in &file.items {
        if let ItemKind::Enum(members) = &item.kind {
            enums.insert(normal(&item.name.text), (item, members.as_slice()));
        }
    }
    let convention = |program: (&'_ Name, _)| {
        let prefix = program.0.text.strip_suffix("_PROGRAM")?;
        let endings = ["_PROTOCOL_VERSION", "_PROGRAM_VERSION", "_VERSION"];
        let mut versions = constants().filter(|(name, _)| {
            name.text
                .strip_prefix(prefix)
                .is_some_and(|ending| endings.contains(&ending))
        });
        let procedures = enums.get(&(normal(prefix) + "procedure"))?;
        Some((words(prefix), versions.next()?, *procedures))
    };
    let found = constants().filter_map(|program| {
        let (prefix, version, procedures) = convention(program)?;
        Some(Convention {
            prefix,
            program,
            version,
            procedures,
        })
    });
    found.collect()
}

impl<'s> Resolver<'s> {
    pub(super) fn resolve_programs(
        &mut self,
        file: &'s File,
        conventions: &[Convention<'s>],
    ) -> Result<(), Error> {
        let blocks = file.items.iter().map(|item| match &item.kind {
            ItemKind::Program(versions, _) => versions.len(),
            _ => 0,
        });
        let alone = conventions.len() + blocks.sum::<usize>() < 2;
        for convention in conventions {
            self.resolve_convention(convention, alone)?;
        }
        for item in &file.items {
            self.resolve_block(item, alone)?;
        }
        Ok(())
    }

    fn resolve_convention(
        &mut self,
        convention: &Convention<'s>,
        alone: bool,
    ) -> Result<(), Error> {
        let (item, members) = convention.procedures;
        let mut program = Program {
            xdr: convention.program.0.text.clone(),
            module: (!alone).then(|| self.claim(0, snake(&convention.prefix))),
            number: self.word(convention.program.1, "a program")?,
            version: self.word(convention.version.1, "a version")?,
            procedures: Vec::new(),
            doc: item.doc.clone(),
        };
        if let (Some(module), Some(&id)) = (&program.module, self.ids.get(item.name.text.as_str()))
        {
            self.model.types[id].rust = format!("{module}::Procedure");
        }
        let types = (0..)
            .zip(&self.model.types)
            .map(|(id, ty)| (normal(&ty.xdr), id));
        let types: HashMap<String, TypeId> = types.collect();
        let prefix = [convention.prefix.as_slice(), &["proc".into()]].concat();
        let mut scope = Scope::new(&["ALL"]);
        let resolved = self.members(0, &item.name.text, members)?;
        for (source, member) in members.iter().zip(resolved) {
            let name = without(&words(&member.xdr), &prefix);
            let find = |suffix: &str| {
                let id = types.get(&(convention.prefix.concat() + &name.concat() + suffix))?;
                Some(Payload::Named(*id))
            };
            let partial = item.doc.has("partial");
            let payloads = [find("args"), find("ret"), find("msg")];
            self.check_payloads(&payloads)?;
            let [arguments, returns, body] = payloads;
            let link = link(&source.doc, partial, arguments, returns, body);
            let member = model::Member {
                rust: scope.claim(screaming(&name)),
                ..member
            };
            self.push_procedure(&mut program, member, &source.name, &name, link)?;
        }
        self.model.programs.push(program);
        Ok(())
    }

    /// Refuses a payload that has no Rust type of its own.
    fn check_payloads(&self, payloads: &[Option<Payload>]) -> Result<(), Error> {
        for payload in payloads.iter().flatten() {
            if let Payload::Named(id) = payload
                && let ty = &self.model.types[*id]
                && ty.is_shorthand()
            {
                let message = format!(
                    "`{}` is a whole payload, which needs a type: expected no `@shorthand`",
                    ty.xdr
                );
                return Err(self.error(ty.span, &message));
            }
        }
        Ok(())
    }

    /// A number that takes a word of the header.
    fn word(&self, value: &Value, what: &str) -> Result<u32, Error> {
        self.in_range(self.evaluate(value)?, value.span, 0..=u32::MAX, what)
    }

    fn push_procedure(
        &mut self,
        program: &mut Program,
        member: model::Member,
        name: &Name,
        words: &[String],
        link: Link,
    ) -> Result<(), Error> {
        let taken = program
            .procedures
            .iter()
            .find(|other| other.member.value == member.value);
        if let Some(taken) = taken {
            let (value, taken) = (member.value, &taken.member.xdr);
            let message =
                format!("procedure {value} is `{taken}` already, expected another number");
            return Err(self.error(name.span, &message));
        }
        let rust = match (&link, &program.module) {
            (Link::Unknown, _) => String::new(),
            // A module has a scope of its own.
            (_, Some(_)) => {
                let mut scope = Scope::new(&["Procedure"]);
                for other in &program.procedures {
                    scope.claim(other.rust.clone());
                }
                scope.claim(unshadowed(camel(words)))
            }
            (_, None) => self.claim(0, camel(words)),
        };
        program.procedures.push(Procedure { member, rust, link });
        Ok(())
    }
}

/// Finds the arguments and return value of a procedure by the types that exist and the tags of its comment.
///
/// A procedure without types takes and returns nothing. Where the enum is `@partial` it may just as well
/// be that nobody wrote its types down, so that only `@void` or `@message` say so.
fn link(
    doc: &Doc,
    partial: bool,
    arguments: Option<Payload>,
    returns: Option<Payload>,
    body: Option<Payload>,
) -> Link {
    if body.is_some() || doc.has("message") {
        Link::Message { body }
    } else if arguments.is_some() || returns.is_some() || !partial || doc.has("void") {
        Link::Call { arguments, returns }
    } else {
        Link::Unknown
    }
}
