//! A tree of modules: each file of definitions is a module, and those in a directory are within the module of that name.

use super::Resolver;
use super::programs::{self, Convention};
use crate::ast::File;

impl<'s> Resolver<'s> {
    /// The path of the module that a file becomes, if files are modules.
    pub(super) fn module_path(&self, source: usize) -> Option<String> {
        let root = self.settings.tree.as_ref()?;
        let module = self.sources.get(source)?.module();
        Some(match module.is_empty() {
            true => root.clone(),
            false => format!("{root}::{module}"),
        })
    }

    /// The first module below the root that a file belongs to: its names are unique in there.
    pub(super) fn group(&self, source: usize) -> &'s str {
        let stem = self.sources.get(source).map_or("", |source| source.path());
        stem.split('/').next().unwrap_or_default()
    }

    /// The first file of a group, which keeps the names of all.
    pub(super) fn first_of_group(&self, source: usize) -> usize {
        let group = self.group(source);
        let found = (0..source).find(|&other| self.group(other) == group);
        found.unwrap_or(source)
    }

    /// The programs of each file, with the procedures of all files.
    pub(super) fn conventions_of_tree(&self, files: &'s [File]) -> Vec<Vec<Convention<'s>>> {
        let mut all: Vec<_> = programs::conventions(files).into_iter().map(Some).collect();
        let of_file = |source: usize| {
            let own = all.iter_mut().filter(|convention| {
                let program = convention.as_ref().map(Convention::source);
                program == Some(source)
            });
            own.filter_map(Option::take).collect()
        };
        (0..files.len()).map(of_file).collect()
    }
}
