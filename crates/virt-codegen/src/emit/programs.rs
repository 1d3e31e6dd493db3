//! Programs and their procedures.

use super::{Emitter, decimal};
use crate::ast::Doc;
use crate::model::{Home, Link, Member, Payload, Procedure, Program, TypeId};

impl Emitter<'_> {
    /// The number and version, and the set of procedures.
    pub(super) fn program(&mut self, program: &Program) {
        let xdr = &self.runtime.xdr;
        let (number, version) = (program.number, program.version);
        self.line(&format!(
            "/// The number and version of the program `{}`.",
            program.xdr
        ));
        self.line(&format!(
            "pub const PROGRAM: {xdr}::ProgramId = {xdr}::ProgramId::new({}, {});\n",
            hexadecimal(number),
            decimal(version.into())
        ));
        let members: Vec<Member> = program
            .procedures
            .iter()
            .map(|procedure| procedure.member.clone())
            .collect();
        let doc = if program.module.is_some() {
            Doc::default()
        } else {
            program.doc.clone()
        };
        let start = self.begin_open_set();
        self.doc(
            &doc,
            &format!(
                "A procedure of the program `{}`. Numbers that are not known are kept as they are.",
                program.xdr
            ),
        );
        self.end_open_set(start, "Procedure", &members, false);
        self.line(
            "impl ::core::convert::From<Procedure> for i32 {
                fn from(procedure: Procedure) -> Self {
                    procedure.0
                }
            }\n",
        );
    }

    /// A type for each procedure, which ties together what belongs to it. Other types are found behind
    /// `prefix`.
    pub(super) fn procedures(&mut self, program: &Program, prefix: &str) {
        for procedure in &program.procedures {
            self.procedure(program, procedure, prefix);
        }
    }

    pub(super) fn procedure(&mut self, program: &Program, procedure: &Procedure, prefix: &str) {
        let constant = &procedure.member.rust;
        let number = procedure.member.value;
        let (about, procedure_trait, types) = match &procedure.link {
            Link::Unknown => return,
            Link::Call { arguments, returns } => {
                let args = self.payload(arguments.as_ref(), Some(["&'a str", "&'a [u8]"]), prefix);
                let ret = self.payload(returns.as_ref(), None, prefix);
                (
                    "call",
                    "CallProcedure",
                    format!("type Args<'a> = {args};\ntype Ret = {ret};"),
                )
            }
            Link::Message { body } => {
                let body = self.payload(body.as_ref(), None, prefix);
                (
                    "message",
                    "MessageProcedure",
                    format!("type Body = {body};"),
                )
            }
        };
        let xdr = &self.runtime.xdr;
        let transport = &self.runtime.transport;
        self.doc(
            &procedure.member.doc,
            &format!("The {about} `{}`, number {number}.", procedure.member.xdr),
        );
        self.line(&format!(
            "{declaration}

            impl {transport}::{procedure_trait} for {name} {{
                const PROGRAM: {xdr}::ProgramId = {path}PROGRAM;
                const NUMBER: i32 = {path}Procedure::{constant}.0;
                const NAME: &'static str = {constant:?};
                {types}
            }}\n",
            name = procedure.rust,
            declaration = match self.runtime.methods {
                true => format!("pub enum {} {{}}", procedure.rust),
                false => format!(
                    "#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub struct {};",
                    procedure.rust
                ),
            },
            path = program.path,
        ));
    }

    /// The type of a payload: borrowed where it says what strings and opaque data are, else owned.
    fn payload(
        &self,
        payload: Option<&Payload>,
        borrowed: Option<[&str; 2]>,
        prefix: &str,
    ) -> String {
        let owned = self.owned();
        let chosen = borrowed.unwrap_or([&owned[0], &owned[1]]);
        match payload {
            None => "()".into(),
            Some(Payload::Plain(ty)) => self.ty(ty, chosen, prefix),
            Some(Payload::Field(id)) => {
                let fields = self.model.types[*id].kind.parts();
                let ty = fields
                    .first()
                    .map(|field| self.ty(&field.ty, chosen, prefix));
                ty.unwrap_or_default()
            }
            Some(Payload::Named(id)) => {
                let ty = &self.model.types[*id];
                let prefix = if ty.home == Home::Elsewhere {
                    ""
                } else {
                    prefix
                };
                let list = borrowed.map_or(String::new(), |chosen| {
                    self.list(ty, chosen.map(str::to_owned))
                });
                format!("{prefix}{}{list}", ty.rust)
            }
        }
    }
}

/// The types that the procedures of a program take and give.
pub(super) fn payload_types(program: &Program) -> impl Iterator<Item = TypeId> {
    let payloads = program
        .procedures
        .iter()
        .flat_map(|procedure| match &procedure.link {
            Link::Unknown => [None, None],
            Link::Call { arguments, returns } => [arguments.as_ref(), returns.as_ref()],
            Link::Message { body } => [body.as_ref(), None],
        });
    payloads.flatten().filter_map(|payload| match payload {
        Payload::Named(id) | Payload::Field(id) => Some(*id),
        Payload::Plain(ty) => ty.named(),
    })
}

/// A number in hexadecimal digits, in groups of four.
fn hexadecimal(number: u32) -> String {
    let digits = format!("{number:x}");
    match digits.len().checked_sub(4) {
        Some(split) if split > 0 => format!("0x{:0>4}_{}", &digits[..split], &digits[split..]),
        _ => format!("0x{digits}"),
    }
}
