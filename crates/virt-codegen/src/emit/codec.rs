//! Code that encodes and decodes a type.

use super::{Emitter, decimal};
use crate::ast::Builtin;
use crate::model::{Bound, Count, Field, Ty};

/// A value to encode, as an expression.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// A reference to it.
    pub(super) reference: &'p str,
    /// The value itself, or what `as_ref` makes one of.
    pub(super) value: &'p str,
    /// The value itself, to be copied.
    pub(super) copy: &'p str,
}

/// The argument of a closure.
const ITEM: Place<'_> = Place {
    reference: "item",
    value: "item",
    copy: "*item",
};

impl Emitter<'_> {
    /// A statement that encodes a field and returns what goes wrong, with the name of the field.
    pub(super) fn encode_field(&self, field: &Field, place: Place<'_>, name: &str) -> String {
        if let (Ty::String(_), Some([max])) = (&field.ty, field.doc.tag("at-most")) {
            let text = format!("out.text({}, {max})", place.reference);
            return format!("{}::At::at({text}, {name:?})?;", self.runtime.xdr);
        }
        match &field.ty {
            ty if ty.is_narrow() => format!("out.narrow({});", place.copy),
            ty if is_plain(ty) => format!("out.field({name:?}, {})?;", place.reference),
            ty => format!(
                "{}::At::at({}, {name:?})?;",
                self.runtime.xdr,
                self.encode(ty, place)
            ),
        }
    }

    /// An expression that decodes a field, with its name in what goes wrong.
    pub(super) fn decode_field(&self, field: &Field, name: &str) -> String {
        match &field.ty {
            ty if is_plain(ty) => format!("input.field({name:?})"),
            ty => format!(
                "{}::At::at({}, {name:?})",
                self.runtime.xdr,
                self.decode(ty)
            ),
        }
    }

    /// An expression that encodes what is there.
    fn encode(&self, ty: &Ty, place: Place<'_>) -> String {
        let Place {
            reference,
            value,
            copy,
        } = place;
        match ty {
            ty if is_plain(ty) => format!("{}::Encode::encode({reference}, out)", self.runtime.xdr),
            Ty::String(bound) => {
                format!("out.text({reference}, {})", self.bound(bound))
            }
            Ty::Opaque(bound) => {
                format!(
                    "out.opaque(::core::convert::AsRef::as_ref({reference}), {})",
                    self.bound(bound)
                )
            }
            Ty::Characters { fixed, bound, .. } => {
                let method = if *fixed {
                    "fixed_characters"
                } else {
                    "characters"
                };
                format!(
                    "out.{method}(::core::convert::AsRef::as_ref({reference}), {})",
                    self.bound(bound)
                )
            }
            Ty::Array { item, bound } => {
                let reference = match self.list_type(item) {
                    Some(_) => format!("::core::convert::AsRef::as_ref({reference})"),
                    None => reference.to_owned(),
                };
                format!(
                    "out.array({reference}, {}, {})",
                    self.bound(bound),
                    self.encode_each(item)
                )
            }
            Ty::FixedArray(item, _) => {
                format!("out.fixed_array({reference}, {})", self.encode_each(item))
            }
            Ty::Optional { item, .. } => match item.as_ref() {
                Ty::String(bound) => {
                    format!("out.optional_text({value}.as_ref(), {})", self.bound(bound))
                }
                _ => format!("out.optional({value}.as_ref(), {})", self.encode_each(item)),
            },
            // The narrow ones: each takes a word and nothing can go wrong.
            Ty::Builtin(_) | Ty::FixedOpaque(_) | Ty::Named(_) | Ty::Foreign(_) => {
                format!("{{ out.narrow({copy}); ::core::result::Result::Ok(()) }}")
            }
        }
    }

    fn encode_each(&self, item: &Ty) -> String {
        if is_plain(item) {
            return format!("{}::Encode::encode", self.runtime.xdr);
        }
        format!("|item, out| {}", self.encode(item, ITEM))
    }

    /// An expression that decodes this type.
    fn decode(&self, ty: &Ty) -> String {
        match ty {
            ty if is_plain(ty) => format!("{}::Decode::decode(input)", self.runtime.xdr),
            Ty::String(bound) => format!("input.text({})", self.bound(bound)),
            Ty::Opaque(bound) => format!(
                "input.opaque({}).map(::core::convert::From::from)",
                self.bound(bound)
            ),
            Ty::Characters { text, fixed, bound } => {
                let method = if *fixed {
                    "fixed_characters"
                } else {
                    "characters"
                };
                let read = format!("input.{method}({})", self.bound(bound));
                match text {
                    true => format!(
                        "{read}.map(|text| {}::text_of_characters(&text))",
                        self.runtime.xdr
                    ),
                    false => read,
                }
            }
            Ty::Array { item, bound } => {
                let list = match self.list_type(item) {
                    Some(_) => ".map(::core::convert::From::from)",
                    None => "",
                };
                format!(
                    "input.array({}, {}){list}",
                    self.bound(bound),
                    self.decode_each(item)
                )
            }
            Ty::FixedArray(item, _) => format!("input.fixed_array({})", self.decode_each(item)),
            Ty::Optional { item, .. } => match item.as_ref() {
                Ty::String(bound) => format!("input.optional_text({})", self.bound(bound)),
                _ => format!("input.optional({})", self.decode_each(item)),
            },
            Ty::Builtin(_) | Ty::FixedOpaque(_) | Ty::Named(_) | Ty::Foreign(_) => {
                "input.narrow()".into()
            }
        }
    }

    fn decode_each(&self, item: &Ty) -> String {
        if is_plain(item) {
            format!("{}::Decode::decode", self.runtime.xdr)
        } else if item.is_narrow() {
            format!("{}::Decoder::narrow", self.runtime.xdr)
        } else {
            format!("|input| {}", self.decode(item))
        }
    }

    fn bound(&self, bound: &Bound) -> String {
        bound
            .as_ref()
            .map_or_else(|| format!("{}::UNBOUNDED", self.runtime.xdr), count)
    }

    /// The first line of an `impl` of `Encode` or `Decode` for a type with these parameters.
    pub(super) fn encode_impl(&mut self, name: &str, [strings, opaques]: [bool; 2], body: &str) {
        let xdr = &self.runtime.xdr;
        let [s, b] = self.parameters();
        let bounds = [(strings, s), (opaques, b)];
        let bounds = bounds.into_iter().filter(|(used, _)| *used);
        let bounds: Vec<_> = bounds
            .map(|(_, name)| format!("{name}: ::core::convert::AsRef<[u8]>"))
            .collect();
        let generics = if bounds.is_empty() {
            String::new()
        } else {
            format!("<{}>", bounds.join(", "))
        };
        self.line(&format!(
            "impl{generics} {xdr}::Encode for {name} {{
                #[inline]
                fn encode(&self, out: &mut {xdr}::Encoder<'_>) -> ::core::result::Result<(), {xdr}::EncodeError> {{
                    {body}
                }}
            }}\n"
        ));
    }

    pub(super) fn decode_impl(&mut self, name: &str, [strings, opaques]: [bool; 2], body: &str) {
        let xdr = &self.runtime.xdr;
        let [s, b] = self.parameters();
        let text = format!("{xdr}::DecodeText<'a>");
        let bounds = [
            (strings, s, text.as_str()),
            (opaques, b, "::core::convert::From<&'a [u8]>"),
        ];
        let bounds = bounds.into_iter().filter(|(used, ..)| *used);
        let bounds = bounds.map(|(_, name, bound)| format!(", {name}: {bound}"));
        let bounds = bounds.collect::<String>();
        self.line(&format!(
            "impl<'a{bounds}> {xdr}::Decode<'a> for {name} {{
                #[inline]
                fn decode(input: &mut {xdr}::Decoder<'a>) -> ::core::result::Result<Self, {xdr}::DecodeError> {{
                    {body}
                }}
            }}\n"
        ));
    }
}

/// Returns whether the Rust type's own `Encode` and `Decode` are all there is to it.
///
/// Strings and variable opaque data have none here: what they are is for the caller to choose.
pub(super) fn is_plain(ty: &Ty) -> bool {
    match ty {
        Ty::Builtin(_) => !ty.is_narrow(),
        Ty::FixedOpaque(_) | Ty::Named(_) | Ty::Foreign(_) => true,
        Ty::FixedArray(item, _) | Ty::Optional { item, .. } => is_plain(item),
        Ty::Array { item, bound: None } => is_plain(item),
        Ty::Array { .. } | Ty::String(_) | Ty::Opaque(_) | Ty::Characters { .. } => false,
    }
}

/// Returns whether a type says all there is to it, once it is chosen what strings and opaque data are.
pub(super) fn is_unbounded(ty: &Ty) -> bool {
    match ty {
        Ty::String(None) | Ty::Opaque(None) => true,
        Ty::FixedArray(item, _) | Ty::Optional { item, .. } => is_unbounded(item),
        Ty::Array { item, bound: None } => is_unbounded(item),
        ty => is_plain(ty),
    }
}

/// A count as an expression.
pub(super) fn count(count: &Count) -> String {
    count
        .constant
        .clone()
        .unwrap_or_else(|| decimal(count.value.into()))
}

/// The Rust type of a built-in one.
pub(super) fn rust_name(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::Int => "i32",
        Builtin::UnsignedInt => "u32",
        Builtin::Hyper => "i64",
        Builtin::UnsignedHyper => "u64",
        Builtin::Float => "f32",
        Builtin::Double => "f64",
        Builtin::Quadruple => "[u8; 16]",
        Builtin::Bool => "bool",
        Builtin::Char => "i8",
        Builtin::UnsignedChar => "u8",
        Builtin::Short => "i16",
        Builtin::UnsignedShort => "u16",
    }
}
