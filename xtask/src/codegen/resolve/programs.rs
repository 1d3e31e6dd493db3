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
use crate::codegen::ast::{self, Doc, File, ItemKind, Name, Spec};
use crate::codegen::model::{self, Link, Payload, Procedure, Program, Ty, TypeId};
use crate::codegen::names::{
    Scope, camel, common_prefix, normal, screaming, snake, without, words,
};
use crate::codegen::source::Error;

/// A program in libvirt's convention: three definitions with one prefix.
pub(super) struct Convention {
    /// The words of the prefix.
    pub(super) prefix: Vec<String>,
    program: String,
    version: String,
    procedures: String,
}

impl Convention {
    /// Whether this is one of the definitions that make the program.
    pub(super) fn owns(&self, name: &str) -> bool {
        name == self.program || name == self.version || name == self.procedures
    }
}

/// The programs of a file that keep to the convention.
pub(super) fn conventions(file: &File) -> Vec<Convention> {
    let consts = || {
        file.items
            .iter()
            .filter(|item| matches!(item.kind, ItemKind::Const(_)))
            .map(|item| &item.name.text)
    };
    let enums = || {
        file.items
            .iter()
            .filter(|item| matches!(item.kind, ItemKind::Enum(_)))
            .map(|item| &item.name.text)
    };
    let mut found = Vec::new();
    for program in consts() {
        let Some(prefix) = program.strip_suffix("_PROGRAM") else {
            continue;
        };
        let endings = ["_PROTOCOL_VERSION", "_PROGRAM_VERSION", "_VERSION"];
        let version = endings
            .iter()
            .find_map(|ending| consts().find(|name| name.strip_suffix(ending) == Some(prefix)));
        let procedures = enums().find(|name| normal(name) == normal(prefix) + "procedure");
        if let (Some(version), Some(procedures)) = (version, procedures) {
            found.push(Convention {
                prefix: words(prefix),
                program: program.clone(),
                version: version.clone(),
                procedures: procedures.clone(),
            });
        }
    }
    found
}

impl<'s> Resolver<'s> {
    pub(super) fn resolve_programs(
        &mut self,
        file: &'s File,
        conventions: &[Convention],
    ) -> Result<(), Error> {
        let blocks = file.items.iter().map(|item| match &item.kind {
            ItemKind::Program(versions, _) => versions.len(),
            _ => 0,
        });
        let alone = conventions.len() + blocks.sum::<usize>() < 2;
        for convention in conventions {
            self.resolve_convention(file, convention, alone)?;
        }
        for item in &file.items {
            let ItemKind::Program(versions, number) = &item.kind else {
                continue;
            };
            let number = self.in_range(
                self.evaluate(number)?,
                number.span,
                0..=u32::MAX,
                "a program",
            )?;
            for version in versions {
                self.resolve_version(item, number, version, alone)?;
            }
        }
        Ok(())
    }

    fn resolve_convention(
        &mut self,
        file: &'s File,
        convention: &Convention,
        alone: bool,
    ) -> Result<(), Error> {
        let constant = |name: &str, what: &str| {
            let values = file.items.iter().filter(|item| item.name.text == name);
            match values.map(|item| &item.kind).next() {
                Some(ItemKind::Const(value)) => {
                    self.in_range(self.evaluate(value)?, value.span, 0..=u32::MAX, what)
                }
                _ => Ok(0),
            }
        };
        let number = constant(&convention.program, "a program")?;
        let version = constant(&convention.version, "a version")?;
        let module = (!alone).then(|| self.claim(0, snake(&convention.prefix)));
        if let Some(module) = &module
            && let Some(&id) = self.ids.get(convention.procedures.as_str())
        {
            self.model.types[id].rust = format!("{module}::Procedure");
        }
        let mut program = Program {
            xdr: convention.program.clone(),
            module,
            number,
            version,
            procedures: Vec::new(),
            doc: Doc::default(),
        };
        let types: HashMap<String, TypeId> = (0..)
            .zip(&self.model.types)
            .map(|(id, ty)| (normal(&ty.xdr), id))
            .collect();
        let mut prefix = convention.prefix.clone();
        prefix.push("proc".into());
        let mut scope = Scope::new(&["ALL"]);
        for item in &file.items {
            let ItemKind::Enum(members) = &item.kind else {
                continue;
            };
            if item.name.text != convention.procedures {
                continue;
            }
            program.doc = item.doc.clone();
            let partial = item.doc.has("partial");
            for (member, source) in self
                .members(0, &item.name.text, members)?
                .into_iter()
                .zip(members)
            {
                let name = without(&words(&member.xdr), &prefix);
                let find = |suffix: &str| {
                    let name = convention.prefix.concat() + &name.concat() + suffix;
                    types.get(&name).map(|&id| Payload::Named(id))
                };
                let link = link(&source.doc, partial, find("args"), find("ret"), find("msg"));
                let member = model::Member {
                    rust: scope.claim(screaming(&name)),
                    ..member
                };
                self.push_procedure(&mut program, member, &source.name, &name, link)?;
            }
        }
        self.model.programs.push(program);
        Ok(())
    }

    fn resolve_version(
        &mut self,
        item: &'s ast::Item,
        number: u32,
        version: &'s ast::Version,
        alone: bool,
    ) -> Result<(), Error> {
        let value = self.in_range(
            self.evaluate(&version.value)?,
            version.value.span,
            0..=u32::MAX,
            "a version",
        )?;
        let mut program = Program {
            xdr: format!("{}, {}", item.name.text, version.name.text),
            module: if alone {
                None
            } else {
                Some(self.claim(0, snake(&words(&version.name.text))))
            },
            number,
            version: value,
            procedures: Vec::new(),
            doc: if version.doc.lines.is_empty() {
                item.doc.clone()
            } else {
                version.doc.clone()
            },
        };
        let names: Vec<_> = version
            .procedures
            .iter()
            .map(|procedure| words(&procedure.name.text))
            .collect();
        let prefix = if names.len() > 1 {
            common_prefix(&names)
        } else {
            Vec::new()
        };
        let mut scope = Scope::new(&["ALL"]);
        for procedure in &version.procedures {
            let value = self.evaluate(&procedure.value)?;
            let member = model::Member {
                xdr: procedure.name.text.clone(),
                rust: String::new(),
                value: self.in_range(value, procedure.value.span, 0..=i32::MAX, "a procedure")?,
                doc: procedure.doc.clone(),
            };
            let name = words(&member.xdr).split_off(prefix.len());
            let arguments = self.arguments(procedure, &name)?;
            let returns = match &procedure.returns {
                None => None,
                Some(spec) => Some(self.payload(&procedure.name, spec)?),
            };
            let member = model::Member {
                rust: scope.claim(screaming(&name)),
                ..member
            };
            let link = Link::Call { arguments, returns };
            self.push_procedure(&mut program, member, &procedure.name, &name, link)?;
        }
        self.model.programs.push(program);
        Ok(())
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
                scope.claim(camel(words))
            }
            (_, None) => self.claim(0, camel(words)),
        };
        program.procedures.push(Procedure { member, rust, link });
        Ok(())
    }

    /// What a procedure takes; several arguments are a struct of them.
    fn arguments(
        &mut self,
        procedure: &'s ast::Procedure,
        words: &[String],
    ) -> Result<Option<Payload>, Error> {
        let mut payloads = Vec::new();
        for (number, spec) in (1..).zip(&procedure.arguments) {
            let text = format!("{}_arg{number}", procedure.name.text);
            let name = Name {
                text,
                span: procedure.name.span,
            };
            payloads.push((number, name.clone(), self.payload(&name, spec)?));
        }
        if payloads.len() < 2 {
            return Ok(payloads.pop().map(|(_, _, payload)| payload));
        }
        let fields = payloads
            .into_iter()
            .map(|(number, name, payload): (u32, Name, Payload)| {
                let ty = match payload {
                    Payload::Plain(ty) => ty,
                    Payload::Named(id) => match &self.model.types[id].kind {
                        model::Kind::Typedef(field) => field.ty.clone(),
                        _ => Ty::Named(id),
                    },
                };
                let declaration = format!("argument {number}");
                model::Field {
                    rust: format!("arg{number}"),
                    declaration,
                    ty,
                    doc: Doc::default(),
                    span: name.span,
                }
            });
        let fields = fields.collect();
        let rust = self.claim(0, camel(words) + "Args");
        Ok(Some(Payload::Named(self.add_struct(
            &procedure.name,
            rust,
            fields,
        ))))
    }

    fn payload(&mut self, name: &Name, spec: &'s Spec) -> Result<Payload, Error> {
        if let Spec::Named(name) = spec
            && let Some(&id) = self.ids.get(name.text.as_str())
        {
            return Ok(Payload::Named(id));
        }
        self.spec(None, name, spec).map(Payload::Plain)
    }
}

/// What goes with a procedure, by the types that there are and the tags of its comment.
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
