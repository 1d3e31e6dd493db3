//! Enums: open sets, since a peer may be newer than the definitions.

use std::collections::HashSet;

use super::{Emitter, decimal};
use crate::ast::Doc;
use crate::model::{Flag, Member, Type};

/// A member of a set, as it is written.
struct Line<'m> {
    xdr: &'m str,
    rust: &'m str,
    value: String,
    doc: &'m Doc,
}

impl Emitter<'_> {
    pub(super) fn open_set(&mut self, ty: &Type, members: &[Member]) {
        let start = self.begin_open_set();
        self.doc(
            &ty.doc,
            &format!(
                "XDR: `enum {}`. Values that are not known are kept as they are.",
                ty.xdr
            ),
        );
        self.end_open_set(start, &ty.rust, members, ty.facts.default);
    }

    pub(super) fn flag_set(&mut self, ty: &Type, flags: &[Flag]) {
        let start = self.begin_set("flags");
        self.doc(
            &ty.doc,
            &format!(
                "XDR: `enum {}`. Bits that are not known are kept as they are.",
                ty.xdr
            ),
        );
        let hexadecimal = |value: u32| format!("{value:#x}");
        let flags: Vec<_> = flags
            .iter()
            .map(|flag| Line {
                xdr: &flag.xdr,
                rust: &flag.rust,
                value: hexadecimal(flag.value),
                doc: &flag.doc,
            })
            .collect();
        self.end_set(start, &ty.rust, &flags, false);
        self.serde_macro("flags", &ty.rust);
    }

    /// Begins the macro call for an open set. The documentation of the type is written next.
    pub(super) fn begin_open_set(&mut self) -> usize {
        self.begin_set("open_enum")
    }

    fn begin_set(&mut self, name: &str) -> usize {
        let xdr = &self.runtime.xdr;
        self.line(&format!("{xdr}::{name}! {{"));
        self.out.len()
    }

    /// Ends the macro call that began at `start`: the type, with a line for each member.
    pub(super) fn end_open_set(
        &mut self,
        start: usize,
        name: &str,
        members: &[Member],
        default: bool,
    ) {
        let lines: Vec<_> = members
            .iter()
            .map(|member| Line {
                xdr: &member.xdr,
                rust: &member.rust,
                value: decimal(member.value.into()),
                doc: &member.doc,
            })
            .collect();
        self.end_set(start, name, &lines, default);
        self.serde_macro("named", name);
    }

    fn serde_macro(&mut self, name: &str, ty: &str) {
        if let Some(module) = &self.runtime.serde {
            self.line(&format!(
                "#[cfg(feature = \"serde\")]\n{module}::{name}!({ty});\n"
            ));
        }
    }

    fn end_set(&mut self, start: usize, name: &str, members: &[Line<'_>], default: bool) {
        if default {
            self.line("#[derive(Default)]");
        }
        self.arbitrary();
        self.line(&format!("pub struct {name} {{"));
        let body = self.out.len();
        let mut seen = HashSet::new();
        let (members, aliases): (Vec<_>, Vec<_>) = members
            .iter()
            .partition(|member| seen.insert(&member.value));
        for member in members {
            self.doc(member.doc, "");
            self.line(&format!(
                "{} as {} = {},",
                member.xdr, member.rust, member.value
            ));
        }
        self.indent(body);
        self.line("}");
        self.indent(start);
        self.line("}\n");
        if aliases.is_empty() {
            return;
        }
        self.line(&format!("impl {name} {{"));
        for member in aliases {
            self.item_doc(member.doc, member.xdr, member.rust, "");
            self.line(&format!(
                "pub const {}: Self = Self({});\n",
                member.rust, member.value
            ));
        }
        self.line("}\n");
    }

    /// Indents all lines written since `start`: rustfmt leaves the arguments of a macro alone.
    fn indent(&mut self, start: usize) {
        let lines = self.out.split_off(start);
        for line in lines.lines() {
            if !line.is_empty() {
                self.out.push_str("    ");
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }
}
