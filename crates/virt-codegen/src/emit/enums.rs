//! Enums: open sets, since a peer may be newer than the definitions.

use std::collections::HashSet;

use super::{Emitter, decimal};
use crate::model::{Member, Type};

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

    /// Begins the macro call for an open set. The documentation of the type is written next.
    pub(super) fn begin_open_set(&mut self) -> usize {
        let xdr = &self.runtime.xdr;
        self.line(&format!("{xdr}::open_enum! {{"));
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
        if default {
            self.line("#[derive(Default)]");
        }
        self.arbitrary();
        self.line(&format!("pub struct {name} {{"));
        let body = self.out.len();
        let mut seen = HashSet::new();
        let (members, aliases): (Vec<_>, Vec<_>) =
            members.iter().partition(|member| seen.insert(member.value));
        for member in members {
            self.doc(&member.doc, "");
            self.line(&format!(
                "{} as {} = {},",
                member.xdr,
                member.rust,
                decimal(member.value.into())
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
            self.item_doc(&member.doc, &member.xdr, &member.rust, "");
            let value = decimal(member.value.into());
            self.line(&format!(
                "pub const {}: Self = Self({value});\n",
                member.rust
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
