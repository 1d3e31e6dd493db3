//! The remote program.
