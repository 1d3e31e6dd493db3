//! The workspace's own commands: what CI runs, and the generator of everything named `generated.rs`.

pub mod bench;
pub mod ci;
pub mod codegen;

/// The page for whoever adds a program; what it shows is compiled and run here.
#[cfg(doctest)]
#[doc = include_str!("../../docs/adding-a-program.md")]
pub struct AddingAProgram;
