//! Annotations of fields that say what a plain number or a list of characters means.

use super::Resolver;
use super::types::Body;
use crate::ast::{Builtin, Declaration};
use crate::model::{Kind, Ty};
use crate::source::Error;

impl Resolver<'_> {
    /// The type of a field with its annotations: `@as`, `@bool`, `@text` and `@bytes`.
    pub(super) fn annotated(&mut self, declaration: &Declaration, ty: Ty) -> Result<Ty, Error> {
        let doc = &declaration.doc;
        if doc.has("bool") {
            return Ok(replaced(ty, &Ty::Builtin(Builtin::Bool)));
        }
        let text = doc.has("text");
        if text || doc.has("bytes") {
            let (fixed, bound) = match ty {
                Ty::Array { bound, .. } => (false, bound),
                Ty::FixedArray(_, count) => (true, Some(count)),
                _ => {
                    let message = "`@text` and `@bytes` are for arrays of characters";
                    return Err(self.error(declaration.name.span, message));
                }
            };
            return Ok(Ty::Characters { text, fixed, bound });
        }
        let Some([name]) = doc.tag("as") else {
            return Ok(ty);
        };
        let Some(&id) = self.ids.get(name.as_str()) else {
            let message = format!("`@as {name}` names no enum, expected one of these files");
            return Err(self.error(declaration.name.span, &message));
        };
        if matches!(self.bodies[id], Body::Enum(_) | Body::Flags(_)) {
            self.resolve_type(id)?;
        }
        if !matches!(self.model.types[id].kind, Kind::Enum(_) | Kind::Flags(_)) {
            let message = format!("`@as {name}` does not name an enum");
            return Err(self.error(declaration.name.span, &message));
        }
        Ok(replaced(ty, &Ty::Named(id)))
    }
}

/// Puts `word` in place of the number that a type consists of, if that takes one word.
fn replaced(ty: Ty, word: &Ty) -> Ty {
    match ty {
        Ty::Builtin(
            Builtin::Int
            | Builtin::UnsignedInt
            | Builtin::Char
            | Builtin::UnsignedChar
            | Builtin::Short
            | Builtin::UnsignedShort,
        ) => word.clone(),
        Ty::Array { item, bound } => Ty::Array {
            item: Box::new(replaced(*item, word)),
            bound,
        },
        Ty::FixedArray(item, count) => Ty::FixedArray(Box::new(replaced(*item, word)), count),
        Ty::Optional { item, recursive } => Ty::Optional {
            item: Box::new(replaced(*item, word)),
            recursive,
        },
        ty => ty,
    }
}
