//! The program as a person or a script runs it: its output and its exit status.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod authentication;
mod calls;
mod default_uri;
mod embedded;
mod errors;
mod json;
mod listen;
mod pipe;
mod real;
mod reconnect;
mod safe_text;
mod scripted;
mod support;
mod usage;
