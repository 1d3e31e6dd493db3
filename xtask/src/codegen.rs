//! `cargo xtask codegen`: XDR definitions become constants, types and codecs.

pub mod ast;
mod doc;
mod lexer;
mod names;
mod parser;
mod source;

pub use parser::{MAX_NESTING, MAX_SOURCE, parse};
pub use source::{Error, Source, Span};
