//! The properties of types, derived from their parts.

use crate::ast::Builtin;
use crate::model::{Facts, Kind, Ty, Type};

/// The longest array that has a default in the standard library.
const MAX_DEFAULT: u32 = 32;

impl Default for Facts {
    /// Returns the properties of a type without parts.
    fn default() -> Self {
        Self {
            strings: false,
            opaques: false,
            eq: true,
            copy: true,
            default: true,
        }
    }
}

/// Settles the facts of all types. Types may contain one another, so that a pass may change what the one
/// before found; a fact only ever changes once.
pub(super) fn find(types: &mut [Type]) {
    loop {
        let mut changed = false;
        for id in 0..types.len() {
            let facts = of(&types[id].kind, types);
            changed |= facts != types[id].facts;
            types[id].facts = facts;
        }
        if !changed {
            return;
        }
    }
}

fn of(kind: &Kind, types: &[Type]) -> Facts {
    let mut facts = Facts::default();
    match kind {
        Kind::Enum(members) => facts.default = members.iter().any(|member| member.value == 0),
        Kind::Procedures | Kind::Union(_) => facts.default = false,
        Kind::Struct(_) | Kind::Typedef(_) | Kind::Flags(_) => {}
    }
    for part in kind.parts() {
        facts = facts.and(of_ty(&part.ty, types));
    }
    facts
}

fn of_ty(ty: &Ty, types: &[Type]) -> Facts {
    let facts = Facts::default();
    match ty {
        Ty::Builtin(builtin) => Facts {
            eq: !matches!(builtin, Builtin::Float | Builtin::Double),
            ..facts
        },
        Ty::String(_) => Facts {
            strings: true,
            ..facts
        },
        Ty::Opaque(_) => Facts {
            opaques: true,
            ..facts
        },
        Ty::FixedOpaque(count) => Facts {
            default: count.value <= MAX_DEFAULT,
            ..facts
        },
        Ty::FixedArray(item, count) => facts.and(of_ty(item, types)).and(Facts {
            default: count.value <= MAX_DEFAULT,
            ..facts
        }),
        Ty::Array { item, .. } => Facts {
            copy: false,
            default: true,
            ..of_ty(item, types)
        },
        Ty::Optional { item, recursive } => {
            let item = of_ty(item, types);
            Facts {
                copy: item.copy && !recursive,
                default: true,
                ..item
            }
        }
        Ty::Named(id) => types[*id].facts,
        Ty::Foreign(_) => facts,
        Ty::Characters { .. } => Facts {
            copy: false,
            ..facts
        },
    }
}

impl Facts {
    /// Returns the properties of a type with these parts.
    fn and(self, other: Self) -> Self {
        Self {
            strings: self.strings || other.strings,
            opaques: self.opaques || other.opaques,
            eq: self.eq && other.eq,
            copy: self.copy && other.copy,
            default: self.default && other.default,
        }
    }
}
