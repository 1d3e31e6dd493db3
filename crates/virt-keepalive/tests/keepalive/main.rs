//! The keepalive program through transports: literal bytes in, literal bytes out.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

mod callbacks;
mod counts;
mod messages;
mod model;
mod registration;
mod support;
mod table;
mod threshold;
mod two_ends;
