//! Structs, unions, enums and typedefs.

use std::collections::HashMap;

use super::Resolver;
use super::programs::Convention;
use crate::ast::{Builtin, Declaration, Doc, Item, ItemKind, Member, Name, Shape, Spec, Union};
use crate::model::{self, Facts, Field, Kind, Ty, Type, TypeId};
use crate::names::{Scope, camel, snake, words};
use crate::source::{Error, Span};

/// The longest chain of typedefs of typedefs.
const MAX_TYPEDEFS: usize = 32;

/// A definition that a type is resolved from.
#[derive(Clone, Copy)]
pub(super) enum Body<'s> {
    Procedures,
    Enum(&'s [Member]),
    Flags(&'s [Member]),
    Struct(&'s [Declaration]),
    Union(&'s Union),
    Typedef(&'s Declaration),
    /// A typedef whose meaning is being found out.
    Started,
    /// It is resolved.
    Done,
}

impl<'s> Resolver<'s> {
    /// Registers the type that an item defines and gives it its Rust name.
    pub(super) fn declare_type(
        &mut self,
        source: usize,
        item: &'s Item,
        programs: &[Vec<Convention<'_>>],
    ) -> Result<(), Error> {
        let body = match &item.kind {
            ItemKind::Const(_) | ItemKind::Text(_) | ItemKind::Program(..) => return Ok(()),
            _ if item.doc.has("omit") => return Ok(()),
            ItemKind::Enum(_)
                if self.home(source) != model::Home::Included
                    && programs
                        .iter()
                        .flatten()
                        .any(|program| program.owns(&item.name.text)) =>
            {
                Body::Procedures
            }
            ItemKind::Enum(members) if item.doc.has("flags") => Body::Flags(members),
            ItemKind::Enum(members) => Body::Enum(members),
            ItemKind::Struct(fields) => Body::Struct(fields),
            ItemKind::Union(union) => Body::Union(union),
            ItemKind::Typedef(Declaration {
                spec,
                shape: Shape::Plain,
                ..
            }) => match spec {
                Spec::Enum(members) => Body::Enum(members),
                Spec::Struct(fields) => Body::Struct(fields),
                Spec::Union(union) => Body::Union(union),
                // `typedef struct a a;` says something in C alone.
                Spec::Named(name) if name.text == item.name.text => return Ok(()),
                _ => typedef(item),
            },
            ItemKind::Typedef(_) => typedef(item),
        };
        match self.ids.get(item.name.text.as_str()) {
            Some(&first) if self.model.types[first].span.source == source => {
                return Err(self.twice(&item.name, self.model.types[first].span));
            }
            Some(_) => return Ok(()),
            None => self.ids.insert(&item.name.text, self.bodies.len()),
        };
        let rust = match body {
            Body::Procedures => "Procedure".into(),
            _ => match item.doc.tag("name") {
                Some([name]) => name.clone(),
                _ => camel(&self.stripped(source, &item.name.text)),
            },
        };
        let rust = if matches!(body, Body::Procedures) {
            rust
        } else {
            self.claim(source, rust)
        };
        let rust = match (
            body,
            self.files.get(source).and_then(|file| file.path.as_ref()),
        ) {
            (Body::Procedures, Some(path)) => format!("{path}::{rust}"),
            _ => rust,
        };
        self.add(body, &item.name, rust, item.doc.clone());
        Ok(())
    }

    /// Adds a type that waits to be resolved.
    fn add(&mut self, body: Body<'s>, name: &Name, rust: String, doc: Doc) -> TypeId {
        let home = self.home(name.span.source);
        self.bodies.push(body);
        self.model.types.push(Type {
            xdr: name.text.clone(),
            rust,
            span: name.span,
            home,
            doc,
            kind: Kind::Procedures,
            facts: Facts::default(),
            role: model::Role::Part,
        });
        self.bodies.len() - 1
    }

    /// Adds a struct that no definition has, for what a procedure takes or returns.
    pub(super) fn add_struct(&mut self, name: &Name, rust: String, fields: Vec<Field>) -> TypeId {
        let line = format!(
            "What the procedure `{}` carries, as a struct of its values.",
            name.text
        );
        let doc = Doc {
            lines: vec![line],
            tags: Vec::new(),
        };
        let id = self.add(Body::Done, name, rust, doc);
        self.model.types[id].kind = Kind::Struct(fields);
        id
    }

    /// Resolves what a type consists of.
    pub(super) fn resolve_type(&mut self, id: TypeId) -> Result<(), Error> {
        let body = std::mem::replace(&mut self.bodies[id], Body::Done);
        let (xdr, source) = (
            self.model.types[id].xdr.clone(),
            self.model.types[id].span.source,
        );
        let kind = match body {
            Body::Done => return Ok(()),
            Body::Procedures => Kind::Procedures,
            Body::Enum(members) => {
                let doc = self.model.types[id].doc.clone();
                Kind::Enum(self.members(source, &xdr, members, &doc)?)
            }
            Body::Flags(members) => Kind::Flags(self.flags(id, members)?),
            Body::Struct(fields) => Kind::Struct(self.fields(id, fields)?),
            Body::Union(union) => Kind::Union(Box::new(self.union(id, union)?)),
            Body::Typedef(declaration) => {
                self.bodies[id] = Body::Started;
                let ty = self.typedef(id, declaration)?;
                self.bodies[id] = Body::Done;
                Kind::Typedef(field("0".into(), declaration, ty))
            }
            Body::Started => return Err(self.endless(self.model.types[id].span)),
        };
        self.model.types[id].kind = kind;
        Ok(())
    }

    fn fields(&mut self, id: TypeId, declarations: &'s [Declaration]) -> Result<Vec<Field>, Error> {
        let mut names: HashMap<&str, Span> = HashMap::new();
        let mut scope = Scope::default();
        let mut fields = Vec::new();
        for declaration in declarations {
            let name = &declaration.name;
            if let Some(first) = names.insert(&name.text, name.span) {
                return Err(self.twice(name, first));
            }
            let rust = scope.claim(snake(&words(&name.text)));
            let ty = self.ty(id, declaration)?;
            fields.push(field(rust, declaration, self.annotated(declaration, ty)?));
        }
        Ok(fields)
    }

    /// Returns the type that a typedef names.
    fn typedef(&mut self, id: TypeId, declaration: &'s Declaration) -> Result<Ty, Error> {
        if self.typedefs == MAX_TYPEDEFS {
            return Err(self.endless(declaration.name.span));
        }
        self.typedefs += 1;
        let ty = self.ty(id, declaration);
        self.typedefs -= 1;
        ty
    }

    fn endless(&self, span: Span) -> Error {
        let message = format!(
            "typedef names itself, or begins a chain of more than {MAX_TYPEDEFS} typedefs, expected a struct"
        );
        self.error(span, &message)
    }

    /// The type of a declaration in the type `parent`.
    pub(super) fn ty(&mut self, parent: TypeId, declaration: &'s Declaration) -> Result<Ty, Error> {
        let shape = &declaration.shape;
        let item = match (&declaration.spec, shape) {
            (Spec::String, Shape::Variable(bound)) => {
                return Ok(Ty::String(self.bound(bound.as_ref())?));
            }
            (Spec::Opaque, Shape::Variable(bound)) => {
                return Ok(Ty::Opaque(self.bound(bound.as_ref())?));
            }
            (Spec::Opaque, Shape::Fixed(count)) => return Ok(Ty::FixedOpaque(self.fixed(count)?)),
            (spec, _) => Box::new(self.spec(Some(parent), &declaration.name, spec)?),
        };
        if item.depth() == MAX_TYPEDEFS {
            return Err(self.endless(declaration.name.span));
        }
        Ok(match shape {
            Shape::Plain => *item,
            Shape::Fixed(count) => Ty::FixedArray(item, self.fixed(count)?),
            Shape::Variable(bound) => Ty::Array {
                item,
                bound: self.bound(bound.as_ref())?,
            },
            Shape::Optional => Ty::Optional {
                item,
                recursive: false,
            },
        })
    }

    /// A type that is named, built in or defined in place. What is defined in place is named after `name`
    /// and `parent`.
    pub(super) fn spec(
        &mut self,
        parent: Option<TypeId>,
        name: &Name,
        spec: &'s Spec,
    ) -> Result<Ty, Error> {
        let body = match spec {
            Spec::Builtin(builtin) => return Ok(builtin_ty(*builtin)),
            // An argument of a procedure, where the language of rpcgen has no bound.
            Spec::String => return Ok(Ty::String(None)),
            Spec::Opaque => return Ok(Ty::Opaque(None)),
            Spec::Named(name) => return self.named(name),
            Spec::Enum(members) => Body::Enum(members),
            Spec::Struct(fields) => Body::Struct(fields),
            Spec::Union(union) => Body::Union(union),
        };
        let rust = parent.map_or(String::new(), |parent| {
            self.model.types[parent].rust.clone()
        });
        let rust =
            rust.rsplit("::").next().unwrap_or_default().to_owned() + &camel(&words(&name.text));
        let rust = self.claim(name.span.source, rust);
        let id = self.add(body, name, rust, Doc::default());
        self.resolve_type(id)?;
        Ok(Ty::Named(id))
    }

    fn named(&mut self, name: &Name) -> Result<Ty, Error> {
        let Some(&id) = self.ids.get(name.text.as_str()) else {
            return builtin_name(&name.text).map(builtin_ty).ok_or_else(|| {
                let message = format!(
                    "type `{}` is not defined, expected a type of the language or of this file",
                    name.text
                );
                self.error(name.span, &message)
            });
        };
        // The target of a typedef takes its place, and unions need to know the members of an enum.
        if let Body::Typedef(_) | Body::Started | Body::Enum(_) = self.bodies[id] {
            self.resolve_type(id)?;
        }
        if let Some([path]) = self.model.types[id].doc.tag("rust") {
            return Ok(Ty::Foreign(path.clone()));
        }
        Ok(match &self.model.types[id].kind {
            Kind::Typedef(field) => field.ty.clone(),
            _ => Ty::Named(id),
        })
    }
}

fn typedef(item: &Item) -> Body<'_> {
    match &item.kind {
        ItemKind::Typedef(declaration) => Body::Typedef(declaration),
        _ => Body::Done,
    }
}

pub(super) fn field(rust: String, declaration: &Declaration, ty: Ty) -> Field {
    let span = declaration.name.span;
    Field {
        rust,
        declaration: declaration.to_string(),
        ty,
        doc: declaration.doc.clone(),
        span,
    }
}

fn builtin_ty(builtin: Builtin) -> Ty {
    match builtin {
        // Rust has no type for it; these are its bytes.
        Builtin::Quadruple => Ty::FixedOpaque(model::Count {
            value: 16,
            constant: None,
        }),
        builtin => Ty::Builtin(builtin),
    }
}

/// The types of rpcgen's dialect: they are no keywords, a file may define them itself.
fn builtin_name(name: &str) -> Option<Builtin> {
    Some(match name {
        "long" | "int32_t" => Builtin::Int,
        "u_int" | "u_long" | "uint32_t" | "u_int32_t" => Builtin::UnsignedInt,
        "int64_t" | "quad_t" => Builtin::Hyper,
        "uint64_t" | "u_int64_t" | "u_quad_t" => Builtin::UnsignedHyper,
        "bool_t" => Builtin::Bool,
        "char" | "int8_t" => Builtin::Char,
        "u_char" | "uint8_t" | "u_int8_t" => Builtin::UnsignedChar,
        "short" | "int16_t" => Builtin::Short,
        "u_short" | "uint16_t" | "u_int16_t" => Builtin::UnsignedShort,
        _ => return None,
    })
}
