//! The workspace's own commands: what CI runs, the generator of everything named `generated.rs`, and packages.

pub mod bench;
pub mod ci;
pub mod codegen;
pub mod dist;
pub mod fuzz;
pub mod soak;

/// The page about adding a program; its code is compiled and run here.
#[cfg(doctest)]
#[doc = include_str!("../../docs/adding-a-program.md")]
pub struct AddingAProgram;
