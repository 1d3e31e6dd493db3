//! Modules that the build script generates.

#![deny(warnings, missing_docs, missing_debug_implementations)]

/// A program by convention.
pub mod greeter {
    include!(concat!(env!("OUT_DIR"), "/greeter.rs"));
}

/// Types named as those of the prelude.
pub mod prelude {
    include!(concat!(env!("OUT_DIR"), "/prelude.rs"));
}

/// A program with types of another crate.
pub mod report {
    include!(concat!(env!("OUT_DIR"), "/report.rs"));
}
