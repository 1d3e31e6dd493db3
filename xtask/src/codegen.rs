//! `cargo xtask codegen`: XDR definitions become constants, types and codecs.
//!
//! Text becomes definitions ([`parse`]), definitions become a model in which every name is looked up, and
//! the model becomes Rust ([`generate`]), which rustfmt formats.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

pub mod ast;
mod doc;
mod emit;
mod files;
mod lexer;
mod model;
mod names;
mod outputs;
mod parser;
mod resolve;
mod source;

pub use emit::Runtime;
pub use files::format;
pub use parser::{MAX_NESTING, MAX_SOURCE, parse};
pub use resolve::Settings;
pub use source::{Error, Source, Span};

/// Generate Rust from XDR definitions
///
/// Without options, every generated.rs of the workspace is written again from xtask/protocol/*.x.
/// With --input and --output, one file of your own is: constants, types with their codecs, and a type for
/// each procedure of a program. docs/adding-a-program.md shows what to do with it.
#[derive(Debug, Args)]
pub struct Codegen {
    /// Change nothing, and fail if a generated file is not what its definitions say
    #[arg(long)]
    check: bool,

    /// The definitions to read, in the XDR language of RFC 4506 with rpcgen's additions
    ///
    /// For an #include "y.h" in them, y.x is read too if it is in the same directory.
    #[arg(long, value_name = "FILE.x", requires = "output")]
    input: Option<PathBuf>,

    /// The Rust file to write
    #[arg(long, value_name = "FILE.rs", requires = "input")]
    output: Option<PathBuf>,

    /// A constant that the definitions use and something else defines; may be repeated
    #[arg(long, value_name = "NAME=NUMBER", requires = "input", value_parser = parse_define)]
    define: Vec<(String, i128)>,

    /// A Rust module that already has what FILE.x defines, where the input includes that; may be repeated
    #[arg(long = "extern", value_name = "FILE=PATH", requires = "input", value_parser = parse_extern)]
    elsewhere: Vec<(String, String)>,
}

impl Codegen {
    /// Writes or checks what was asked for.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let result = match (&self.input, &self.output) {
            (Some(input), Some(output)) => self.one(input, output),
            _ => outputs::all(self.check),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn one(&self, input: &Path, output: &Path) -> Result<(), Error> {
        let settings = Settings {
            defines: self.define.iter().cloned().collect(),
            elsewhere: self.elsewhere.iter().cloned().collect(),
        };
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let mut command = format!(
            "cargo xtask codegen --input {} --output {}",
            name(input),
            name(output)
        );
        for (name, number) in &settings.defines {
            command.push_str(&format!(" --define {name}={number}"));
        }
        for (file, path) in &settings.elsewhere {
            command.push_str(&format!(" --extern {file}={path}"));
        }
        let sources = files::load(input, &input.to_string_lossy())?;
        if let Some(file) = settings
            .elsewhere
            .keys()
            .find(|file| !files::includes(&sources, file))
        {
            return Err(Error::new(format!(
                "--extern {file}: {} includes no {file}.x",
                name(input)
            )));
        }
        let text = generate(&sources, &settings, &Runtime::default())?;
        let text = files::finish(&text, &sources, &command)?;
        files::write(
            output,
            &output.to_string_lossy(),
            &text,
            self.check,
            "the same command without --check",
        )
    }
}

/// Generates Rust, not formatted yet, from the first of `sources`; the others are what it includes.
///
/// # Errors
///
/// The first thing that is wrong with the definitions, and where.
pub fn generate(
    sources: &[Source],
    settings: &Settings,
    runtime: &Runtime,
) -> Result<String, Error> {
    let files = (0..sources.len())
        .map(|source| parse(sources, source))
        .collect::<Result<Vec<_>, _>>()?;
    let model = resolve::resolve(sources, &files, settings)?;
    Ok(emit::emit(&model, runtime))
}

fn parse_define(text: &str) -> Result<(String, i128), String> {
    let (name, number) = text.split_once('=').ok_or("expected NAME=NUMBER")?;
    let source = Source {
        name: "--define".into(),
        text: format!("const {name} = {number};"),
    };
    let file = parse(&[source], 0).map_err(|error| error.to_string())?;
    match file.items.first().map(|item| &item.kind) {
        Some(ast::ItemKind::Const(ast::Value {
            kind: ast::ValueKind::Number(number),
            ..
        })) if file.items.len() == 1 => Ok((name.trim().to_owned(), *number)),
        _ => Err("expected NAME=NUMBER".into()),
    }
}

fn parse_extern(text: &str) -> Result<(String, String), String> {
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
