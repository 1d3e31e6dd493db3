//! The program as a person or a script runs it: what it prints, and what it ends with.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

mod default_uri;
mod embedded;
mod errors;
mod json;
mod pipe;
mod real;
mod scripted;
mod support;
mod usage;
