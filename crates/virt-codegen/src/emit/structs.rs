//! Structs and typedefs.

use super::Emitter;
use super::codec::{Place, is_unbounded};
use super::docs::limits;
use crate::model::{Field, Role, Ty, Type};

impl Emitter<'_> {
    pub(super) fn struct_item(&mut self, ty: &Type, fields: &[Field]) {
        self.doc(&ty.doc, &format!("XDR: `struct {}`.", ty.xdr));
        self.derives(ty);
        self.line(&format!(
            "pub struct {}{} {{",
            ty.rust,
            self.definition_list(ty)
        ));
        for field in fields {
            self.field_doc(field);
            self.serde_field(&field.ty);
            self.line(&format!(
                "pub {}: {},",
                field.rust,
                self.ty(&field.ty, self.parameters(), "")
            ));
        }
        self.line("}\n");

        let mut encode = String::new();
        let mut decode = String::new();
        for field in fields {
            let name = format!("{}.{}", ty.rust, field.rust.trim_start_matches("r#"));
            let value = format!("self.{}", field.rust);
            let place = Place {
                reference: &format!("&{value}"),
                value: &value,
                copy: &value,
            };
            encode.push_str(&self.encode_field(field, place, &name));
            encode.push('\n');
            decode.push_str(&format!(
                "{}: {}?,\n",
                field.rust,
                self.decode_field(field, &name)
            ));
        }
        encode.push_str("::core::result::Result::Ok(())");
        self.codec(
            ty,
            &encode,
            &format!("::core::result::Result::Ok(Self {{ {decode} }})"),
        );
        if self.is_argument(ty) {
            let fields = fields.iter().map(|field| {
                let value = self.borrow(&field.ty, &format!("self.{}", field.rust));
                format!("{}: {value}", field.rust)
            });
            let fields: Vec<_> = fields.collect();
            self.borrowed(ty, &format!("{} {{ {} }}", ty.rust, fields.join(", ")));
        }
    }

    /// Returns whether methods take values of this type, which holds text, by reference.
    pub(super) fn is_argument(&self, ty: &Type) -> bool {
        self.runtime.methods && ty.role == Role::Part && (ty.facts.strings || ty.facts.opaques)
    }

    /// Has opaque data serialized as text.
    fn serde_field(&mut self, ty: &Ty) {
        let Some(module) = self.runtime.serde.clone() else {
            return;
        };
        if matches!(ty, Ty::Opaque(_) | Ty::Characters { text: false, .. }) {
            self.line(&format!(
                "#[cfg_attr(feature = \"serde\", serde(with = \"{module}::bytes\"))]"
            ));
        }
    }

    /// A method that borrows the strings and opaque data of a value, so that it becomes part of arguments.
    pub(super) fn borrowed(&mut self, ty: &Type, body: &str) {
        let [strings, opaques] = self.parameters();
        let used = [(ty.facts.strings, strings), (ty.facts.opaques, opaques)];
        let used = used.into_iter().filter(|(used, _)| *used);
        let bounds: Vec<_> = used
            .map(|(_, name)| format!("{name}: ::core::convert::AsRef<[u8]>"))
            .collect();
        let own = self.list(ty, self.parameters().map(str::to_owned));
        let borrowed = self.list(ty, ["&[u8]", "&[u8]"].map(str::to_owned));
        let name = &ty.rust;
        self.line(&format!(
            "impl<{}> {name}{own} {{
                /// Borrows the text, for arguments.
                #[must_use]
                pub fn borrowed(&self) -> {name}{borrowed} {{ {body} }}
            }}\n",
            bounds.join(", ")
        ));
    }

    /// An expression that borrows the strings and opaque data of a field.
    pub(super) fn borrow(&self, ty: &Ty, value: &str) -> String {
        let has_text = |id: usize| {
            let facts = self.model.types[id].facts;
            facts.strings || facts.opaques
        };
        match ty {
            Ty::String(_) | Ty::Opaque(_) => format!("{value}.as_ref()"),
            Ty::Named(id) if has_text(*id) => format!("{value}.borrowed()"),
            Ty::Optional { item, .. } if !matches!(**item, Ty::Builtin(_)) => {
                format!("{value}.as_ref().map(|item| {})", self.borrow(item, "item"))
            }
            Ty::Array { item, .. } => match self.list_type(item) {
                Some(_) => format!("{value}.borrowed()"),
                None => format!(
                    "{value}.iter().map(|item| {}).collect()",
                    self.borrow(item, "item")
                ),
            },
            Ty::Builtin(_) | Ty::FixedOpaque(_) | Ty::Foreign(_) => value.to_owned(),
            Ty::Named(id) if self.model.types[*id].facts.copy => value.to_owned(),
            _ => format!("{value}.clone()"),
        }
    }

    /// A typedef is another name for a type, unless that would lose how it is encoded.
    pub(super) fn typedef_item(&mut self, ty: &Type, field: &Field) {
        let target = self.ty(&field.ty, self.parameters(), "");
        let about = format!("XDR: `typedef {}`", field.declaration);
        if is_unbounded(&field.ty) {
            self.doc(&ty.doc, &format!("{about}."));
            return self.line(&format!(
                "pub type {}{} = {target};\n",
                ty.rust,
                self.definition_list(ty)
            ));
        }
        let limits = limits(&field.ty);
        let limits = if limits.is_empty() {
            limits
        } else {
            format!(": {limits}")
        };
        self.doc(
            &ty.doc,
            &format!("{about}{limits}.\n\nFor use as a whole payload: fields of this type hold what is inside."),
        );
        self.derives(ty);
        self.line(&format!(
            "pub struct {}{}(pub {target});\n",
            ty.rust,
            self.definition_list(ty)
        ));
        let place = Place {
            reference: "&self.0",
            value: "self.0",
            copy: "self.0",
        };
        let encode = format!(
            "{} ::core::result::Result::Ok(())",
            self.encode_field(field, place, &ty.rust)
        );
        let decode = format!("{}.map(Self)", self.decode_field(field, &ty.rust));
        self.codec(ty, &encode, &decode);
    }

    pub(super) fn codec(&mut self, ty: &Type, encode: &str, decode: &str) {
        let name = format!(
            "{}{}",
            ty.rust,
            self.list(ty, self.parameters().map(str::to_owned))
        );
        let used = [ty.facts.strings, ty.facts.opaques];
        self.encode_impl(&name, used, encode);
        self.decode_impl(&name, used, decode);
    }

    pub(super) fn derives(&mut self, ty: &Type) {
        let mut derives = vec!["Debug", "Clone"];
        // Arguments and results are used once, as a whole: more traits for each of them would only take time to compile.
        let is_light = self.runtime.methods;
        if is_light && ty.role == Role::Arguments {
            self.line("#[cfg_attr(feature = \"extra-traits\", derive(Debug, Clone, PartialEq))]");
            self.serde(ty);
            return self.arbitrary();
        } else if is_light && ty.role == Role::Result {
            derives.push("PartialEq");
        } else {
            let facts = ty.facts;
            derives.extend(facts.copy.then_some("Copy"));
            derives.push("PartialEq");
            derives.extend(facts.eq.then_some("Eq, Hash"));
            derives.extend(facts.default.then_some("Default"));
        }
        self.derive(&derives.join(", "));
        self.serde(ty);
    }

    /// `<S = String>` for the definition of a type.
    pub(super) fn definition_list(&self, ty: &Type) -> String {
        let [strings, opaques] = self.parameters();
        let [owned_strings, owned_opaques] = self.owned();
        self.list(
            ty,
            [
                format!("{strings} = {owned_strings}"),
                format!("{opaques} = {owned_opaques}"),
            ],
        )
    }
}
