//! A tree of modules: a file of Rust for each file of definitions.

use std::collections::BTreeMap;

use super::{Emitter, Runtime, imports, table};
use crate::ast::{Doc, File};
use crate::model::{Model, Program, Role};
use crate::source::Source;

/// The modules, and a table of all of it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    pub(crate) table: String,
}

/// A file of Rust, not formatted yet.
#[derive(Debug)]
pub(crate) struct Module {
    /// The path within the tree, such as `remote::domain`.
    pub(crate) path: String,
    /// The documentation of the module.
    pub(crate) doc: Doc,
    /// The modules below it.
    pub(crate) children: Vec<String>,
    /// The items.
    pub(crate) text: String,
}

/// Returns a module for each of the definition files but the first, which only includes the others, and the modules that
/// they need: of directories, and of the methods of a program.
pub(crate) fn emit(
    model: &Model,
    sources: &[Source],
    files: &[File],
    runtime: &Runtime,
    root: &str,
) -> Tree {
    let mut modules = BTreeMap::new();
    for (number, (source, file)) in sources.iter().zip(files).enumerate().skip(1) {
        let text = items(model, runtime, number);
        let path = source.module();
        modules.insert(path, (file.doc.clone(), text));
    }
    for program in &model.programs {
        let source = sources.get(program.source).map(Source::module);
        let path = format!("{}::calls", source.unwrap_or_default());
        let mut emitter = emitter(model, runtime);
        emitter.calls(program);
        let doc = Doc {
            lines: vec![format!(
                "A method for each call of the program `{}`.",
                program.xdr
            )],
            ..Doc::default()
        };
        modules.insert(path, (doc, emitter.out));
    }
    // A directory without a file of its own is a module of those in it.
    let parents: Vec<_> = modules.keys().filter_map(|path| parent(path)).collect();
    for path in parents.into_iter().map(str::to_owned).collect::<Vec<_>>() {
        modules.entry(path.clone()).or_insert_with(|| {
            let doc = Doc {
                lines: vec![format!("The definitions in `{}`.", path.replace("::", "/"))],
                ..Doc::default()
            };
            (doc, String::new())
        });
    }
    let paths: Vec<String> = modules.keys().cloned().collect();
    let module = |(path, (doc, text)): (String, (Doc, String))| {
        let children = paths.iter().filter(|child| parent(child) == Some(&path));
        let name = |child: &String| child.rsplit("::").next().unwrap_or_default().to_owned();
        Module {
            text: imports::resolve(&text, &format!("{root}::{path}")),
            children: children.map(name).collect(),
            path,
            doc,
        }
    };
    Tree {
        modules: modules.into_iter().map(module).collect(),
        table: table::emit(model),
    }
}

/// The items of one file of definitions.
fn items(model: &Model, runtime: &Runtime, source: usize) -> String {
    let mut emitter = emitter(model, runtime);
    let of_file = |program: &&Program| program.source == source;
    let program = model.programs.iter().find(of_file);
    if let Some(program) = program {
        emitter.program(program);
    }
    for constant in model
        .constants
        .iter()
        .filter(|constant| constant.source == source)
    {
        emitter.constant(constant);
    }
    for ty in &model.types {
        let is_written = !ty.is_shorthand() && !ty.doc.has("rust") && ty.role != Role::Field;
        if ty.span.source == source && is_written {
            emitter.type_item(ty);
        }
    }
    for program in &model.programs {
        for procedure in &program.procedures {
            if procedure.source == source {
                emitter.procedure(program, procedure, "");
            }
        }
    }
    emitter.out
}

fn emitter<'m>(model: &'m Model, runtime: &'m Runtime) -> Emitter<'m> {
    Emitter {
        model,
        runtime,
        out: String::new(),
    }
}

/// The module that a module is in.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once("::").map(|(parent, _)| parent)
}
