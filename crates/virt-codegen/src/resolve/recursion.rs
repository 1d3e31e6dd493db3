//! Types that contain themselves: refused where they could not end, marked where they may.

use super::Resolver;
use crate::ast::Builtin;
use crate::model::{Kind, Ty, Type, TypeId};
use crate::source::Error;

/// The largest type, in bytes of memory. An optional or the arm of a union takes as much as its greatest
/// value does, whatever arrives.
const MAX_SIZE: u64 = 65_536;

/// The ways in which a type contains another. An array, whose memory is elsewhere, contains none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// In place.
    Inline,
    /// If it is there at all.
    Optional,
}

impl Resolver<'_> {
    /// Refuses types that contain themselves in place, and marks the optionals through which others do.
    pub(super) fn settle_recursion(&mut self) -> Result<(), Error> {
        let types = &self.model.types;
        let inline = components(types, Way::Inline);
        for (id, ty) in types.iter().enumerate() {
            for part in ty.kind.parts() {
                if let Some((target, Way::Inline)) = contained(&part.ty)
                    && inline[id] == inline[target]
                {
                    let message = format!(
                        "`{}` contains itself without end, expected a pointer (`*`)",
                        ty.xdr
                    );
                    return Err(self.error(part.span, &message));
                }
            }
        }
        let optional = components(types, Way::Optional);
        for (id, ty) in self.model.types.iter_mut().enumerate() {
            for part in ty.kind.parts_mut() {
                if let Some((target, Way::Optional)) = contained(&part.ty) {
                    mark(&mut part.ty, optional[id] == optional[target]);
                }
            }
        }
        self.check_sizes()
    }

    fn check_sizes(&self) -> Result<(), Error> {
        let types = &self.model.types;
        let mut sizes: Vec<Option<u64>> = vec![None; types.len()];
        // A stack of its own: types may stand in one another deeper than this program's allows.
        let mut stack: Vec<TypeId> = (0..types.len()).rev().collect();
        while let Some(&id) = stack.last() {
            if sizes[id].is_some() {
                stack.pop();
                continue;
            }
            let needed = types[id]
                .kind
                .parts()
                .into_iter()
                .filter_map(|part| in_place(&part.ty));
            let missing: Vec<_> = needed.filter(|&target| sizes[target].is_none()).collect();
            if missing.is_empty() {
                let size = size(&types[id].kind, &sizes);
                if size > MAX_SIZE {
                    let xdr = &types[id].xdr;
                    let message = format!(
                        "`{xdr}` takes {size} bytes of memory, expected at most {MAX_SIZE}"
                    );
                    return Err(self.error(types[id].span, &message));
                }
                sizes[id] = Some(size);
                stack.pop();
            } else {
                stack.extend(missing);
            }
        }
        Ok(())
    }
}

/// The type that this one contains, and how.
fn contained(ty: &Ty) -> Option<(TypeId, Way)> {
    let mut way = Way::Inline;
    for layer in ty.layers() {
        match layer {
            Ty::Array { .. } => return None,
            Ty::Optional { .. } => way = Way::Optional,
            Ty::Named(id) => return Some((*id, way)),
            _ => {}
        }
    }
    None
}

/// The type that takes memory inside this one.
fn in_place(ty: &Ty) -> Option<TypeId> {
    let boxed = |layer: &Ty| {
        matches!(
            layer,
            Ty::Optional {
                recursive: true,
                ..
            }
        )
    };
    contained(ty)
        .map(|(id, _)| id)
        .filter(|_| !ty.layers().any(boxed))
}

/// Marks the outermost optional of a type.
fn mark(ty: &mut Ty, recurs: bool) {
    match ty {
        Ty::Optional { recursive, .. } => *recursive = recurs,
        Ty::FixedArray(item, _) => mark(item, recurs),
        _ => {}
    }
}

fn size(kind: &Kind, sizes: &[Option<u64>]) -> u64 {
    let parts = kind
        .parts()
        .into_iter()
        .map(|part| size_of(&part.ty, sizes));
    match kind {
        Kind::Union(_) => parts.fold(0, u64::max).saturating_add(8),
        Kind::Enum(_) | Kind::Flags(_) | Kind::Procedures => 4,
        Kind::Struct(_) | Kind::Typedef(_) => parts.fold(0, u64::saturating_add),
    }
}

fn size_of(ty: &Ty, sizes: &[Option<u64>]) -> u64 {
    match ty {
        Ty::Builtin(builtin) => match builtin {
            Builtin::Hyper | Builtin::UnsignedHyper | Builtin::Double => 8,
            Builtin::Short | Builtin::UnsignedShort => 2,
            Builtin::Char | Builtin::UnsignedChar | Builtin::Bool => 1,
            _ => 4,
        },
        Ty::String(_) | Ty::Opaque(_) | Ty::Array { .. } | Ty::Characters { .. } => 24,
        // A guess, which only decides which pointer of a cycle gets a box.
        Ty::Foreign(_) => 16,
        Ty::FixedOpaque(count) => count.value.into(),
        Ty::FixedArray(item, count) => size_of(item, sizes).saturating_mul(count.value.into()),
        Ty::Optional {
            recursive: true, ..
        } => 8,
        Ty::Optional { item, .. } => size_of(item, sizes).saturating_add(8),
        Ty::Named(id) => sizes[*id].unwrap_or(0),
    }
}

/// Numbers the types: those that contain one another in this way, or in one above it, have the same number.
fn components(types: &[Type], way: Way) -> Vec<usize> {
    let mut forward = vec![Vec::new(); types.len()];
    let mut backward = vec![Vec::new(); types.len()];
    for (id, ty) in types.iter().enumerate() {
        for (target, _) in ty
            .kind
            .parts()
            .iter()
            .filter_map(|part| contained(&part.ty))
            .filter(|edge| edge.1 <= way)
        {
            forward[id].push(target);
            backward[target].push(id);
        }
    }
    // Kosaraju's algorithm: what the last to finish reaches backwards is one component.
    let mut finished = Vec::new();
    let mut seen = vec![false; types.len()];
    for id in 0..types.len() {
        visit(id, &forward, &mut seen, &mut finished);
    }
    let mut numbers = vec![0; types.len()];
    let mut seen = vec![false; types.len()];
    for &id in finished.iter().rev() {
        let mut component = Vec::new();
        visit(id, &backward, &mut seen, &mut component);
        component
            .into_iter()
            .for_each(|member| numbers[member] = id);
    }
    numbers
}

/// Visits what is reached from `id` and not `seen` yet; appends each type behind those that it reaches.
fn visit(id: TypeId, edges: &[Vec<TypeId>], seen: &mut [bool], finished: &mut Vec<TypeId>) {
    // A stack of its own, as above.
    let mut stack = vec![(id, 0)];
    while let Some((id, next)) = stack.pop() {
        if next == 0 && std::mem::replace(&mut seen[id], true) {
            continue;
        }
        match edges[id].get(next) {
            Some(&target) => stack.extend([(id, next + 1), (target, 0)]),
            None => finished.push(id),
        }
    }
}
