//! The `program` blocks of RFC 5531, which state what each procedure takes and returns.

use crate::ast::{self, Doc, Item, ItemKind, Name, Spec};
use crate::model::{self, Field, Kind, Link, Payload, Program, Ty};
use crate::names::{Scope, camel, common_prefix, screaming, snake, words};
use crate::resolve::Resolver;
use crate::source::Error;

impl<'s> Resolver<'s> {
    /// Each version of a program, if that is what the item defines.
    pub(super) fn resolve_block(&mut self, item: &'s Item, alone: bool) -> Result<(), Error> {
        let ItemKind::Program(versions, number) = &item.kind else {
            return Ok(());
        };
        let number = self.word(number, "a program")?;
        versions
            .iter()
            .try_for_each(|version| self.resolve_version(item, number, version, alone))
    }

    fn resolve_version(
        &mut self,
        item: &'s Item,
        number: u32,
        version: &'s ast::Version,
        alone: bool,
    ) -> Result<(), Error> {
        let mut program = Program {
            xdr: format!("{}, {}", item.name.text, version.name.text),
            source: 0,
            path: String::new(),
            module: if alone {
                None
            } else {
                Some(self.claim(0, snake(&words(&version.name.text))))
            },
            number,
            version: self.word(&version.value, "a version")?,
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
            let returns = self.returns(procedure, &name)?;
            let member = model::Member {
                rust: scope.claim(screaming(&name)),
                ..member
            };
            let link = Link::Call { arguments, returns };
            self.push_procedure(&mut program, (0, member), &procedure.name, &name, link)?;
        }
        self.model.programs.push(program);
        Ok(())
    }

    /// Returns the arguments of a procedure; several are a struct of them.
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
            payloads.push(self.payload(&name, spec)?);
        }
        Ok(match payloads.len() {
            0 | 1 => payloads
                .pop()
                .map(|payload| self.whole(procedure, camel(words) + "Args", payload)),
            _ => Some(self.structure(procedure, camel(words) + "Args", payloads)),
        })
    }

    fn returns(
        &mut self,
        procedure: &'s ast::Procedure,
        words: &[String],
    ) -> Result<Option<Payload>, Error> {
        let Some(spec) = &procedure.returns else {
            return Ok(None);
        };
        let payload = self.payload(&procedure.name, spec)?;
        Ok(Some(self.whole(procedure, camel(words) + "Ret", payload)))
    }

    fn payload(&mut self, name: &Name, spec: &'s Spec) -> Result<Payload, Error> {
        if let Spec::Named(name) = spec
            && let Some(&id) = self.ids.get(name.text.as_str())
        {
            return Ok(Payload::Named(id));
        }
        self.spec(None, name, spec).map(Payload::Plain)
    }

    /// A payload as it is, or in a struct if it has no codec or no type of its own.
    fn whole(&mut self, procedure: &ast::Procedure, rust: String, payload: Payload) -> Payload {
        let needs_struct = match &payload {
            Payload::Plain(ty) => ty.is_narrow(),
            Payload::Named(id) | Payload::Field(id) => self.model.types[*id].is_shorthand(),
        };
        if needs_struct {
            self.structure(procedure, rust, vec![payload])
        } else {
            payload
        }
    }

    fn structure(
        &mut self,
        procedure: &ast::Procedure,
        rust: String,
        payloads: Vec<Payload>,
    ) -> Payload {
        let field = |(number, payload): (u32, Payload)| {
            let ty = match payload {
                Payload::Plain(ty) => ty,
                Payload::Named(id) | Payload::Field(id) => match &self.model.types[id].kind {
                    Kind::Typedef(field) => field.ty.clone(),
                    _ => Ty::Named(id),
                },
            };
            let declaration = format!("value {number}");
            let span = procedure.name.span;
            Field {
                rust: format!("value{number}"),
                declaration,
                ty,
                doc: Doc::default(),
                span,
            }
        };
        let fields = (1..).zip(payloads).map(field).collect();
        let rust = self.claim(0, rust);
        Payload::Named(self.add_struct(&procedure.name, rust, fields))
    }
}
