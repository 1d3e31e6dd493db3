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
use crate::model::{self, Kind, Link, Payload, Procedure, Program, Role, Ty, Type, TypeId};
use crate::names::{Scope, camel, normal, screaming, snake, unshadowed, without, words};
use crate::source::Error;

mod blocks;

/// A program in libvirt's convention: three definitions with one prefix.
pub(super) struct Convention<'s> {
    /// The words of the prefix.
    pub(super) prefix: Vec<String>,
    program: (&'s Name, &'s Value),
    version: (&'s Name, &'s Value),
    /// The enums of its procedures, each with the number of its file.
    procedures: Vec<(usize, &'s Item, &'s [Member])>,
}

impl Convention<'_> {
    /// Returns whether this is one of the definitions that make the program.
    pub(super) fn owns(&self, name: &str) -> bool {
        let enums = self.procedures.iter().map(|(_, item, _)| &item.name);
        enums
            .chain([self.program.0, self.version.0])
            .any(|own| own.text == name)
    }

    /// The number of the file that defines the program.
    pub(super) fn source(&self) -> usize {
        self.program.0.span.source
    }
}

/// The programs of files that keep to the convention. A program may have more enums of procedures than one, such as
/// `remote_domain_procedure` beside `remote_network_procedure`.
pub(super) fn conventions(files: &[File]) -> Vec<Convention<'_>> {
    let items = || {
        (0..)
            .zip(files)
            .flat_map(|(source, file)| file.items.iter().map(move |item| (source, item)))
    };
    let constants = || {
        items().filter_map(|(_, item)| match &item.kind {
            ItemKind::Const(value) => Some((&item.name, value)),
            _ => None,
        })
    };
    let enums = |prefix: &str| {
        let of_prefix = items().filter_map(|(source, item)| match &item.kind {
            ItemKind::Enum(members) => Some((source, item, members.as_slice())),
            _ => None,
        });
        let begin = normal(prefix);
        let is_one = |item: &Item| {
            let name = normal(&item.name.text);
            name.starts_with(&begin) && name.ends_with("procedure")
        };
        let mut found: Vec<_> = of_prefix.filter(|(_, item, _)| is_one(item)).collect();
        // The enum with the plain name is alone where there is one: others may be a longer prefix's.
        let plain = begin.clone() + "procedure";
        if let Some(exact) = found
            .iter()
            .position(|(_, item, _)| normal(&item.name.text) == plain)
        {
            found = vec![found.swap_remove(exact)];
        }
        found
    };
    let convention = |program: (&'_ Name, _)| {
        let prefix = program.0.text.strip_suffix("_PROGRAM")?;
        let endings = ["_PROTOCOL_VERSION", "_PROGRAM_VERSION", "_VERSION"];
        let mut versions = constants().filter(|(name, _)| {
            name.text
                .strip_prefix(prefix)
                .is_some_and(|ending| endings.contains(&ending))
        });
        let procedures = enums(prefix);
        if procedures.is_empty() {
            return None;
        }
        Some((words(prefix), versions.next()?, procedures))
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
        source: usize,
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
        if source == 0 {
            for item in &file.items {
                self.resolve_block(item, alone)?;
            }
        }
        Ok(())
    }

    fn resolve_convention(
        &mut self,
        convention: &Convention<'s>,
        alone: bool,
    ) -> Result<(), Error> {
        let Some((_, item, _)) = convention.procedures.first() else {
            return Ok(());
        };
        let source = convention.source();
        let path = self.module_path(source);
        let mut program = Program {
            xdr: convention.program.0.text.clone(),
            source,
            path: path.map_or(String::new(), |path| path + "::"),
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
        let mut procedures = Vec::new();
        for &(file, item, members) in &convention.procedures {
            let resolved = self.members(file, &item.name.text, members, &item.doc)?;
            let partial = item.doc.has("partial");
            let both = members.iter().zip(resolved);
            procedures.extend(both.map(|(written, member)| (file, partial, written, member)));
        }
        procedures.sort_by_key(|(.., member)| member.value);
        for (file, partial, source, member) in procedures {
            let name = without(&words(&member.xdr), &prefix);
            let find = |suffix: &str| {
                let id = types.get(&(convention.prefix.concat() + &name.concat() + suffix))?;
                Some(Payload::Named(*id))
            };
            let payloads = [find("args"), find("ret"), find("msg")];
            self.check_payloads(&payloads)?;
            let payloads = self.roles(payloads);
            let [arguments, returns, body] = payloads;
            let link = link(&source.doc, partial, arguments, returns, body);
            let member = model::Member {
                rust: scope.claim(screaming(&name)),
                ..member
            };
            self.push_procedure(&mut program, (file, member), &source.name, &name, link)?;
        }
        self.model.programs.push(program);
        Ok(())
    }

    /// Tells the types of payloads apart, and puts a field in place of a struct of one field in a tree.
    fn roles(&mut self, payloads: [Option<Payload>; 3]) -> [Option<Payload>; 3] {
        // Other messages may hold a message, which therefore stays a struct.
        let is_message = payloads[2].is_some();
        let mut role = Role::Arguments;
        payloads.map(|payload| {
            let role = std::mem::replace(&mut role, Role::Result);
            let Some(Payload::Named(id)) = payload else {
                return payload;
            };
            let is_field =
                !is_message && self.settings.tree.is_some() && is_field(&self.model.types[id]);
            self.model.types[id].role = if is_field { Role::Field } else { role };
            Some(if is_field {
                Payload::Field(id)
            } else {
                Payload::Named(id)
            })
        })
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
        (source, member): (usize, model::Member),
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
            (_, None) => self.claim(source, camel(words)),
        };
        program.procedures.push(Procedure {
            member,
            rust,
            source,
            link,
        });
        Ok(())
    }
}

/// Returns whether a type is a struct of one field that has its whole codec.
fn is_field(ty: &Type) -> bool {
    match &ty.kind {
        Kind::Struct(fields) => match fields.as_slice() {
            [field] => match field.ty {
                Ty::Builtin(_) => !field.ty.is_narrow(),
                Ty::Named(_) | Ty::Foreign(_) => true,
                _ => false,
            },
            _ => false,
        },
        _ => false,
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
