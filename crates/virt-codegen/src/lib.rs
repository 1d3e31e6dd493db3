//! A generator of Rust from XDR definitions (RFC 4506, with the additions of rpcgen): constants, types with their codecs,
//! and a type for each procedure of a program.
//!
//! The generated code uses `virt-xdr`, and for programs `virt-transport`. The generator knows nothing of libvirt: it works
//! for any program in the XDR language.
//!
//! # Examples
//!
//! In a `build.rs`, which then needs no generated file in the repository:
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), virt_codegen::Error> {
//!     println!("cargo::rerun-if-changed=greeter.x");
//!     let out = std::env::var("OUT_DIR").expect("cargo sets it for a build script");
//!     virt_codegen::Codegen::new("greeter.x").write(format!("{out}/greeter.rs"))
//! }
//! ```
//!
//! The crate includes it in a module: `mod greeter { include!(concat!(env!("OUT_DIR"), "/greeter.rs")); }`.
//!
//! The command `virt-codegen greeter.x src/greeter.rs` writes a file to be checked in; `--check` says whether it is up to
//! date.

pub mod ast;
mod codegen;
mod doc;
mod emit;
mod files;
mod lexer;
mod model;
mod names;
mod parser;
mod resolve;
mod source;

pub use codegen::{Codegen, parse_define, parse_extern};
pub use emit::Runtime;
pub use files::format;
pub use parser::{MAX_NESTING, MAX_SOURCE, parse};
pub use resolve::Settings;
pub use source::{Error, Source, Span};

/// Generates a tree of modules, not formatted yet, from the files that the first of `sources` includes.
pub(crate) fn generate_tree(
    sources: &[Source],
    settings: &Settings,
    runtime: &Runtime,
    root: &str,
) -> Result<emit::tree::Tree, Error> {
    let files = (0..sources.len())
        .map(|source| parse(sources, source))
        .collect::<Result<Vec<_>, _>>()?;
    let model = resolve::resolve(sources, &files, settings)?;
    Ok(emit::tree::emit(&model, sources, &files, runtime, root))
}

/// Generates Rust, not formatted yet, from the first of `sources`; the others are what it includes.
///
/// # Errors
///
/// The first fault in the definitions, and its place; or all constants that are not defined. The definitions give no
/// item of Rust.
pub fn generate(
    sources: &[Source],
    settings: &Settings,
    runtime: &Runtime,
) -> Result<String, Error> {
    let files = (0..sources.len())
        .map(|source| parse(sources, source))
        .collect::<Result<Vec<_>, _>>()?;
    let model = resolve::resolve(sources, &files, settings)?;
    let text = emit::emit(&model, runtime);
    if text.trim().is_empty() {
        let name = sources.first().map_or("the input", |source| &source.name);
        return Err(Error::new(format!(
            "{name}: the definitions give no item of Rust, expected a constant, a type or a program"
        )));
    }
    Ok(text)
}
