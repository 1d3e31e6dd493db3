//! From a model to Rust.
//!
//! Everything is named by its full path, so that no definition can shadow it.

use crate::model::{Constant, ConstantValue, Home, Kind, Model, Program, Ty, Type};

mod calls;
mod codec;
mod docs;
mod enums;
mod imports;
mod programs;
mod structs;
mod table;
pub(crate) mod tree;
mod unions;

/// The paths of the crates that generated code uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The crate `virt-xdr`.
    pub xdr: String,
    /// The crate `virt-transport`.
    pub transport: String,
    /// The crate that has `String`, `Vec` and `Box`.
    pub alloc: String,
    /// True if the crate of the generated code has a feature `arbitrary`, for types to derive the trait of that name.
    pub arbitrary: bool,
    /// The module with the trait `Client` and its functions, for the methods of a program.
    pub client: String,
    /// True if methods are written.
    pub methods: bool,
    /// The module with the macros `named` and `flags` and the module `bytes`, for types to be serialized behind a feature
    /// `serde` of the crate.
    pub serde: Option<String>,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            xdr: "::virt_xdr".into(),
            transport: "::virt_transport".into(),
            alloc: "::std".into(),
            arbitrary: false,
            client: "crate::client".into(),
            methods: false,
            serde: None,
        }
    }
}

/// Returns the items of a model as Rust, not formatted yet.
pub(crate) fn emit(model: &Model, runtime: &Runtime) -> String {
    let mut emitter = Emitter {
        model,
        runtime,
        out: String::new(),
    };
    match model.programs.as_slice() {
        [program] => emitter.program(program),
        programs => programs
            .iter()
            .for_each(|program| emitter.program_module(program)),
    }
    model
        .constants
        .iter()
        .for_each(|constant| emitter.constant(constant));
    for ty in emitter.written() {
        emitter.type_item(ty);
    }
    if let [program] = model.programs.as_slice() {
        emitter.procedures(program, "");
    }
    emitter.out
}

struct Emitter<'m> {
    model: &'m Model,
    runtime: &'m Runtime,
    out: String,
}

impl<'m> Emitter<'m> {
    /// The types that the file is to have: its own, and those it includes that they use; each file's in
    /// its own order.
    fn written(&self) -> Vec<&'m Type> {
        let types = &self.model.types;
        let mut used: Vec<bool> = types.iter().map(|ty| ty.home == Home::Here).collect();
        let mut waiting: Vec<usize> = (0..types.len()).filter(|&id| used[id]).collect();
        waiting.extend(self.model.programs.iter().flat_map(programs::payload_types));
        while let Some(id) = waiting.pop() {
            used[id] |= types[id].home == Home::Included;
            let parts = types[id].kind.parts().into_iter();
            let named = parts.filter_map(|part| part.ty.named());
            waiting.extend(
                named.filter(|&target| types[target].home == Home::Included && !used[target]),
            );
        }
        let mut written: Vec<&Type> = types
            .iter()
            .zip(used)
            .filter(|(_, used)| *used)
            .map(|(ty, _)| ty)
            .collect();
        written.retain(|ty| !ty.is_shorthand());
        written.sort_by_key(|ty| (ty.span.source, ty.span.start));
        written
    }

    fn type_item(&mut self, ty: &Type) {
        match &ty.kind {
            Kind::Enum(members) => self.open_set(ty, members),
            Kind::Flags(flags) => self.flag_set(ty, flags),
            Kind::Struct(fields) => self.struct_item(ty, fields),
            Kind::Union(union) => self.union_item(ty, union),
            Kind::Typedef(field) => self.typedef_item(ty, field),
            Kind::Procedures => {}
        }
    }

    fn constant(&mut self, constant: &Constant) {
        self.item_doc(&constant.doc, &constant.xdr, &constant.rust, "const ");
        let number = match &constant.value {
            ConstantValue::Number(number) => *number,
            ConstantValue::Text(text) => {
                let name = &constant.rust;
                return self.line(&format!("pub const {name}: &str = {text:?};\n"));
            }
        };
        let ty = match number {
            value if u32::try_from(value).is_ok() => "usize",
            value if i32::try_from(value).is_ok() => "i32",
            value if value < 0 => "i64",
            _ => "u64",
        };
        let value = decimal(number);
        self.line(&format!("pub const {}: {ty} = {value};\n", constant.rust));
    }

    fn program_module(&mut self, program: &Program) {
        let Some(module) = &program.module else {
            return;
        };
        self.doc(&program.doc, &format!("The program `{}`.", program.xdr));
        self.line(&format!("pub mod {module} {{"));
        self.program(program);
        self.procedures(program, "super::");
        self.line("}");
    }

    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Derives traits, and `Arbitrary` where the crate's user asks for it.
    fn derive(&mut self, traits: &str) {
        self.line(&format!("#[derive({traits})]"));
        self.arbitrary();
    }

    /// Derives serialization where the crate's user asks for it.
    fn serde(&mut self, ty: &Type) {
        if self.runtime.serde.is_none() {
            return;
        }
        self.line(
            "#[cfg_attr(feature = \"serde\", derive(::serde::Serialize, ::serde::Deserialize))]",
        );
        if ty.facts.opaques {
            let [strings, opaques] = self.parameters();
            let [write, read] = match ty.facts.strings {
                true => [
                    format!("{strings}: ::serde::Serialize, "),
                    format!("{strings}: ::serde::Deserialize<'de>, "),
                ],
                false => Default::default(),
            };
            self.line(&format!(
                "#[cfg_attr(feature = \"serde\", serde(bound(serialize = \"{write}{opaques}: AsRef<[u8]>\", deserialize = \"{read}{opaques}: From<Vec<u8>>\")))]"
            ));
        }
    }

    /// Derives `Arbitrary` where the crate's user asks for it.
    fn arbitrary(&mut self) {
        if self.runtime.arbitrary {
            self.line("#[cfg_attr(feature = \"arbitrary\", derive(::arbitrary::Arbitrary))]");
        }
    }

    /// A type as it is used in a type definition, with these for strings and for opaque data.
    fn ty(&self, ty: &Ty, [strings, opaques]: [&str; 2], prefix: &str) -> String {
        let inner = |item: &Ty| self.ty(item, [strings, opaques], prefix);
        match ty {
            Ty::Builtin(builtin) => codec::rust_name(*builtin).into(),
            Ty::String(_) => strings.into(),
            Ty::Opaque(_) => opaques.into(),
            Ty::FixedOpaque(count) => format!("[u8; {}]", codec::count(count)),
            Ty::Foreign(path) => path.clone(),
            Ty::Characters { text: true, .. } => format!("{}::string::String", self.runtime.alloc),
            Ty::Characters { .. } => format!("{}::vec::Vec<u8>", self.runtime.alloc),

            Ty::Array { item, .. } => match self.list_type(item) {
                Some((list, _)) if strings == self.owned()[0] => list.to_owned(),
                Some((list, ty)) => {
                    format!(
                        "{list}{}",
                        self.list(ty, [strings, opaques].map(str::to_owned))
                    )
                }
                None => format!("{}::vec::Vec<{}>", self.runtime.alloc, inner(item)),
            },
            Ty::FixedArray(item, count) => format!("[{}; {}]", inner(item), codec::count(count)),
            Ty::Optional {
                item,
                recursive: false,
            } => format!("::core::option::Option<{}>", inner(item)),
            Ty::Optional {
                item,
                recursive: true,
            } => {
                format!(
                    "::core::option::Option<{}::boxed::Box<{}>>",
                    self.runtime.alloc,
                    inner(item)
                )
            }
            Ty::Named(id) => {
                let ty = &self.model.types[*id];
                let owned = self.owned();
                if self.runtime.methods && [strings, opaques] == [&owned[0], &owned[1]] {
                    return ty.rust.clone();
                }
                let prefix = if ty.home == Home::Elsewhere {
                    ""
                } else {
                    prefix
                };
                let arguments = self.list(ty, [strings, opaques].map(str::to_owned));
                format!("{prefix}{}{arguments}", ty.rust)
            }
        }
    }

    /// The type that is written by hand for a list of this type.
    fn list_type(&self, item: &Ty) -> Option<(&'m str, &'m Type)> {
        let Ty::Named(id) = item else { return None };
        let ty = &self.model.types[*id];
        match ty.doc.tag("list") {
            Some([path]) => Some((path, ty)),
            _ => None,
        }
    }

    /// `<...>` with what a type has of the two parameters.
    fn list(&self, ty: &Type, [strings, opaques]: [String; 2]) -> String {
        let strings = ty.facts.strings.then_some(strings);
        let opaques = ty.facts.opaques.then_some(opaques);
        let list: Vec<_> = strings.into_iter().chain(opaques).collect();
        if list.is_empty() {
            String::new()
        } else {
            format!("<{}>", list.join(", "))
        }
    }

    /// The names of the two type parameters.
    fn parameters(&self) -> [&'m str; 2] {
        let [strings, opaques] = &self.model.parameters;
        [strings, opaques]
    }

    /// The default types of strings and opaque data.
    fn owned(&self) -> [String; 2] {
        let alloc = &self.runtime.alloc;
        [
            format!("{alloc}::string::String"),
            format!("{alloc}::vec::Vec<u8>"),
        ]
    }
}

/// A number with its digits in groups.
fn decimal(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    if number < 0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}

#[cfg(test)]
mod tests {
    use super::{Runtime, decimal};
    use crate::{Settings, Source, generate};

    fn rust(runtime: &Runtime) -> String {
        let text = "enum e { A }; struct s { string a<>; e b; }; union u switch (bool c) { case TRUE: s d; };
            typedef int four<4>; program P { version V { e GET(s) = 1; } = 1; } = 2;";
        let source = Source {
            name: "a.x".into(),
            text: text.into(),
        };
        generate(&[source], &Settings::default(), runtime).expect("the definitions are right")
    }

    #[test]
    fn types_are_arbitrary_where_their_crate_has_that_feature() {
        let runtime = Runtime {
            arbitrary: true,
            ..Runtime::default()
        };
        let rust = rust(&runtime);
        let feature = "#[cfg_attr(feature = \"arbitrary\", derive(::arbitrary::Arbitrary))]\n";
        for item in [
            "    pub struct E {",
            "pub struct S<",
            "pub enum U<",
            "pub struct Four(",
            "    pub struct Procedure {",
        ] {
            let indent = &item[..item.len() - item.trim_start().len()];
            assert!(rust.contains(&format!("{indent}{feature}{item}")), "{item}");
        }
    }

    #[test]
    fn a_crate_without_features_is_not_asked_for_any() {
        assert!(!rust(&Runtime::default()).contains("cfg"));
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!(decimal(0), "0");
        assert_eq!(decimal(1234), "1234");
        assert_eq!(decimal(12_345), "12_345");
        assert_eq!(decimal(-1_234_567), "-1_234_567");
    }
}
