//! Structs and typedefs.

use super::Emitter;
use super::codec::{Place, is_unbounded};
use super::docs::limits;
use crate::model::{Field, Type};

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
        let facts = ty.facts;
        derives.extend(facts.copy.then_some("Copy"));
        derives.push("PartialEq");
        derives.extend(facts.eq.then_some("Eq, Hash"));
        derives.extend(facts.default.then_some("Default"));
        self.derive(&derives.join(", "));
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
