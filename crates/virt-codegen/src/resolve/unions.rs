//! Unions: which case goes with which arm.

use std::collections::HashMap;

use super::Resolver;
use super::types::field;
use crate::ast::{Builtin, Union, Value, ValueKind};
use crate::model::{self, Arm, Kind, Ty, TypeId};
use crate::names::{Scope, camel, common_prefix, words};
use crate::source::{Error, Span};

impl<'s> Resolver<'s> {
    pub(super) fn union(&mut self, id: TypeId, union: &'s Union) -> Result<model::Union, Error> {
        let discriminant = field(
            "discriminant".into(),
            &union.discriminant,
            self.ty(id, &union.discriminant)?,
        );
        let members = match &discriminant.ty {
            Ty::Builtin(Builtin::Int | Builtin::UnsignedInt | Builtin::Bool) => None,
            Ty::Named(id) => match &self.model.types[*id].kind {
                Kind::Enum(members) => Some(members.clone()),
                _ => return Err(self.no_discriminant(union)),
            },
            _ => return Err(self.no_discriminant(union)),
        };
        let names: Vec<_> = union
            .arms
            .iter()
            .flat_map(|arm| &arm.labels)
            .filter_map(name_of)
            .map(words)
            .collect();
        let prefix = if names.len() > 1 {
            common_prefix(&names)
        } else {
            Vec::new()
        };
        let mut scope = Scope::default();
        let mut cases: HashMap<i128, Span> = HashMap::new();
        let mut arms = Vec::new();
        for arm in &union.arms {
            let body = match &arm.body {
                Some(body) => {
                    let ty = self.ty(id, body)?;
                    Some(field("value".into(), body, self.annotated(body, ty)?))
                }
                None => None,
            };
            for label in &arm.labels {
                let number = self.evaluate(label)?;
                let value = match &discriminant.ty {
                    Ty::Builtin(Builtin::UnsignedInt) => self
                        .in_range(number, label.span, 0..=u32::MAX, "a case")?
                        .into(),
                    Ty::Builtin(Builtin::Bool) => self
                        .in_range(number, label.span, 0..=1_u32, "a case")?
                        .into(),
                    _ => self
                        .in_range(number, label.span, i32::MIN..=i32::MAX, "a case")?
                        .into(),
                };
                if let Some(first) = cases.insert(value, label.span) {
                    let line = self
                        .sources
                        .get(first.source)
                        .map_or(0, |source| source.line(first.start).0);
                    let message =
                        format!("case {value} is taken already in line {line}, expected another");
                    return Err(self.error(label.span, &message));
                }
                let member = members
                    .iter()
                    .flatten()
                    .find(|member| i128::from(member.value) == value);
                let name = match (member, &label.kind) {
                    (Some(member), _) => words(&member.rust),
                    (None, ValueKind::Name(name)) => match prefix.is_empty() {
                        true => self.stripped(label.span.source, name),
                        false => words(name).split_off(prefix.len()),
                    },
                    (None, ValueKind::Number(number)) => {
                        words(&format!("case_{number}").replace('-', "minus_"))
                    }
                };
                let rust = scope.claim(camel(&name));
                arms.push(Arm {
                    rust,
                    label: label.to_string(),
                    value,
                    body: body.clone(),
                    doc: arm.doc.clone(),
                });
            }
        }
        // Both bools are taken: there is nothing left for a default.
        let complete = discriminant.ty == Ty::Builtin(Builtin::Bool) && arms.len() == 2;
        let default = match &union.default {
            None => None,
            Some(_) if complete => None,
            Some(declaration) => {
                let body = match declaration {
                    Some(body) => Some(field("value".into(), body, self.ty(id, body)?)),
                    None => None,
                };
                let doc = body
                    .as_ref()
                    .map(|body| body.doc.clone())
                    .unwrap_or_default();
                Some(Arm {
                    rust: scope.claim("Default".into()),
                    label: "default".into(),
                    value: 0,
                    body,
                    doc,
                })
            }
        };
        Ok(model::Union {
            discriminant,
            arms,
            default,
        })
    }

    fn no_discriminant(&self, union: &Union) -> Error {
        let message =
            "a union cannot be switched on that, expected int, unsigned int, bool or an enum";
        self.error(union.discriminant.name.span, message)
    }
}

fn name_of(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Name(name) => Some(name),
        ValueKind::Number(_) => None,
    }
}
