//! A table of programs, procedures and layouts as text, for tools that show payloads without a type for each.
//!
//! A line is a list of words. `struct NAME FIELD=TYPE...`, `union NAME CASE=ARM:TYPE...`, `enum NAME MEMBER=VALUE...` and
//! `flags NAME MEMBER=BITS...` are types, by their names in the definitions. `program NAME NUMBER VERSION` begins the
//! procedures of a program: `call NUMBER NAME ARGUMENTS RESULT ATTRIBUTE...` and `message NUMBER NAME BODY ATTRIBUTE...`,
//! with `-` for nothing. Types are `int`, `uint`, `hyper`, `uhyper`, `float`, `double`, `bool`, `char`, `uchar`, `short`,
//! `ushort`, `uuid` or other types by hand, `text:MAX`, `opaque:MAX`, `fixed:LENGTH`, `characters:KIND:COUNT`,
//! `list:MAX:TYPE`, `array:COUNT:TYPE`, `optional:TYPE`, or a name.

use crate::ast::{Builtin, Doc};
use crate::model::{Bound, Kind, Link, Model, Payload, Program, Ty};

/// Returns the table.
pub(super) fn emit(model: &Model) -> String {
    let mut out = String::new();
    for ty in &model.types {
        if ty.is_shorthand() || ty.doc.has("rust") {
            continue;
        }
        let name = &ty.xdr;
        let line = match &ty.kind {
            Kind::Struct(fields) => {
                let fields = fields.iter().map(|field| {
                    let name = field.declared();
                    format!(" {name}={}", layout(model, &field.ty))
                });
                format!("struct {name}{}", fields.collect::<String>())
            }
            Kind::Union(union) => {
                let arms = union.arms.iter().map(|arm| {
                    let ty = arm.body.as_ref().map(|body| layout(model, &body.ty));
                    format!(
                        " {}={}:{}",
                        arm.value,
                        arm.rust,
                        ty.unwrap_or_else(|| "-".into())
                    )
                });
                format!("union {name}{}", arms.collect::<String>())
            }
            Kind::Enum(members) => {
                let members = members
                    .iter()
                    .map(|member| format!(" {}={}", member.rust, member.value));
                format!("enum {name}{}", members.collect::<String>())
            }
            Kind::Flags(flags) => {
                let flags = flags
                    .iter()
                    .map(|flag| format!(" {}={}", flag.rust, flag.value));
                format!("flags {name}{}", flags.collect::<String>())
            }
            Kind::Typedef(_) | Kind::Procedures => continue,
        };
        out.push_str(&line);
        out.push('\n');
    }
    for program in &model.programs {
        procedures(model, program, &mut out);
    }
    out
}

fn procedures(model: &Model, program: &Program, out: &mut String) {
    let name = program.xdr.trim_end_matches("_PROGRAM").to_lowercase();
    out.push_str(&format!(
        "program {name} {} {}\n",
        program.number, program.version
    ));
    for procedure in &program.procedures {
        let payload = |payload: &Option<Payload>| match payload {
            None => "-".to_owned(),
            Some(Payload::Named(id) | Payload::Field(id)) => model.types[*id].xdr.clone(),
            Some(Payload::Plain(ty)) => layout(model, ty),
        };
        let (kind, payloads) = match &procedure.link {
            Link::Unknown => continue,
            Link::Call { arguments, returns } => (
                "call",
                format!("{} {}", payload(arguments), payload(returns)),
            ),
            Link::Message { body } => ("message", payload(body)),
        };
        let member = &procedure.member;
        let attributes = attributes(&member.doc);
        out.push_str(&format!(
            "{kind} {} {} {payloads}{attributes}\n",
            member.value, member.rust
        ));
    }
}

/// The annotations of a procedure, as words.
fn attributes(doc: &Doc) -> String {
    let names = [
        "since", "priority", "no-auth", "readonly", "stream", "duplex", "sparse", "fds-in",
        "fds-out",
    ];
    let attribute = |name: &str| {
        let values = doc.tag(name)?;
        Some(match values.first() {
            Some(value) => format!(" {name}={value}"),
            None => format!(" {name}"),
        })
    };
    names.iter().filter_map(|name| attribute(name)).collect()
}

/// A type as a word.
fn layout(model: &Model, ty: &Ty) -> String {
    match ty {
        Ty::Builtin(builtin) => match builtin {
            Builtin::Int => "int",
            Builtin::UnsignedInt => "uint",
            Builtin::Hyper => "hyper",
            Builtin::UnsignedHyper => "uhyper",
            Builtin::Float => "float",
            Builtin::Double => "double",
            Builtin::Quadruple => "fixed:16",
            Builtin::Bool => "bool",
            Builtin::Char => "char",
            Builtin::UnsignedChar => "uchar",
            Builtin::Short => "short",
            Builtin::UnsignedShort => "ushort",
        }
        .to_owned(),
        Ty::String(max) => format!("text:{}", bound(max)),
        Ty::Opaque(max) => format!("opaque:{}", bound(max)),
        Ty::FixedOpaque(count) => format!("fixed:{}", count.value),
        Ty::Array { item, bound: max } => format!("list:{}:{}", bound(max), layout(model, item)),
        Ty::FixedArray(item, count) => format!("array:{}:{}", count.value, layout(model, item)),
        Ty::Optional { item, .. } => format!("optional:{}", layout(model, item)),
        Ty::Named(id) => model.types[*id].xdr.clone(),
        Ty::Foreign(path) => path.rsplit("::").next().unwrap_or_default().to_lowercase(),
        Ty::Characters {
            text,
            fixed,
            bound: max,
        } => {
            let text = if *text { "text" } else { "bytes" };
            let fixed = if *fixed { "fixed" } else { "max" };
            format!("characters:{text}:{fixed}:{}", bound(max))
        }
    }
}

fn bound(bound: &Bound) -> u32 {
    bound.as_ref().map_or(u32::MAX, |bound| bound.value)
}
