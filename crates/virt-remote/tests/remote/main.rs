//! The remote program: literal bytes in, literal bytes out, and two ends against each other.
//!
//! The files in `transcripts` were recorded from the daemon of libvirt 9.0.0; exceptions are noted in each.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

mod added;
mod authentication;
mod close;
mod hypervisors;
mod keepalive;
mod opening;
mod properties;
mod public;
mod support;
mod transcripts;
mod two_ends;
mod types;
mod words;
