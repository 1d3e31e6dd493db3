//! `Timer` on a simulated clock: each test reads the real one at most once, to have somewhere to start.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

mod activity;
mod driver;
mod late;
mod properties;
mod schedule;
mod settings;
mod support;
