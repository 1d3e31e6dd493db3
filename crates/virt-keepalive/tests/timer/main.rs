//! `Timer` on a simulated clock: each test reads the real one at most once, to have somewhere to start.

mod activity;
mod properties;
mod schedule;
mod settings;
mod support;
