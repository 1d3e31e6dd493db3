//! The generator as a library: from a definition file to a file of Rust.

use std::path::{Path, PathBuf};

use crate::ast::{ItemKind, Value, ValueKind};
use crate::{Error, Runtime, Settings, Source, files, generate, generate_tree, parse};

/// Generates a file of Rust from a definition file and the definitions it includes.
///
/// For an `#include "y.h"` in the definitions, `y.x` is read if it is in the same directory.
#[derive(Debug, Clone)]
#[must_use = "nothing is generated before `generate`, `write` or `check`"]
pub struct Codegen {
    input: PathBuf,
    /// The name of the input in errors.
    name: String,
    command: String,
    settings: Settings,
    runtime: Runtime,
}

impl Codegen {
    /// Makes the generator for a definition file.
    pub fn new(input: impl Into<PathBuf>) -> Self {
        let input = input.into();
        let name = one_line(&input.to_string_lossy());
        Self {
            input,
            name,
            command: "virt-codegen".to_owned(),
            settings: Settings::default(),
            runtime: Runtime::default(),
        }
    }

    /// Sets the name of the input in errors. The default is its path.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = one_line(name.as_ref());
        self
    }

    /// Sets the command that the first line of the output names. The default is `virt-codegen`.
    pub fn command(mut self, command: impl AsRef<str>) -> Self {
        self.command = one_line(command.as_ref());
        self
    }

    /// Defines a constant that the definitions use and do not define.
    pub fn define(mut self, name: impl Into<String>, number: i128) -> Self {
        self.settings.defines.insert(name.into(), number);
        self
    }

    /// Names the Rust module that already has the definitions of an included file, such as `frame` in `::virt_xdr`.
    pub fn external(mut self, file: impl Into<String>, module: impl Into<String>) -> Self {
        self.settings.elsewhere.insert(file.into(), module.into());
        self
    }

    /// Sets the paths of the crates that the generated code uses.
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Returns the formatted Rust.
    ///
    /// # Errors
    ///
    /// The definitions cannot be read, or are wrong: the error shows the place. The output would hold nothing. rustfmt is
    /// not installed.
    pub fn generate(&self) -> Result<String, Error> {
        let sources = files::load(&self.input, &self.name)?;
        let files = self.settings.elsewhere.keys();
        if let Some(file) = files
            .into_iter()
            .find(|file| !files::includes(&sources, file))
        {
            return Err(Error::new(format!(
                "--extern {file}: {} includes no {file}.x",
                self.name
            )));
        }
        let text = generate(&sources, &self.settings, &self.runtime)?;
        files::finish(&text, &sources, &self.command)
    }

    /// Returns the formatted files of a tree of modules, by their path in the directory of the module `root`.
    ///
    /// The definition file only includes others. Each of them becomes a module, whose items are public; the comment at its
    /// top is the module's. Every client gets the calls of a program as methods.
    ///
    /// # Errors
    ///
    /// Those of [`generate`](Self::generate).
    pub fn generate_tree(&self, root: &str) -> Result<Vec<(PathBuf, String)>, Error> {
        let sources = files::load(&self.input, &self.name)?;
        let mut settings = self.settings.clone();
        settings.tree = Some(root.to_owned());
        let mut runtime = self.runtime.clone();
        runtime.methods = true;
        let modules = generate_tree(&sources, &settings, &runtime, root)?;
        modules
            .iter()
            .map(|module| files::finish_module(module, &self.command))
            .collect()
    }

    /// Writes a tree of modules below a directory: see [`generate_tree`](Self::generate_tree). Files that are up to date
    /// stay.
    ///
    /// # Errors
    ///
    /// Those of [`generate_tree`](Self::generate_tree), and a file cannot be written.
    pub fn write_tree(&self, root: &str, directory: impl AsRef<Path>) -> Result<(), Error> {
        let files = self.generate_tree(root)?;
        let write = |(path, text): &(PathBuf, String)| {
            files::write(&directory.as_ref().join(path), text)
        };
        files.iter().try_for_each(write)
    }

    /// Checks that a tree of modules is up to date.
    ///
    /// # Errors
    ///
    /// Those of [`generate_tree`](Self::generate_tree), and a file is not what the definitions say.
    pub fn check_tree(&self, root: &str, directory: impl AsRef<Path>) -> Result<(), Error> {
        let files = self.generate_tree(root)?;
        let check = |(path, text): &(PathBuf, String)| {
            files::check(&directory.as_ref().join(path), text, &self.command)
        };
        files.iter().try_for_each(check)
    }

    /// Leaves off a word that names in the definitions begin with.
    pub fn strip(mut self, word: impl Into<String>) -> Self {
        self.settings.strip.push(word.into());
        self
    }

    /// Writes the output, unless the file is up to date.
    ///
    /// # Errors
    ///
    /// Those of [`generate`](Self::generate), and the file cannot be written.
    pub fn write(&self, output: impl AsRef<Path>) -> Result<(), Error> {
        files::write(output.as_ref(), &self.generate()?)
    }

    /// Checks that a file is up to date.
    ///
    /// # Errors
    ///
    /// Those of [`generate`](Self::generate), and the file is not what the definitions say.
    pub fn check(&self, output: impl AsRef<Path>) -> Result<(), Error> {
        files::check(output.as_ref(), &self.generate()?, &self.command)
    }
}

/// Parses `NAME=NUMBER`, the number in any form of the XDR language.
///
/// # Errors
///
/// The text has another form.
pub fn parse_define(text: &str) -> Result<(String, i128), String> {
    let (name, number) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
    let source = Source {
        name: "--define".into(),
        text: format!("const {name} = {number};"),
    };
    let file = parse(&[source], 0).map_err(|error| error.to_string())?;
    match file.items.first().map(|item| &item.kind) {
        Some(ItemKind::Const(Value {
            kind: ValueKind::Number(number),
            ..
        })) if file.items.len() == 1 => Ok((name.trim().to_owned(), *number)),
        _ => Err("expected NAME=NUMBER".into()),
    }
}

/// Parses `FILE=PATH`, the path of a Rust module.
///
/// # Errors
///
/// The text has another form, or the path is invalid.
pub fn parse_extern(text: &str) -> Result<(String, String), String> {
    let (file, path) = text.split_once('=').ok_or("expected FILE=PATH")?;
    let segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '#')
    };
    if !path.trim_start_matches("::").split("::").all(segment) {
        return Err(format!(
            "`{path}` is no path of a module, expected one such as crate::remote"
        ));
    }
    Ok((file.trim_end_matches(".x").to_owned(), path.to_owned()))
}

/// Returns a text on one line, for comments and messages.
fn one_line(text: &str) -> String {
    // Rust denies characters that change the direction of text in comments.
    let is_direction = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(|c: char| c.is_control() || is_direction(c), " ")
}
