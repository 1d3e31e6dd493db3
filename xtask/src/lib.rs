//! The workspace's own commands: what CI runs, and the generator of everything named `generated.rs`.

pub mod ci;
pub mod codegen;
