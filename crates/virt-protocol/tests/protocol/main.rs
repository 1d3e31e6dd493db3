//! The typed programs: methods, typed parameters, the table and JSON.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

#[cfg(feature = "serde")]
mod json;
mod methods;
mod params;
mod table;
