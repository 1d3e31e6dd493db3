//! Enums: open sets, since a peer may be newer than the definitions.

use std::collections::HashSet;

use super::{Emitter, decimal};
use crate::codegen::model::{Member, Type};

impl Emitter<'_> {
    pub(super) fn open_set(&mut self, ty: &Type, members: &[Member]) {
        self.doc(
            &ty.doc,
            &format!(
                "XDR: `enum {}`. Values that are not known are kept as they are.",
                ty.xdr
            ),
        );
        self.open_set_item(&ty.rust, members, ty.facts.default);
        self.open_set_codec(&ty.rust);
    }

    /// A newtype over the number, behind its documentation.
    pub(super) fn open_set_item(&mut self, name: &str, members: &[Member], default: bool) {
        let default = if default { ", Default" } else { "" };
        self.derive(&format!(
            "Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash{default}"
        ));
        self.line(&format!("pub struct {name}(pub i32);\n\nimpl {name} {{"));
        for member in members {
            self.item_doc(&member.doc, &member.xdr, &member.rust, "");
            self.line(&format!(
                "pub const {}: Self = Self({});\n",
                member.rust,
                decimal(member.value.into())
            ));
        }
        let mut seen = HashSet::new();
        let known: Vec<_> = members
            .iter()
            .filter(|member| seen.insert(member.value))
            .map(|member| &member.rust)
            .collect();
        let all: String = known.iter().map(|name| format!("Self::{name},")).collect();
        let arms: String = known
            .iter()
            .map(|name| format!("Self::{name} => ::core::option::Option::Some({name:?}),"))
            .collect();
        self.line(&format!(
            "/// Every known value, in the order of the definition.
            pub const ALL: &'static [Self] = &[{all}];

            /// The name of a known value.
            #[must_use]
            pub const fn name(self) -> ::core::option::Option<&'static str> {{
                match self {{ {arms} _ => ::core::option::Option::None, }}
            }}
        }}

        impl ::core::fmt::Debug for {name} {{
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
                match self.name() {{
                    ::core::option::Option::Some(name) => f.write_str(name),
                    ::core::option::Option::None => ::core::write!(f, \"{name}({{}})\", self.0),
                }}
            }}
        }}

        impl ::core::convert::From<i32> for {name} {{
            fn from(value: i32) -> Self {{ Self(value) }}
        }}

        impl ::core::convert::From<{name}> for i32 {{
            fn from(value: {name}) -> Self {{ value.0 }}
        }}
        "
        ));
    }

    /// The codec of such a newtype: that of the number.
    pub(super) fn open_set_codec(&mut self, name: &str) {
        let xdr = &self.runtime.xdr;
        let encode = format!("{xdr}::Encode::encode(&self.0, out)");
        let decode = format!("<i32 as {xdr}::Decode<'a>>::decode(input).map(Self)");
        self.encode_impl(name, [false; 2], &encode);
        self.decode_impl(name, [false; 2], &decode);
    }
}
