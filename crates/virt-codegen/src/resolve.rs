//! Definitions become a [`Model`]: names are looked up, numbers computed, Rust names chosen.

use std::collections::{BTreeMap, HashMap};

use super::ast::{File, ItemKind, Name};
use super::model::{Home, Model, TypeId};
use super::names::{Scope, unshadowed, without, words};
use super::source::{Error, Source, Span};
use programs::Convention;

mod annotations;
mod facts;
mod programs;
mod recursion;
mod tree;
mod types;
mod undefined;
mod unions;
mod values;

/// Facts that the definitions lack.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Constants that are defined elsewhere.
    pub defines: BTreeMap<String, i128>,
    /// Included files, by their name without the ending, that have a Rust module of their own, and its path.
    pub elsewhere: BTreeMap<String, String>,
    /// The Rust module whose submodules the files are, such as `crate`; without one, all is one file of Rust.
    pub tree: Option<String>,
    /// Words that names in the definitions begin with, and Rust's do not.
    pub strip: Vec<String>,
}

/// Makes a model of the first of `files`; the others are its includes.
pub(crate) fn resolve(
    sources: &[Source],
    files: &[File],
    settings: &Settings,
) -> Result<Model, Error> {
    let mut resolver = Resolver {
        sources,
        settings,
        values: HashMap::new(),
        ids: HashMap::new(),
        bodies: Vec::new(),
        typedefs: 0,
        files: Vec::new(),
        model: Model::default(),
    };
    resolver.run(files)?;
    Ok(resolver.model)
}

struct Resolver<'s> {
    sources: &'s [Source],
    settings: &'s Settings,
    /// The values of constants and enum members.
    values: HashMap<&'s str, values::Definition<'s>>,
    /// The types by name.
    ids: HashMap<&'s str, TypeId>,
    /// The definition of each type.
    bodies: Vec<types::Body<'s>>,
    /// The number of typedefs being resolved, each because of the one before.
    typedefs: usize,
    files: Vec<FileContext>,
    model: Model,
}

/// The settings of one file.
struct FileContext {
    home: Home,
    /// The module of its items, where that is another.
    path: Option<String>,
    /// The Rust names in use.
    scope: Scope,
    /// The prefix of its names, in words.
    prefixes: Vec<Vec<String>>,
}

impl<'s> Resolver<'s> {
    fn run(&mut self, files: &'s [File]) -> Result<(), Error> {
        let Some(file) = files.first() else {
            return Ok(());
        };
        if file.items.is_empty() && self.settings.tree.is_none() {
            let end = self.sources.first().map_or(0, |source| source.text.len());
            let span = Span {
                source: 0,
                start: end,
                end,
            };
            return Err(self.error(
                span,
                "nothing is defined, expected `const`, `struct` or another definition",
            ));
        }
        let conventions: Vec<_> = match self.settings.tree {
            None => files
                .iter()
                .map(|file| programs::conventions(std::slice::from_ref(file)))
                .collect(),
            Some(_) => self.conventions_of_tree(files),
        };
        for (source, file) in files.iter().enumerate() {
            let context = self.context(source, file, &conventions);
            self.files.push(context);
            for item in &file.items {
                self.declare_values(source, item)?;
            }
        }
        self.check_constants(files)?;
        let conventions_of_all = &conventions;
        for (source, (file, conventions)) in files.iter().zip(&conventions).enumerate() {
            for item in &file.items {
                self.name_constant(source, item, conventions)?;
            }
            for item in &file.items {
                let programs = match self.settings.tree {
                    Some(_) => &conventions_of_all[..],
                    None => std::slice::from_ref(conventions),
                };
                self.declare_type(source, item, programs)?;
            }
        }
        for id in 0..self.bodies.len() {
            self.resolve_type(id)?;
        }
        for (source, (file, conventions)) in files.iter().zip(&conventions).enumerate() {
            if source == 0 || self.settings.tree.is_some() {
                self.resolve_programs(source, file, conventions)?;
            }
        }
        self.model.parameters = ["S", "B"].map(|name| {
            let name = self.claim(0, name.into());
            name.rsplit("::").next().unwrap_or_default().to_owned()
        });
        self.settle_recursion()?;
        facts::find(&mut self.model.types);
        Ok(())
    }

    fn context(
        &self,
        source: usize,
        file: &File,
        conventions: &[Vec<Convention<'_>>],
    ) -> FileContext {
        let external = self
            .sources
            .get(source)
            .and_then(|source| self.settings.elsewhere.get(source.stem()))
            .cloned();
        let module = self.module_path(source);
        let (home, path) = match (external, module) {
            (Some(path), _) if source > 0 => (Home::Elsewhere, Some(path)),
            (_, Some(path)) => (Home::Here, Some(path)),
            _ if source == 0 => (Home::Here, None),
            _ => (Home::Included, None),
        };
        let group = self.group(source);
        let of_group = (0..)
            .zip(conventions)
            .filter(|(other, _)| match self.settings.tree {
                Some(_) => self.group(*other) == group,
                None => *other == source,
            });
        let mut prefixes: Vec<_> = of_group
            .flat_map(|(_, conventions)| conventions)
            .map(|convention| convention.prefix.clone())
            .collect();
        let has_program = !prefixes.is_empty()
            || file
                .items
                .iter()
                .any(|item| matches!(item.kind, ItemKind::Program(..)));
        let scope = if has_program {
            Scope::new(&["PROGRAM", "Procedure"])
        } else {
            Scope::default()
        };
        prefixes.extend(self.settings.strip.iter().map(|word| words(word)));
        FileContext {
            home,
            path,
            scope,
            prefixes,
        }
    }

    /// The words of a name without the prefix that its file gives everything.
    fn stripped(&self, source: usize, name: &str) -> Vec<String> {
        let words = words(name);
        let prefixes = self
            .files
            .get(source)
            .map_or(&[][..], |file| &file.prefixes);
        let longest = prefixes
            .iter()
            .filter(|prefix| words.starts_with(prefix))
            .max_by_key(|prefix| prefix.len());
        longest.map_or(words.clone(), |prefix| without(&words, prefix))
    }

    /// A Rust name of its own for an item of this file.
    fn claim(&mut self, source: usize, name: String) -> String {
        // What is included is written beside what includes it: both share a scope.
        let shared = self
            .files
            .get(source)
            .is_some_and(|file| file.home == Home::Included);
        let scope = match self.settings.tree {
            Some(_) => self.first_of_group(source),
            None if shared => 0,
            None => source,
        };
        let Some(file) = self.files.get_mut(scope) else {
            return name;
        };
        let name = file.scope.claim(unshadowed(name));
        match self.files.get(source).and_then(|file| file.path.as_ref()) {
            Some(path) => format!("{path}::{name}"),
            None => name,
        }
    }

    fn home(&self, source: usize) -> Home {
        self.files.get(source).map_or(Home::Here, |file| file.home)
    }

    fn error(&self, span: Span, message: &str) -> Error {
        Error::at(self.sources, span, message)
    }

    fn twice(&self, name: &Name, first: Span) -> Error {
        let line = self
            .sources
            .get(first.source)
            .map_or(0, |source| source.line(first.start).0);
        self.error(
            name.span,
            &format!(
                "`{}` is defined already in line {line}, expected another name",
                name.text
            ),
        )
    }
}
