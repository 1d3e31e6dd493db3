//! Generated types against rpcgen's C, against themselves, and against their bounds.
//!
//! What they are generated from is `tests/src/samples/samples.x`.

/// The generated code; public, as it would be in a crate of its own.
#[path = "../../src/samples/generated.rs"]
pub mod samples;

mod bounds;
mod procedures;
mod round_trips;
mod rpcgen;
