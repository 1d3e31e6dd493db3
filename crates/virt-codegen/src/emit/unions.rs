//! Unions: enums with an arm for each case.

use super::Emitter;
use super::codec::Place;
use crate::ast::Builtin;
use crate::model::{Arm, Kind, Ty, Type, Union};

impl Emitter<'_> {
    pub(super) fn union_item(&mut self, ty: &Type, union: &Union) {
        self.doc(
            &ty.doc,
            &format!(
                "XDR: `union {} switch ({})`.",
                ty.xdr, union.discriminant.declaration
            ),
        );
        self.derives(ty);
        self.line(&format!(
            "pub enum {}{} {{",
            ty.rust,
            self.definition_list(ty)
        ));
        for arm in &union.arms {
            let body = arm
                .body
                .as_ref()
                .map(|body| self.ty(&body.ty, self.parameters(), ""));
            self.arm_doc(arm, "");
            self.line(&format!(
                "{}{},",
                arm.rust,
                body.map_or(String::new(), |body| format!("({body})"))
            ));
        }
        let discriminant = self.ty(&union.discriminant.ty, self.parameters(), "");
        if let Some(arm) = &union.default {
            self.arm_doc(
                arm,
                " Only for a discriminant that no other arm has; others are not encoded.",
            );
            self.line(&format!("{} {{", arm.rust));
            self.field_doc(&union.discriminant);
            self.line(&format!("discriminant: {discriminant},"));
            if let Some(body) = &arm.body {
                self.field_doc(body);
                self.line(&format!(
                    "value: {},",
                    self.ty(&body.ty, self.parameters(), "")
                ));
            }
            self.line("},");
        }
        self.line("}\n");
        self.codec(
            ty,
            &self.union_encode(ty, union),
            &self.union_decode(ty, union, &discriminant),
        );
        if self.is_argument(ty) && union.default.is_none() {
            let arms = union.arms.iter().map(|arm| match &arm.body {
                Some(body) => {
                    let value = match &body.ty {
                        Ty::Builtin(_) => "*value".to_owned(),
                        ty => self.borrow(ty, "value"),
                    };
                    let name = &arm.rust;
                    format!("Self::{name}(value) => {}::{name}({value}),", ty.rust)
                }
                None => format!("Self::{0} => {1}::{0},", arm.rust, ty.rust),
            });
            let arms: String = arms.collect();
            self.borrowed(ty, &format!("match self {{ {arms} }}"));
        }
    }

    fn arm_doc(&mut self, arm: &Arm, note: &str) {
        let body = arm.body.as_ref().map_or("void", |body| &body.declaration);
        let label = if arm.label == "default" {
            "default".into()
        } else {
            format!("case {}", arm.label)
        };
        self.doc(&arm.doc, &format!("XDR: `{label}: {body}`.{note}"));
    }

    fn union_encode(&self, ty: &Type, union: &Union) -> String {
        let xdr = &self.runtime.xdr;
        let mut arms = String::new();
        for arm in &union.arms {
            let name = format!("{}::{}", ty.rust, arm.rust);
            let discriminant = format!(
                "{xdr}::Encode::encode(&{}, out)?;",
                self.discriminant(union, arm, true)
            );
            let (pattern, body) = self.body(arm, &name);
            let pattern = pattern.map_or(String::new(), |pattern| format!("({pattern})"));
            arms.push_str(&format!(
                "Self::{}{pattern} => {{ {discriminant} {body} }}\n",
                arm.rust
            ));
        }
        if let Some(arm) = &union.default {
            let name = format!("{}::{}", ty.rust, arm.rust);
            let (pattern, body) = self.body(arm, &name);
            let pattern = pattern.map_or(String::new(), |pattern| format!(", {pattern}"));
            let taken: Vec<_> = union
                .arms
                .iter()
                .map(|arm| self.discriminant(union, arm, false))
                .collect();
            if !taken.is_empty() {
                arms.push_str(&format!(
                    "Self::{}{{ discriminant, .. }} if ::core::matches!(*discriminant, {}) => {{
                        return ::core::result::Result::Err(out.taken_discriminant({}).at({name:?}));
                    }}\n",
                    arm.rust,
                    taken.join(" | "),
                    Self::discriminant_number(union, true),
                ));
            }
            arms.push_str(&format!(
                "Self::{}{{ discriminant{pattern} }} => {{ {xdr}::Encode::encode(discriminant, out)?; {body} }}\n",
                arm.rust
            ));
        }
        format!("match self {{ {arms} }} ::core::result::Result::Ok(())")
    }

    /// The name that a pattern gives to the body of an arm, and the statement that encodes it.
    fn body(&self, arm: &Arm, name: &str) -> (Option<&'static str>, String) {
        let place = Place {
            reference: "value",
            value: "value",
            copy: "*value",
        };
        match &arm.body {
            Some(body) => (Some("value"), self.encode_field(body, place, name)),
            None => (None, String::new()),
        }
    }

    fn union_decode(&self, ty: &Type, union: &Union, discriminant: &str) -> String {
        let xdr = &self.runtime.xdr;
        let ok = "::core::result::Result::Ok";
        let mut arms = String::new();
        for arm in &union.arms {
            let name = format!("{}::{}", ty.rust, arm.rust);
            let value = match &arm.body {
                Some(body) => format!("{}.map(Self::{})", self.decode_field(body, &name), arm.rust),
                None => format!("{ok}(Self::{})", arm.rust),
            };
            arms.push_str(&format!(
                "{} => {value},\n",
                self.discriminant(union, arm, false)
            ));
        }
        if let Some(arm) = &union.default {
            let name = format!("{}::{}", ty.rust, arm.rust);
            let value = match &arm.body {
                Some(body) => format!(", value: {}?", self.decode_field(body, &name)),
                None => String::new(),
            };
            arms.push_str(&format!(
                "discriminant => {ok}(Self::{} {{ discriminant{value} }}),\n",
                arm.rust
            ));
        } else if !(discriminant == "bool" && union.arms.len() == 2) {
            let number = Self::discriminant_number(union, false);
            let error = format!("input.unknown_discriminant({number}).at({:?})", ty.rust);
            arms.push_str(&format!(
                "discriminant => ::core::result::Result::Err({error}),\n"
            ));
        }
        format!(
            "let discriminant = <{discriminant} as {xdr}::Decode<'a>>::decode(input).map_err(|e| e.at({:?}))?;
            match discriminant {{ {arms} }}",
            ty.rust
        )
    }

    /// The variable `discriminant` as the number that an error names.
    fn discriminant_number(union: &Union, reference: bool) -> &'static str {
        match (&union.discriminant.ty, reference) {
            (Ty::Builtin(Builtin::UnsignedInt), _) => "discriminant.cast_signed()",
            (Ty::Builtin(Builtin::Bool), true) => "i32::from(*discriminant)",
            (Ty::Builtin(Builtin::Bool), false) => "discriminant.into()",
            (Ty::Named(_), _) => "discriminant.0",
            (_, true) => "*discriminant",
            (_, false) => "discriminant",
        }
    }

    /// The discriminant of an arm, as an expression (which says its type) or a pattern.
    fn discriminant(&self, union: &Union, arm: &Arm, expression: bool) -> String {
        match &union.discriminant.ty {
            Ty::Builtin(Builtin::Bool) => (arm.value != 0).to_string(),
            Ty::Builtin(Builtin::UnsignedInt) if expression => format!("{}_u32", arm.value),
            Ty::Named(id) => {
                let ty = &self.model.types[*id];
                let Kind::Enum(members) = &ty.kind else {
                    return format!("{}({})", ty.rust, arm.value);
                };
                match members
                    .iter()
                    .find(|member| i128::from(member.value) == arm.value)
                {
                    Some(member) => format!("{}::{}", ty.rust, member.rust),
                    None => format!("{}({})", ty.rust, arm.value),
                }
            }
            _ if expression => format!("{}_i32", arm.value),
            _ => arm.value.to_string(),
        }
    }
}
